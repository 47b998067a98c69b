"""What was removed from the list cannot be put back: so it begins after some seconds."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from exai_desktop.gui.notices.delayed_deletion import DELAY_S, DelayedDeletion, Order
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_STAYS: Final = "The files at the providers stay, and so does the audit trail."


class DelayedRemoval(QObject):
    """Holds one removal back. The message has one *Undo*: a deletion at a provider, or another
    engine, calls the removal off, and while a deletion waits none begins."""

    changed = Signal()

    def __init__(
        self, parent: QObject, notices: NoticeBar, tasks: SlotTasks, deletions: DelayedDeletion
    ) -> None:
        super().__init__(parent)
        self._notices = notices
        self._tasks = tasks
        self._deletions = deletions
        self._order: Order | None = None
        self._files = 0
        self._left_s = 0
        self.seconds = DELAY_S
        self._timer = QTimer(self)
        self._timer.setInterval(1_000)
        self._timer.timeout.connect(self._tick)
        deletions.changed.connect(self._call_off)

    @property
    def is_open(self) -> bool:
        """Whether there is something to undo."""
        return self._order is not None

    def begin(self, files: int, order: Order) -> None:
        """Remove so many files unless the user undoes it in time."""
        if self._deletions.is_open:
            text = "Undo it, or wait until it has begun."
            self._notices.show_notice("A deletion is waiting", text, Tone.CARE)
            return
        self._order, self._files, self._left_s = order, files, self.seconds
        self._timer.start()
        self._tell()
        self.changed.emit()

    def undo(self) -> None:
        """Call it off."""
        if self._order is not None:
            self._notices.show_notice("The files stay in the list", "", Tone.GOOD)
            self._end()
            self._notices.end_undo()

    def _call_off(self) -> None:
        """The message is another one's now, or is gone."""
        if self._order is not None:
            self._end()
            if not self._deletions.is_open:
                self._notices.end_undo()

    def _end(self) -> None:
        self._timer.stop()
        self._order = None
        self.changed.emit()

    def _tick(self) -> None:
        self._left_s -= 1
        if self._left_s > 0:
            self._tell()
            return
        order = self._order
        self._end()
        self._notices.end_undo()
        if order is not None:
            self._tasks.start(order())

    def _tell(self) -> None:
        what = count_text(self._files, "finished file leaves", "finished files leave")
        self._notices.show_undo(f"{what} the list", f"In {self._left_s} s. {_STAYS}", self.undo)
