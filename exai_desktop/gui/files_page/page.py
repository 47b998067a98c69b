"""The page *Files*: what lies at the providers, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QMenu, QStackedWidget, QWidget

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.files_page.columns import GROUPS
from exai_desktop.gui.files_page.commands import FileAction, FilesCommands, fits
from exai_desktop.gui.files_page.details import FilesDetails
from exai_desktop.gui.files_page.history_panel import HistoryPanel
from exai_desktop.gui.files_page.project_copy import ProjectCopyBox
from exai_desktop.gui.files_page.view import EmptyFiles, FilesModel, FilesView
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.chip_filter import ChipFilter
from exai_desktop.gui.widgets.choice_menu import ChoiceMenu
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.record_page import ROOM_FOR_DETAILS, RecordArea, RecordPage
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_BUTTONS: dict[FileAction, tuple[str, str, str, str]] = {
    FileAction.SHOW_TEXT: ("Show &text", "text", "plain", ""),
    FileAction.IMPORT: ("&Import", "plus", "plain", ""),
    FileAction.DELETE: ("&Delete", "trash", "danger", "Shift+Delete"),
    FileAction.COPY_ID: ("&Copy file ID", "copy", "plain", "Ctrl+C"),
}


class FilesPage(RecordPage):
    """Puts the parts together and keeps what they show in step. Its second view is the history."""

    def __init__(
        self, theme: Theme, client: EngineClient, tasks: SlotTasks, commands: FilesCommands
    ) -> None:
        super().__init__()
        self.history = HistoryPanel(theme, client, tasks, commands.for_history())
        self._theme = theme
        self._client = client
        self._tasks = tasks
        self._commands = commands
        self._accounts: tuple[str, ...] = ()
        self.model = FilesModel(client, tasks, self)
        self.view = FilesView(self.model, theme)
        self.filter = ChipFilter(theme, GROUPS, "Search the files", "Search name, ID, hash or text")
        self.account = ChoiceMenu(theme, "Account", "All", "server")
        self.details = FilesDetails(theme, ProjectCopyBox(theme, client, tasks))
        self.refresh = Button(theme, "&Refresh", self.ask_providers, icon="retry", kind="primary")
        self.empty = EmptyFiles(theme, self.ask_providers)
        self.buttons: dict[FileAction, Button] = {}
        self.actions_: dict[FileAction, QAction] = {}
        self._make_commands()
        self._area = RecordArea(
            "Files and details",
            self.view,
            self.details,
            self.empty,
            lambda: tasks.start(self._read_detail()),
        )
        commands.selection = self.view.selected_files
        commands.selected_count = self.view.selected_count
        commands.on_change = self.look_again
        self._assemble()
        self._connect()

    def _make_commands(self) -> None:
        for action, (text, icon, kind, keys) in _BUTTONS.items():
            order = partial(self._commands.perform, action)
            made = QAction(text, self)
            self._theme.set_icon(made, icon, "muted")
            made.triggered.connect(lambda _checked=False, order=order: order())
            if keys:
                made.setShortcut(QKeySequence(keys))
                made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self.view.addAction(made)
            self.actions_[action] = made
            if action is not FileAction.COPY_ID:  # the details have a button for it
                self.buttons[action] = Button(self._theme, text, order, icon=icon, kind=kind)
        again = QAction("Refresh", self)
        again.setShortcut(QKeySequence("F5"))
        again.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        again.triggered.connect(lambda _checked=False: self.ask_providers())
        self.addAction(again)

    def _assemble(self) -> None:
        head = row(self.refresh, self.account, 0, *self.buttons.values(), gap=8)
        self._there = QWidget()
        there = column(head, self.filter, self._area, gap=12)
        there.setStretch(2, 1)
        self._there.setLayout(there)
        self._views = QStackedWidget()
        self._views.addWidget(self._there)
        self._views.addWidget(self.history)
        self.views: dict[str, Button] = {}
        group = QButtonGroup(self)
        for title, view in (("At the providers", self._there), ("History", self.history)):
            chip = Button(
                self._theme, title, partial(self._views.setCurrentWidget, view), kind="chip"
            )
            chip.setCheckable(True)
            chip.setChecked(view is self._there)
            group.addButton(chip)
            self.views[title] = chip
        layout = column(row(*self.views.values(), 0, gap=4), self._views, gap=12)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self.filter.changed.connect(self._filter)
        self.account.chosen.connect(self._filter)
        self.view.selection_moved.connect(self._on_selection)
        self.view.menu_wanted.connect(lambda at: self._menu().popup(at))
        self.view.opened.connect(self._open_details)
        self.model.loaded.connect(self._on_loaded)

    @property
    def is_history(self) -> bool:
        """Whether the second view is shown."""
        return self._views.currentWidget() is self.history

    def show_history(self) -> None:
        """Go to the second view."""
        self.views["History"].click()

    def start_search(self) -> None:
        """Put the cursor into the search box of the view that is shown."""
        (self.history.filter if self.is_history else self.filter).start_search()

    def showEvent(self, event: QShowEvent) -> None:
        """What happened while it was out of sight."""
        super().showEvent(event)
        self.model.refresh()
        if not self.is_history:
            self.view.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the list comes first."""
        self.details.setVisible(event.size().width() >= ROOM_FOR_DETAILS)
        super().resizeEvent(event)

    def show_accounts(self, statuses: Sequence[AccountStatus]) -> None:
        """The accounts there are now."""
        self._accounts = tuple(status.account.name for status in statuses)
        self.account.show_choices(self._accounts)
        self.history.show_accounts(self._accounts)

    def restart(self) -> None:
        """Another engine is behind the client."""
        self.details.show_nothing()
        self.filter.reset()
        self.model.restart()
        self.history.restart()

    def apply(self, news: News) -> None:
        """What the engine said: uploads and deletions change what lies there."""
        if news.accounts is not None:
            self.show_accounts(news.accounts)
        if news.accounts is not None or news.changed or news.reload:
            self.look_again()
        if news.is_mirror_changed and self.isVisible():
            self.details.project_copy.read()

    def look_again(self) -> None:
        """Read the record again, if somebody looks."""
        if self.isVisible():
            self.model.refresh_soon()
            self.history.look_again()

    def ask_providers(self) -> None:
        """Hold the record against what the providers list now."""
        if self.refresh.isEnabled():
            self._tasks.start(self._ask_providers())

    async def _ask_providers(self) -> None:
        chosen = self.account.choice
        self._show_asking(is_asking=True)
        try:
            await self._commands.refresh([chosen] if chosen else self._accounts)
        finally:
            self._show_asking(is_asking=False)

    def _show_asking(self, *, is_asking: bool) -> None:
        for button in (self.refresh, self.empty.refresh):
            button.setEnabled(not is_asking)
        self.refresh.setText("Asking…" if is_asking else "&Refresh")

    def _open_details(self) -> None:
        self.details.show()

    def _filter(self) -> None:
        self.model.filter(self.account.choice, self.filter.states, self.filter.text)

    def _on_loaded(self) -> None:
        is_narrowed = bool(self.filter.states or self.filter.text or self.account.choice)
        is_empty = self.model.rowCount() == 0 and not is_narrowed
        self._area.show_empty(is_empty)
        # The empty page has this one itself, larger.
        self.filter.setVisible(not is_empty)
        for part in (self.refresh, self.account, *self.buttons.values()):
            part.setVisible(not is_empty)
        self._on_selection()

    def _on_selection(self) -> None:
        copies = self.view.loaded_selection()
        count = self.view.selected_count()
        if count > 1:
            self.details.show_many(copies, count)
        elif copies:
            self.details.show_copy(copies[0])
            self._area.read_detail_soon()
        else:
            self.details.show_nothing()
        table = self._commands.table
        for action, made in self.actions_.items():
            possible = any(fits(action, copy, table) for copy in copies)
            if action is FileAction.SHOW_TEXT:
                possible = possible and count == 1
            made.setEnabled(possible)
            if action in self.buttons:
                self.buttons[action].setEnabled(possible)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAccessibleName("Selected files")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([made for made in self.actions_.values() if made.isEnabled()])
        return menu

    async def _read_detail(self) -> None:
        copy_id = self.details.copy_id
        if copy_id is not None:
            self.details.show_detail(await self._client.files.file(copy_id))
