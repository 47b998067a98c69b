"""The second view of the page *Files*: everything that was sent or tried, whatever became of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QWidget

from exai_desktop.core.jobs.history import HistorySort
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.files_page.history_columns import (
    HISTORY_GROUPS,
    HISTORY_HEADINGS,
    HistoryColumn,
)
from exai_desktop.gui.files_page.history_commands import HistoryAction, HistoryCommands, fits
from exai_desktop.gui.files_page.history_details import HistoryDetails
from exai_desktop.gui.files_page.history_view import HistoryModel, HistoryView
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.chip_filter import ChipFilter
from exai_desktop.gui.widgets.choice_menu import ChoiceMenu
from exai_desktop.gui.widgets.controls import Button, IconView, centred, column, row
from exai_desktop.gui.widgets.record_page import ROOM_FOR_DETAILS, RecordArea
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

A = HistoryAction

# Text, icon, key; None: a line in the menu.
_ACTIONS: Final[tuple[tuple[HistoryAction, str, str, str] | None, ...]] = (
    (A.COPY_ID, "&Copy file ID", "copy", "Ctrl+C"),
    (A.CHECK, "Check &now", "cloud-search", "F5"),
    None,
    (A.REVEAL, "Open &folder", "folder", ""),
    (A.SHOW_TEXT, "Show &text", "text", ""),
    (A.THIS_BATCH, "Show only this &batch", "files", ""),
    None,
    (A.AS_TABLE, "Copy IDs as &table", "copy", ""),
    (A.AS_JSON, "Copy IDs as &JSON", "copy", ""),
    (A.AS_PYTHON, "Copy IDs as &Python", "copy", ""),
    (A.AS_CURL, "Copy IDs as c&url", "copy", ""),
    None,
    (A.SAVE_CSV, "&Export as CSV…", "arrow-up", ""),
    (A.SAVE_JSON, "E&xport as JSON…", "arrow-up", ""),
    None,
    (A.FORGET, "&Delete from the history…", "trash", "Delete"),
)


class _MenuButton(Button):
    """A button that opens a menu."""

    def __init__(self, theme: Theme, text: str, icon: str) -> None:
        super().__init__(theme, text, self.showMenu, icon=icon)
        self.setProperty("menu", True)


class HistoryPanel(QWidget):
    """Puts the parts together and keeps what they show in step."""

    def __init__(
        self, theme: Theme, client: EngineClient, tasks: SlotTasks, commands: HistoryCommands
    ) -> None:
        super().__init__()
        self._theme = theme
        self._client = client
        self._tasks = tasks
        self._commands = commands
        self._batch: int | None = None
        self.model = HistoryModel(client, tasks, self)
        self.view = HistoryView(self.model, theme)
        self.filter = ChipFilter(
            theme, HISTORY_GROUPS, "Search the history", "Name, folder, ID, error, text"
        )
        self.account = ChoiceMenu(theme, "Account", "All", "server")
        self.details = HistoryDetails(theme)
        self.by_batch = Button(theme, "&Group by batch", self._group, kind="chip")
        self.by_batch.setCheckable(True)
        self.only_batch = Button(theme, "Batch", lambda: self.show_batch(None), icon="close")
        self.only_batch.hide()
        self.columns = _MenuButton(theme, "Columns", "panel")
        self.more = _MenuButton(theme, "&Actions", "play")
        self.actions_: dict[HistoryAction, QAction] = {}
        self._make_actions()
        self._make_columns()
        self._area = RecordArea(
            "History and details", self.view, self.details, self._empty(), lambda: None
        )
        self._assemble()
        self._connect()

    def _make_actions(self) -> None:
        menu = QMenu(self)
        menu.setAccessibleName("Actions for the selected files")
        for given in _ACTIONS:
            if given is None:
                menu.addSeparator()
                continue
            action, text, icon, keys = given
            made = QAction(text, self)
            self._theme.set_icon(made, icon, "danger" if action is A.FORGET else "muted")
            made.triggered.connect(
                lambda _checked=False, action=action: self._commands.perform(action)
            )
            if keys:
                made.setShortcut(QKeySequence(keys))
                made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self.view.addAction(made)
            menu.addAction(made)
            self.actions_[action] = made
        self.more.setMenu(menu)
        copy, check = self.actions_[A.COPY_ID], self.actions_[A.CHECK]
        self.copy_id = Button(self._theme, "&Copy ID", copy.trigger, icon="copy", kind="primary")
        self.check = Button(self._theme, "Check &now", check.trigger, icon="cloud-search")

    def _make_columns(self) -> None:
        menu = QMenu(self)
        menu.setAccessibleName("Columns that are shown")
        for number, heading in enumerate(HISTORY_HEADINGS):
            if number in (HistoryColumn.NAME, HistoryColumn.STATE):
                continue
            made = menu.addAction(heading.title)
            made.setCheckable(True)
            made.setChecked(number not in self.view.unwanted)
            made.toggled.connect(partial(self._choose_column, number))
        self.columns.setMenu(menu)

    def _choose_column(self, number: int, is_wanted: bool) -> None:
        unwanted = self.view.unwanted
        self.view.leave_out(unwanted - {number} if is_wanted else unwanted | {number})

    def _empty(self) -> QWidget:
        empty = QWidget()
        icon = IconView(self._theme, "clock", "accent", 48)
        title = centred(PlainLabel("No file has come to an end yet", role="title"))
        words = "Files that were sent, failed or were refused stay here, also after you remove them"
        text = centred(PlainLabel(f"{words} from the queue.", role="muted", wrap=True))
        empty.setLayout(column(0, row(0, icon, 0), 16, title, 4, text, 0, gap=0, margin=32))
        return empty

    def _assemble(self) -> None:
        tools = row(
            self.copy_id, self.check, self.more, 0, self.only_batch, self.by_batch, self.account,
            self.columns, gap=8,
        )  # fmt: skip
        layout = column(tools, self.filter, self._area, gap=12)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        commands = self._commands
        commands.selection = self.view.selected_files
        commands.selected_count = self.view.selected_count
        commands.shown = lambda: self.model.query
        commands.on_change = self.look_again
        commands.show_batch = self.show_batch
        self.filter.changed.connect(self._filter)
        self.account.chosen.connect(self._filter)
        self.view.selection_moved.connect(self._on_selection)
        self.view.menu_wanted.connect(lambda at: self.more.menu().popup(at))
        self.view.opened.connect(self.details.show)
        self.view.horizontalHeader().sortIndicatorChanged.connect(self._on_sort)
        self.model.loaded.connect(self._on_loaded)

    def showEvent(self, event: QShowEvent) -> None:
        """What happened while it was out of sight."""
        super().showEvent(event)
        self.model.refresh()
        self.view.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the list comes first, and the buttons that the menu has too go."""
        width = event.size().width()
        self.details.setVisible(width >= ROOM_FOR_DETAILS)
        self.check.setVisible(width >= ROOM_FOR_DETAILS)
        super().resizeEvent(event)

    def show_accounts(self, names: Sequence[str]) -> None:
        """The accounts there are now."""
        self.account.show_choices(names)

    def restart(self) -> None:
        """Another engine is behind the client."""
        self.details.show_nothing()
        self.filter.reset()
        self.show_batch(None)
        self.model.restart()

    def look_again(self) -> None:
        """Read the record again, if somebody looks."""
        if self.isVisible():
            self.model.refresh_soon()

    async def _count(self) -> None:
        counts = await self._client.history.counts()
        self.filter.show_counts(counts, sum(counts.values()))

    def show_batch(self, batch: int | None) -> None:
        """Only the files that were added at once; None: all."""
        self._batch = batch
        self.only_batch.setText(f"Batch {batch}")
        self.only_batch.setAccessibleName(f"Only batch {batch} is shown. Show all")
        self.only_batch.setVisible(batch is not None)
        self._filter()

    def _group(self) -> None:
        """By batch, the newest first; again: as at first."""
        is_wanted = self.by_batch.isChecked()
        if is_wanted:
            self.view.leave_out(self.view.unwanted - {HistoryColumn.BATCH})
        section = HistoryColumn.BATCH if is_wanted else -1
        self.view.horizontalHeader().setSortIndicator(section, Qt.SortOrder.DescendingOrder)

    def _on_sort(self) -> None:
        self.by_batch.setChecked(self.model.query.sort is HistorySort.BATCH)

    def _filter(self) -> None:
        self.model.filter(self.filter.states, self.filter.text, self.account.choice, self._batch)

    def _on_loaded(self) -> None:
        # Here, because many reasons to look again make one refresh.
        self._tasks.start(self._count())
        query = self.model.query
        is_narrowed = bool(query.kinds or query.search or query.account or query.batch)
        self._area.show_empty(self.model.rowCount() == 0 and not is_narrowed)
        self._on_selection()

    def _on_selection(self) -> None:
        files = self.view.loaded_selection()
        count = self.view.selected_count()
        if count > 1:
            self.details.show_many(files, count)
        elif files:
            self.details.show_file(files[0])
        else:
            self.details.show_nothing()
        one = (A.REVEAL, A.SHOW_TEXT, A.THIS_BATCH)
        table = self._commands.table
        for action, made in self.actions_.items():
            possible = any(fits(action, file, table) for file in files)
            possible = possible and (count == 1 or action not in one)
            if action in (A.SAVE_CSV, A.SAVE_JSON):
                possible = self.model.rowCount() > 0
                which = "selected" if count > 1 else "all shown"
                made.setText(f"Export {which} as {'CSV' if action is A.SAVE_CSV else 'JSON'}…")
            made.setEnabled(possible)
        self.copy_id.setEnabled(self.actions_[A.COPY_ID].isEnabled())
        self.check.setEnabled(self.actions_[A.CHECK].isEnabled())
