"""The entry of the menu bar that puts an entry into the menus of the file managers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.window.parts import Parts

if TYPE_CHECKING:
    from exai_desktop.core.machine import FileManagerEntry
    from exai_desktop.gui.window.main_window import MainWindow

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
