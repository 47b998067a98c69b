"""The window: assembles the parts, chooses the page, passes the engine's news on."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QFrame, QMainWindow, QStackedWidget, QWidget

from exai_desktop import __version__
from exai_desktop.core.accounts import AccountStatus
from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.errors import AppError, ErrorView
from exai_desktop.core.events import BatchFinished
from exai_desktop.gui.accounts_dialog import AccountsDialog
from exai_desktop.gui.bridge import EngineBridge, News
from exai_desktop.gui.controls import Button, IconView, column, row
from exai_desktop.gui.drop_zone import NOT_LOCAL, DropZone, gather, gather_urls
from exai_desktop.gui.engine_client import EngineClient
from exai_desktop.gui.engine_session import EngineSession
from exai_desktop.gui.notice_bar import NoticeBar
from exai_desktop.gui.plain_text import PlainLabel
from exai_desktop.gui.queue_commands import QueueCommands
from exai_desktop.gui.queue_page import QueuePage
from exai_desktop.gui.slot_tasks import SlotTasks
from exai_desktop.gui.start_pages import EngineProblem, FirstRun
from exai_desktop.gui.state_look import Tone
from exai_desktop.gui.text_dialogs import ShortcutsDialog
from exai_desktop.gui.theme import Theme
from exai_desktop.gui.window_actions import WindowActions
from exai_desktop.gui.wording import count_text


@dataclass(frozen=True, slots=True)
class Parts:
    """What the window is given by the program."""

    theme: Theme
    table: ProviderTable
    client: EngineClient
    bridge: EngineBridge
    session: EngineSession
    tasks: SlotTasks
    notices: NoticeBar


class MainWindow(QMainWindow):
    """`close_wanted`: the user is done; the program settles and ends."""

    close_wanted = Signal()

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts
        self._theme = parts.theme
        self._tasks = parts.tasks
        self._accounts: tuple[AccountStatus, ...] = ()
        self._total = 0
        self._may_close = False
        self.setWindowTitle("EXAI Desktop")
        self.resize(1280, 800)
        self.dialog: AccountsDialog | None = None
        self.commands = QueueCommands(
            self, parts.theme, parts.table, parts.client, parts.tasks, parts.notices
        )
        choosers = (self.choose_files, self.choose_folder)
        self.page = QueuePage(
            parts.theme, parts.table, parts.client, parts.tasks, self.commands, choosers
        )
        self.first_run = FirstRun(parts.theme, self.open_accounts, lambda: self.enter(sandbox=True))
        self.problem = EngineProblem(
            parts.theme, lambda: self.enter(sandbox=parts.session.is_sandbox)
        )
        self._starting = PlainLabel("Starting…", role="muted")
        self._starting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.banner = self._make_banner()
        self._assemble()
        self.drop_zone = DropZone(self, parts.theme)
        self.drop_zone.dropped.connect(self.add)
        self.drop_zone.refused.connect(self._refuse)
        self.actions_ = WindowActions(
            self, parts.theme, self.page, self.commands, self._own_commands()
        )
        self.actions_.fill(self.menuBar())
        parts.bridge.news_arrived.connect(self.take_news)

    def _assemble(self) -> None:
        self.stack = QStackedWidget()
        for page in (self._starting, self.first_run, self.page, self.problem):
            self.stack.addWidget(page)
        notice = row(self._parts.notices)
        notice.setContentsMargins(24, 12, 24, 0)
        whole = column(self.banner, notice, self.stack, gap=0)
        whole.setStretch(2, 1)
        center = QWidget()
        center.setLayout(whole)
        self.setCentralWidget(center)

    def _own_commands(self) -> dict[str, object]:
        return {}

    def _make_banner(self) -> QFrame:
        banner = QFrame()
        banner.setProperty("banner", True)
        text = PlainLabel("Sandbox: files go to this computer only", role="heading")
        real = Button(self._theme, "Add a real account…", self.leave_sandbox, icon="key")
        layout = row(IconView(self._theme, "flask", "accent"), text, 0, real, gap=12)
        layout.setContentsMargins(24, 8, 24, 8)
        banner.setLayout(layout)
        banner.hide()
        return banner
