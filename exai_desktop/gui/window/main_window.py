"""The window: assembles the parts, chooses the page, passes the engine's news on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.accounts.secret_store import StoreState, StoreStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.receipts import ReceiptScope
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.files_page.commands import FilesCommands
from exai_desktop.gui.notices.delayed_deletion import DelayedDeletion
from exai_desktop.gui.notices.notice_bar import tell
from exai_desktop.gui.notices.overlay import NoticeOverlay
from exai_desktop.gui.notices.status_centre import StatusButton
from exai_desktop.gui.plan.desk import PlanDesk
from exai_desktop.gui.queue_page.commands import QueueCommands
from exai_desktop.gui.queue_page.file_intake import FileIntake
from exai_desktop.gui.queue_page.page import QueuePage
from exai_desktop.gui.records_page.pending_note import RecordsNote
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Setting
from exai_desktop.gui.widgets.controls import centred, column
from exai_desktop.gui.window.backup_orders import BackupOrders
from exai_desktop.gui.window.handed_files import HandedFiles
from exai_desktop.gui.window.help_orders import HelpOrders
from exai_desktop.gui.window.menus import Orders, WindowActions
from exai_desktop.gui.window.page_bar import PageBar, SandboxBanner, activity_page
from exai_desktop.gui.window.parts import Parts
from exai_desktop.gui.window.start_pages import EngineProblem, FirstRun
from exai_desktop.gui.window.update_notes import UpdateNotes

if TYPE_CHECKING:  # dialogs and pages are loaded when they are first looked at
    from exai_desktop.gui.accounts.accounts_dialog import AccountsDialog
    from exai_desktop.gui.accounts.key_store_dialog import KeyStoreDialog
    from exai_desktop.gui.accounts.providers_page import ProvidersPage
    from exai_desktop.gui.files_page.page import FilesPage
    from exai_desktop.gui.records_page.page import RecordsPage


class MainWindow(QMainWindow):
    """`close_wanted`: the user is done; the program settles and ends. `leaving`: the engine is
    exchanged. `entered`: one is behind the window; its settings. `start_failed`: the reason."""

    close_wanted = Signal()
    leaving = Signal()
    entered = Signal(object)
    start_failed = Signal(str)

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts
        self._accounts: tuple[AccountStatus, ...] = ()
        self.accounts_dialog: AccountsDialog | None = None
        self.key_store: KeyStoreDialog | None = None
        self.on_close: Callable[[], object] = self.close_wanted.emit
        # What happened while nobody could see it.
        self._unseen = News()
        self.setWindowTitle("EXAI Desktop")
        self.resize(1280, 800)
        theme, notices = parts.theme, parts.notices
        self.deletions = DelayedDeletion(self, notices, parts.tasks)
        self.commands = QueueCommands(
            self, theme, parts.table, parts.client, parts.tasks, notices, self.deletions
        )
        self.plans = PlanDesk(theme, parts.table, parts.client, parts.tasks, notices)
        self.intake = FileIntake(self, theme, notices, self.add)
        self.handed = HandedFiles(
            parts.client, parts.tasks, notices, self._take, self.come_to_front
        )
        choosers = (self.intake.choose_files, self.intake.choose_folder)
        self.page = QueuePage(
            theme, parts.table, parts.client, parts.tasks, self.commands, choosers
        )
        self.first_run = FirstRun(theme, self._open_first_steps, lambda: self.enter(sandbox=True))
        self.problem = EngineProblem(
            theme,
            lambda: self.enter(sandbox=parts.session.is_sandbox),
            lambda choice: parts.tasks.start(self._settle_copy(choice)),
        )
        self.starting = centred(PlainLabel("Starting…", role="muted"))
        self.banner = SandboxBanner(theme, self._add_real_account)
        self.files_commands = FilesCommands(
            self, theme, parts.table, parts.client, parts.tasks, notices, self.deletions
        )
        self._files: FilesPage | None = None
        self._providers: ProvidersPage | None = None
        self._records: RecordsPage | None = None
        self.updates = UpdateNotes(self, parts, self.close_wanted.emit)
        self.backups = BackupOrders(self, parts, self._show_waiting, self._enter)
        self.help = HelpOrders(self, parts)
        self._assemble()
        self.menu_actions = WindowActions(self, theme, self.page, self.commands, self._orders())
        self.menu_actions.fill(self.menuBar())
        for shown in (self.page.wanted, self.plans.changed):
            shown.connect(lambda: self.pages.go("Queue"))
        self.deletions.changed.connect(self._enable_undo)
        self.commands.removal.changed.connect(self._enable_undo)
        self._enable_undo()
        parts.bridge.news_arrived.connect(self.take_news)

    def _assemble(self) -> None:
        self.stack = QStackedWidget()
        for page in (self.starting, self.first_run, self.page, self.problem):
            self.stack.addWidget(page)
        pages: dict[str, Callable[[], QWidget]] = {
            "Queue": lambda: self.plans.page or self.page,
            "Files": lambda: self.files,
            "Providers": lambda: self.providers,
            "Records": lambda: self.records,
            "Activity": cache(partial(activity_page, self._parts, self.stack)),
        }
        parts = self._parts
        self.pages = PageBar(parts.theme, self.stack, pages)
        to_records = partial(self.pages.go, "Records")
        self.note = RecordsNote(parts.theme, parts.client, parts.tasks, to_records)
        self.pages.add_note(self.note)
        self.status = StatusButton(parts.theme, parts.notices)
        self.pages.add_note(self.status)
        whole = column(self.banner, self.pages, self.stack, gap=0)
        whole.setStretch(2, 1)
        center = QWidget()
        center.setLayout(whole)
        self.overlay = NoticeOverlay(center, parts.notices)
        self.setCentralWidget(center)

    @property
    def files(self) -> FilesPage:
        """Made when it is first looked at."""
        if self._files is None:
            from exai_desktop.gui.files_page.page import FilesPage

            parts = self._parts
            self._files = FilesPage(parts.theme, parts.client, parts.tasks, self.files_commands)
            self._files.show_accounts(self._accounts)
            self._files.restart()
        return self._files

    @property
    def providers(self) -> ProvidersPage:
        """Made when it is first looked at."""
        if self._providers is None:
            from exai_desktop.gui.accounts.providers_page import ProvidersPage

            parts = self._parts
            self._providers = ProvidersPage(
                parts.theme, parts.table, parts.client, parts.tasks, self.open_accounts
            )
            self._providers.show_accounts(self._accounts)
        return self._providers

    @property
    def records(self) -> RecordsPage:
        """Made when it is first looked at."""
        if self._records is None:
            from exai_desktop.gui.records_page.page import RecordsPage

            parts = self._parts
            self._records = RecordsPage(parts.theme, parts.client, parts.tasks)
        return self._records

    def _orders(self) -> Orders:
        return Orders(
            files=self.intake.choose_files,
            folder=self.intake.choose_folder,
            paste=self.intake.paste,
            undo=self.commands.undo,
            find=self._find,
            message=self.overlay.switch,
            queue=lambda: self.pages.go("Queue"),
            stored=lambda: self.pages.go("Files"),
            providers=lambda: self.pages.go("Providers"),
            records=lambda: self.pages.go("Records"),
            activity=lambda: self.pages.go("Activity"),
            accounts=self.open_accounts,
            settings=self.open_settings,
            rules=partial(self._open_folders, are_watched=False),
            watch=partial(self._open_folders, are_watched=True),
            back_up=self.backups.open_back_up,
            restore=self.backups.open_restore,
            receipt=lambda: self.commands.open_receipt(ReceiptScope()),
            sandbox=lambda: self.enter(sandbox=True),
            leave_sandbox=lambda: self.enter(sandbox=False),
            shortcuts=self.help.open_shortcuts,
            diagnostics=self.help.open_diagnostics,
            about=self.help.show_about,
            updates=self.updates.check,
            theme=self._choose_theme,
            quit=self.close_wanted.emit,
        )

    def _find(self) -> None:
        if self._files is not None and self.stack.currentWidget() is self._files:
            self._files.start_search()
        else:
            self.page.filter.start_search()

    def _enable_undo(self) -> None:
        is_open = self.deletions.is_open or self.commands.removal.is_open
        self.menu_actions.undo.setEnabled(is_open)

    def _choose_theme(self, setting: Setting) -> None:
        self.menu_actions.choose_theme(setting)
        self._parts.tasks.start(self._parts.client.settings.change("theme", setting))

    def enter(self, *, sandbox: bool, then_accounts: bool = False) -> None:
        """Start the real engine or the sandbox behind this window."""
        self._parts.tasks.start(self._enter(sandbox, then_accounts))

    async def _enter(self, sandbox: bool, then_accounts: bool) -> None:
        self._parts.notices.dismiss()
        if self.accounts_dialog is not None:
            self.accounts_dialog.close()
        self._show_waiting("Starting the sandbox…" if sandbox else "Starting…")
        client = self._parts.client
        try:
            await self._parts.session.start(sandbox=sandbox)
            self.banner.setVisible(sandbox)
            self.menu_actions.show_mode(is_sandbox=sandbox)
            self._accounts = tuple(await client.accounts.all())
            summary = await client.queue.summary()
            settings = await client.settings.saved()
            self.menu_actions.show_settings(settings)
            self.entered.emit(settings)
        except AppError as error:
            if error.code is ErrorCode.ALREADY_OPEN:
                self.close_wanted.emit()  # the other window has come to the front
                return
            view = ErrorView.of(error)
            self.problem.show_error(view)
            self.stack.setCurrentWidget(self.problem)
            self.start_failed.emit(view.title)
            return
        self.page.send_menu.show_accounts(self._accounts)
        self.page.restart(summary)
        if self._files is not None:
            self._files.show_accounts(self._accounts)
            self._files.restart()
        if self._providers is not None:
            self._providers.show_accounts(self._accounts)
        self._choose_page(summary.total)
        self.note.refresh()
        self.handed.enter(is_sandbox=sandbox, has_account=bool(self._accounts))
        if then_accounts:
            self.open_accounts()
        store = await client.keys.status()
        if store.has_vault and store.state is StoreState.LOCKED:
            self._open_key_store(store)

    def _open_key_store(self, store: StoreStatus) -> None:
        from exai_desktop.gui.accounts.key_store_dialog import KeyStoreDialog

        parts = self._parts
        self.key_store = KeyStoreDialog(self, parts.theme, parts.client, parts.tasks, store)
        self.key_store.open()

    async def _settle_copy(self, choice: str) -> None:
        """The user's answer about a copied profile; then the engine is started anew."""
        try:
            await self._parts.session.settle_copy(choice)
        except AppError as error:
            self.problem.show_error(ErrorView.of(error))
            return
        await self._enter(sandbox=False, then_accounts=False)

    def _choose_page(self, total: int) -> None:
        is_new = not self._accounts and total == 0
        self.stack.setCurrentWidget(self.first_run if is_new else self.page)
        if is_new:
            self.first_run.add_key.setFocus()
        elif total:
            self.page.view.setFocus()
        else:
            self.page.empty.files.setFocus()

    @property
    def accounts(self) -> tuple[AccountStatus, ...]:
        return self._accounts

    @property
    def _is_in_sight(self) -> bool:
        return self.isVisible() and not self.isMinimized()

    def take_news(self, news: News) -> None:
        """Ten times a second at most: everything the engine said since the last time."""
        if news.accounts is not None:
            self._accounts = news.accounts
            if self.accounts_dialog is not None:
                self.accounts_dialog.show_accounts(news.accounts)
            self.handed.offer(has_account=bool(news.accounts))
        if self._is_in_sight:
            self._show_news(news)
        else:
            self._unseen.put_off(news)
        tell(news.problems, news.finished, self._parts.notices, self.page.show_batch)
        if news.is_window_wanted:
            self._parts.tasks.start(self.handed.take_wishes())

    def _show_news(self, news: News) -> None:
        self.page.apply(news)
        if self._files is not None:
            self._files.apply(news)
        if news.accounts is not None and self._providers is not None:
            self._providers.show_accounts(news.accounts)
        if news.is_mirror_changed:
            self.note.refresh()
            if self._records is not None:
                self._records.refresh()
        if self._accounts and self.stack.currentWidget() is self.first_run:
            self.stack.setCurrentWidget(self.page)
            self.page.empty.files.setFocus()

    def event(self, event: QEvent) -> bool:
        """Seen again: what was put off is shown now."""
        handled = super().event(event)
        is_change = event.type() in (QEvent.Type.Show, QEvent.Type.WindowStateChange)
        if is_change and self._unseen.reload and self._is_in_sight:
            unseen, self._unseen = self._unseen, News()
            self._show_news(unseen)
        return handled

    def add(self, paths: Sequence[str]) -> None:
        """Take files and folders into the queue, as the send menu says."""
        self.plans.add(paths, self.page.send_menu.options)

    async def _take(self, paths: Sequence[str], accepted: Callable[[], object]) -> None:
        await self.plans.take(paths, self.page.send_menu.options, accepted)

    def open_accounts(self) -> None:
        """The accounts dialog; a second call brings the first one to the front."""
        if self.accounts_dialog is not None:
            self.accounts_dialog.activateWindow()
            return
        from exai_desktop.gui.accounts.accounts_dialog import AccountsDialog

        parts = self._parts
        real = self._add_real_account if parts.session.is_sandbox else None
        dialog = AccountsDialog(
            self, parts.theme, parts.table, parts.client, parts.tasks, on_real_account=real
        )
        self.accounts_dialog = dialog
        dialog.finished.connect(self._forget_dialog)
        dialog.open()

    def _forget_dialog(self) -> None:
        self.accounts_dialog = None

    def _add_real_account(self) -> None:
        self.enter(sandbox=False, then_accounts=True)

    def _open_folders(self, *, are_watched: bool) -> None:
        from exai_desktop.gui.accounts.folder_rules_dialog import FolderRulesDialog
        from exai_desktop.gui.accounts.watched_folders_dialog import WatchedFoldersDialog

        parts, kind = self._parts, WatchedFoldersDialog if are_watched else FolderRulesDialog
        kind(self, parts.theme, parts.table, parts.client, parts.tasks).open()

    def _open_first_steps(self) -> None:
        from exai_desktop.gui.accounts.first_steps import FirstSteps

        parts = self._parts
        given = (parts.theme, parts.table, parts.client, parts.tasks)
        FirstSteps(self, *given, self.open_accounts, self.intake.choose_files).open()

    def open_settings(self) -> None:
        """The dialog with all settings."""
        from exai_desktop.gui.window.settings_dialog import SettingsDialog

        parts, show = self._parts, self.menu_actions.show_settings
        given = (parts.theme, parts.client, parts.tasks)
        SettingsDialog(self, *given, show, partial(self._open_folders, are_watched=False)).open()

    def _show_waiting(self, text: str) -> None:
        self.deletions.forget()
        self.handed.leave()
        self.plans.forget()
        self.leaving.emit()
        self.starting.setText(text)
        self.stack.setCurrentWidget(self.starting)

    def come_to_front(self) -> None:
        """From the tray, from a minimised state, from behind other windows."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Not yet: the program may go on, and its end begins with the engine's."""
        event.ignore()
        self.on_close()
