"""One line beside the pages: what waits for the Supabase project, and its last success."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.mirror.status import MirrorState, MirrorStatus
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.engine.thread import EngineStoppedError
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import clock_text
from exai_desktop.gui.widgets.controls import Button
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

# How much waits changes with each upload, and is not announced.
_EVERY_MS: Final = 5_000
# In a narrow window the text is cut.
_NARROWEST: Final = 40


class RecordsNote(Button):
    """Hidden while nobody is signed in; it leads to the page *Records*."""

    def __init__(
        self,
        theme: Theme,
        client: EngineClient,
        tasks: SlotTasks,
        on_click: Callable[[], object],
    ) -> None:
        super().__init__(theme, "", on_click, kind="tab", name="Records in the project")
        self._client = client
        self._tasks = tasks
        self._is_reading = False
        self.setMinimumWidth(_NARROWEST)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self.hide()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks, or nobody is signed in: then a sign-in is announced."""
        super().hideEvent(event)
        self._timer.stop()

    def refresh(self) -> None:
        """Ask the engine, not the project."""
        if not self._is_reading:
            self._is_reading = True
            self._tasks.start(self._read())

    async def _read(self) -> None:
        try:
            self.show_status(await self._client.mirror.status())
        except (AppError, EngineStoppedError):
            pass  # the engine is away; it is asked again when it is back
        finally:
            self._is_reading = False

    def show_status(self, status: MirrorStatus) -> None:
        """Bring the line up to date."""
        text = note_text(status)
        self.setText(text)
        self.setAccessibleName(text or "Records in the project")
        self.setVisible(bool(text))


def note_text(status: MirrorStatus) -> str:
    """Empty while nobody is signed in."""
    if not status.is_signed_in:
        return ""
    last = f"last sent {clock_text(status.last_success)}" if status.last_success else ""
    if status.state is MirrorState.SIGNED_IN:
        waiting = f"{status.pending:,} wait" if status.pending else ""
        refused = f"{status.refused:,} refused" if status.refused else ""
    else:
        waiting = f"{status.pending:,} wait, {status.words.removeprefix('signed in, ')}"
        refused = ""
    return "Records: " + (
        ", ".join(part for part in (waiting, refused, last) if part) or "signed in"
    )
