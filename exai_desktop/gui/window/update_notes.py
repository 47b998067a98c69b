"""Tells in the window that another version is installed meanwhile, or published."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, QUrl
from PySide6.QtGui import QDesktopServices

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.machine import UpdateStatus
from exai_desktop.gui.engine.thread import EngineStoppedError
from exai_desktop.gui.notices.notice_bar import NoticeAction
from exai_desktop.gui.style.tokens import Tone

if TYPE_CHECKING:
    from exai_desktop.gui.window.parts import Parts

_EVERY_MS: Final = 60_000


class UpdateNotes(QObject):
    """Each version is told once; asked by the menu, it is told again."""

    def __init__(self, parent: QObject, parts: Parts, quit_program: Callable[[], object]) -> None:
        super().__init__(parent)
        self._parts = parts
        self._quit = quit_program
        self._told: set[tuple[str, str]] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Ask the engine what it knows; it asks nobody else."""
        self._parts.tasks.start(self._look())

    def check(self) -> None:
        """The user wants to know now."""
        self._parts.tasks.start(self._check())

    async def _look(self) -> None:
        try:
            status = await self._parts.client.updates.status()
        except (AppError, EngineStoppedError):
            return  # the engine is away; it is asked again
        news = (status.replaced_by, status.newest)
        if any(news) and news not in self._told:
            self._show(status)

    async def _check(self) -> None:
        self._show(await self._parts.client.updates.check())

    def _show(self, status: UpdateStatus) -> None:
        self._told.add((status.replaced_by, status.newest))
        notices = self._parts.notices
        if status.replaced_by:
            text = (
                f"Version {status.replaced_by} is installed. This window is still version"
                f" {status.version}: quit it and start it again."
            )
            actions = (NoticeAction("&Quit", self._quit),)
            notices.show_notice("EXAI Desktop was updated", text, Tone.CARE, actions)
        elif status.newest:
            actions = (NoticeAction("&Open the page", lambda: _open(status.page)),)
            title = f"Version {status.newest} is available"
            notices.show_notice(title, status.way, Tone.CARE, actions)
        else:
            text = f"No version newer than {status.version} is published."
            notices.show_notice("EXAI Desktop is up to date", text, Tone.GOOD)


def _open(page: str) -> None:
    QDesktopServices.openUrl(QUrl(page))
