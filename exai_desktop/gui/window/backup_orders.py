"""The window's commands about backups: which dialog they open, and what follows it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.gui.style.tokens import Tone

if TYPE_CHECKING:
    from exai_desktop.gui.window.parts import Parts

# Puts the real engine, or the sandbox, behind the window.
Enter = Callable[[bool, bool], Coroutine[Any, Any, None]]


class BackupOrders:
    """`show_waiting` shows this text in the place of the pages."""

    def __init__(
        self, window: QWidget, parts: Parts, show_waiting: Callable[[str], object], enter: Enter
    ) -> None:
        self._window = window
        self._parts = parts
        self._show_waiting = show_waiting
        self._enter = enter

    def open_back_up(self) -> None:
        from exai_desktop.gui.window.backup_dialogs import BackUpDialog  # late: few need it

        parts = self._parts
        BackUpDialog(self._window, parts.theme, parts.client, parts.tasks).open()

    def open_restore(self) -> None:
        from exai_desktop.gui.window.backup_dialogs import RestoreDialog  # late, as above

        parts = self._parts

        def restore(file: str, passphrase: str) -> None:
            parts.tasks.start(self._restore(file, passphrase))

        RestoreDialog(self._window, parts.theme, parts.session, parts.tasks, restore).open()

    async def _restore(self, file: str, passphrase: str) -> None:
        """Behind the window the engine ends, the profile is exchanged, and another one begins."""
        from exai_desktop.gui.window.backup_dialogs import restored_text  # late, as above

        self._show_waiting("Restoring…")
        failure, text = None, ""
        try:
            text = restored_text(await self._parts.session.restore(file, passphrase))
        except AppError as error:
            failure = ErrorView.of(error)
        await self._enter(False, False)
        if failure is not None:
            self._parts.notices.show_error(failure)
        else:
            self._parts.notices.show_notice("The backup was restored", text, Tone.CARE)
