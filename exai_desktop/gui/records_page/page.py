"""The page *Records*: brought up to date while it is seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.mirror.status import MirrorState, MirrorStatus
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.engine.thread import EngineStoppedError
from exai_desktop.gui.records_page.copies_card import SHOWN_STATES, CopiesCard
from exai_desktop.gui.records_page.project_card import ProjectCard
from exai_desktop.gui.records_page.quota_card import QuotaCard
from exai_desktop.gui.records_page.row_cards import MOST_SHOWN, OthersCard, RefusedCard
from exai_desktop.gui.records_page.setup_card import SetupCard
from exai_desktop.gui.records_page.sign_in_dialog import SignInDialog
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.card_list import scrolled
from exai_desktop.gui.widgets.controls import column
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

EVERY_MS: Final = 2_000
# Lines longer than this are hard to follow.
_WIDEST: Final = 880


class RecordsPage(QWidget):
    def __init__(self, theme: Theme, client: EngineClient, tasks: SlotTasks) -> None:
        super().__init__()
        self._theme = theme
        self._client = client
        self._tasks = tasks
        self._is_reading = False
        # The lists may be others than those that are shown.
        self._is_stale = True
        self._status = MirrorStatus(MirrorState.SIGNED_OUT)
        self.dialog: SignInDialog | None = None
        self.project = ProjectCard(theme, self.sign_in, self._sign_out, self._sync)
        self.quota = QuotaCard(self._set_strict)
        self.setup = SetupCard(theme)
        self.refused = RefusedCard(theme, self._retry_refused)
        self.others = OthersCard(theme, self.refresh)
        self.copies = CopiesCard(theme, self._switch_copies, self._retry_copies)
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._assemble()

    def _assemble(self) -> None:
        cards = column(
            *(self.project, self.quota, self.setup, self.refused, self.copies, self.others, 0),
            gap=16,
        )
        cards.setContentsMargins(0, 0, 4, 0)
        head = PlainLabel("Records", role="title")
        body = column(head, scrolled(cards, "Records", _WIDEST), gap=12)
        body.setContentsMargins(24, 16, 24, 16)
        self.setLayout(body)
        self.show_status(self._status)

    def minimumSizeHint(self) -> QSize:
        """Small enough for half a laptop's screen."""
        return QSize(480, 320)

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks: what is shown has to be true."""
        super().showEvent(event)
        self._is_stale = True
        self._tasks.start(self._read(ask=True))
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def refresh(self) -> None:
        """Ask the engine again, lists and all; a question that comes meanwhile is not lost."""
        self._is_stale = True
        self._look()

    def _look(self) -> None:
        """How much waits changes with each upload, and is not announced."""
        if self.isVisible() and not self._is_reading:
            self._tasks.start(self._read())

    async def _read(self, *, ask: bool = False) -> None:
        self._is_reading = True
        try:
            # What is known is shown before the project itself has answered.
            self.show_status(await self._client.mirror.status())
            if ask:
                self.quota.show_strict((await self._client.settings.saved()).strict_quota)
            if ask and self._status.is_signed_in:
                self.show_status(await self._client.mirror.status(ask=True))
            await self._read_copies()
            while self._is_stale:
                self._is_stale = False
                await self._read_lists()
        except (AppError, EngineStoppedError):
            self._is_stale = True  # the engine or its record is away; the next look is soon
        finally:
            self._is_reading = False

    async def _read_lists(self) -> None:
        mirror = self._client.mirror
        self.show_status(await mirror.status())
        rows = await mirror.refused(MOST_SHOWN) if self._status.refused else []
        self.refused.show_rows(rows, self._status.refused)
        if self._has_others:
            text = self.others.search.text()
            self.others.show_page(await mirror.other_files(text, MOST_SHOWN))

    async def _read_copies(self) -> None:
        storage = self._client.storage
        status = await storage.status()
        rows = await storage.rows(SHOWN_STATES, limit=MOST_SHOWN)
        self.copies.show_copies(status, rows)

    @property
    def _has_others(self) -> bool:
        return self._status.is_signed_in or bool(self._status.other_files)

    def show_status(self, status: MirrorStatus) -> None:
        """The newest state; the lists follow."""
        self._status = status
        self.project.show_status(status)
        self.quota.show_status(status)
        self.setup.show_status(status)
        self.others.setVisible(self._has_others)
        self.copies.setVisible(status.is_signed_in)

    def sign_in(self) -> None:
        """Ask for project, user and password."""
        if self.dialog is not None:
            self.dialog.activateWindow()
            return
        self.dialog = SignInDialog(self, self._theme, self._client, self._tasks, self._signed_in)
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.show_known(self._status)
        self.dialog.open()

    def _forget_dialog(self) -> None:
        self.dialog = None

    def _signed_in(self, status: MirrorStatus) -> None:
        self.project.result.hide()
        self.show_status(status)
        self.refresh()

    def _sign_out(self) -> None:
        self._order(self._run_sign_out)

    async def _run_sign_out(self) -> str:
        left = await self._client.mirror.sign_out()
        waiting = left.pending + left.refused
        if not waiting:
            return "Signed out. Nothing was waiting."
        changes = count_text(waiting, "change waits", "changes wait")
        return f"Signed out. {changes} here until {left.email} signs in again."

    def _sync(self) -> None:
        self._order(self._run_sync)

    async def _run_sync(self) -> str:
        done = await self._client.mirror.sync_now()
        sent = count_text(done.sent, "change", "changes")
        refused = f", {done.refused:,} refused" if done.refused else ""
        return f"Sent {sent}{refused}, received {done.fetched:,}."

    def _set_strict(self, is_strict: bool) -> None:
        self._order(lambda: self._run_strict(is_strict=is_strict))

    async def _run_strict(self, *, is_strict: bool) -> str:
        await self._client.settings.change("strict_quota", "true" if is_strict else "false")
        return (
            "The project is asked before each file."
            if is_strict
            else "Files no longer wait for the project."
        )

    def _retry_refused(self) -> None:
        self._order(self._run_retry)

    async def _run_retry(self) -> str:
        count = await self._client.mirror.retry_refused()
        return f"{count_text(count, 'change is', 'changes are')} sent again."

    def _switch_copies(self, is_on: bool) -> None:
        self._order(partial(self._run_switch, is_on=is_on))

    async def _run_switch(self, *, is_on: bool) -> str:
        await self._client.settings.change("copy_to_storage", str(is_on).lower())
        return f"Copies of your files are switched {'on' if is_on else 'off'}."

    def _retry_copies(self) -> None:
        self._order(self._run_retry_copies)

    async def _run_retry_copies(self) -> str:
        count = await self._client.storage.retry_refused()
        return f"{count_text(count, 'copy waits', 'copies wait')} for another attempt."

    def _order(self, order: Callable[[], Awaitable[str]]) -> None:
        self._tasks.start(self._carry_out(order))

    async def _carry_out(self, order: Callable[[], Awaitable[str]]) -> None:
        self.project.result.show_waiting("One moment…")
        try:
            self.project.result.show_good(await order())
        except AppError as error:
            self.project.result.show_error(ErrorView.of(error))
        self.refresh()
