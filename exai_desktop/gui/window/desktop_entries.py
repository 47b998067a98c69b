"""What the desktop knows of the program: progress on a taskbar, an entry in file managers.

Progress on Linux: the signal `com.canonical.Unity.LauncherEntry.Update`, to which KDE's taskbar,
the docks of Ubuntu and GNOME's extensions for it, and Plank listen. They find our entry by the name
of its desktop file. Qt 6 has nothing for this on Windows and Mac: nothing is shown (docs/tray.md).
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction

from exai_desktop.core.jobs.jobs import QueueSummary
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.queue_page.progress_strip import RunProgress
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.window.main_window import MainWindow
from exai_desktop.gui.window.parts import Parts

if TYPE_CHECKING:
    from exai_desktop.core.machine import FileManagerEntry

log = logging.getLogger(__name__)

_INTERFACE: Final = "com.canonical.Unity.LauncherEntry"
_PATH: Final = "/io/github/exai_desktop/ExaiDesktop/LauncherEntry"
_OPENED_WITHIN_S: Final = 5.0
# Nobody sees more, and each is a wake-up of the desktop.
_EVERY_MS: Final = 1_000
_STEPS: Final = 100


class TaskbarProgress(QObject):
    """Says nothing while no file is open: then no bus is opened either."""

    def __init__(self, window: MainWindow, parts: Parts, app_id: str) -> None:
        super().__init__(window)
        self._uri = f"application://{app_id}.desktop"
        self._tasks = parts.tasks
        self._run = RunProgress()
        self._summary = QueueSummary()
        # Hundredths, and whether it is shown.
        self._told = (0, False)
        self._stack = AsyncExitStack()
        self._router: Any = None
        self._is_telling = False
        self._is_off = sys.platform != "linux"
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_EVERY_MS)
        self._soon.timeout.connect(self._begin)
        parts.bridge.news_arrived.connect(self.take_news)
        window.leaving.connect(self._restart)

    def take_news(self, news: News) -> None:
        """At most once a second it is passed on."""
        if news.summary is not None and not self._is_off:
            self._summary = news.summary
            if not self._soon.isActive():
                self._soon.start()

    def _restart(self) -> None:
        """Another engine: its sums have nothing to do with the old ones."""
        self._run.restart()
        self._summary = QueueSummary()
        self._begin()

    def _begin(self) -> None:
        now = self._now()
        if now != self._told and not self._is_telling:
            self._is_telling = True
            self._tasks.start(self._tell(now))

    def _now(self) -> tuple[int, bool]:
        run = self._run.update(self._summary, ())
        return int(run.part * _STEPS), self._summary.open_jobs > 0

    async def _tell(self, now: tuple[int, bool]) -> None:
        try:
            await self._send(*now)
            self._told = now
        except Exception as error:  # noqa: BLE001 - no bus, or it went away: the window goes on
            log.info("no progress on the taskbar: %s", type(error).__name__)
            self._is_off = True
            await self.close()
        finally:
            self._is_telling = False

    async def _send(self, hundredths: int, is_shown: bool) -> None:
        # Late: Linux only, and only when something is to be said. They carry no types.
        from jeepney import DBusAddress, new_signal  # type: ignore[import-untyped]
        from jeepney.io.asyncio import open_dbus_router  # type: ignore[import-untyped]

        async with asyncio.timeout(_OPENED_WITHIN_S):
            if self._router is None:
                router = open_dbus_router(bus="SESSION")
                self._router = await self._stack.enter_async_context(router)
            values = {
                "progress": ("d", hundredths / _STEPS),
                "progress-visible": ("b", is_shown),
            }
            address = DBusAddress(_PATH, interface=_INTERFACE)
            await self._router.send(new_signal(address, "Update", "sa{sv}", (self._uri, values)))

    async def close(self) -> None:
        """Let the bus go: whoever listens forgets what we said."""
        self._soon.stop()
        self._router = None
        try:
            await self._stack.aclose()
        except Exception as error:  # noqa: BLE001 - the other end may be gone
            log.info("the session bus was lost: %s", type(error).__name__)
        self._stack = AsyncExitStack()


_TEXT: Final = "Entry in the file &manager's menu"


class FileManagerMenu(QObject):
    """Checked while at least one installed manager has the entry. Linux only."""

    def __init__(
        self,
        window: MainWindow,
        parts: Parts,
        change: Callable[[str], list[FileManagerEntry]],
        platform: str = sys.platform,
    ) -> None:
        super().__init__(window)
        self._parts = parts
        self._change = change
        self.action = QAction(_TEXT, self)
        self.action.setCheckable(True)
        self.action.setVisible(platform == "linux")
        self.action.triggered.connect(lambda wanted: parts.tasks.start(self._set(wanted)))
        menus = window.menu_actions
        menus.files_menu.insertAction(menus.sandbox, self.action)
        menus.files_menu.aboutToShow.connect(lambda: parts.tasks.start(self._look()))

    async def _look(self) -> None:
        """What holds now; another program may have changed it."""
        if self.action.isVisible():
            self._show(await asyncio.to_thread(self._change, "look"))

    def _show(self, entries: Sequence[FileManagerEntry]) -> None:
        self.action.setChecked(any(entry.is_set for entry in entries))
        self.action.setEnabled(any(entry.is_there or entry.is_set for entry in entries))

    async def _set(self, wanted: bool) -> None:
        try:
            done = await asyncio.to_thread(self._change, "install" if wanted else "remove")
        finally:
            await self._look()
        names = ", ".join(entry.name for entry in done)
        if wanted and names:
            text = f"Select files in {names} and open the menu: Upload with EXAI Desktop."
            self._tell("The file manager has an entry now", text)
        elif names:
            self._tell("The entry was removed", names)

    def _tell(self, title: str, text: str) -> None:
        self._parts.notices.show_notice(title, text, Tone.GOOD)
