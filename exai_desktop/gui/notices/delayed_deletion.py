"""A deletion at a provider cannot be taken back: so it begins only after some seconds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from exai_desktop.core.errors.tree import AppError
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

Order = Callable[[], Coroutine[Any, Any, object]]

DELAY_S: Final = 8


class DelayedDeletion(QObject):
    """Holds deletions back; until `seconds` have passed nothing has been sent.

    What is added while others wait joins them, and one *Undo* calls all of them off. The program
    ends without carrying them out.
    """

    changed = Signal()

    def __init__(self, parent: QObject, notices: NoticeBar, tasks: SlotTasks) -> None:
        super().__init__(parent)
        self._notices = notices
        self._tasks = tasks
        self._orders: dict[tuple[str, int], Order] = {}
        self._afterwards: list[Callable[[], object]] = []
        self._entries = 0
        self._left_s = 0
        self.seconds = DELAY_S
        self._timer = QTimer(self)
        self._timer.setInterval(1_000)
        self._timer.timeout.connect(self._tick)

    @property
    def is_open(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._orders)

    def add(
        self,
        orders: Mapping[tuple[str, int], Order],
        afterwards: Callable[[], object],
        *,
        entries: int = 0,
    ) -> None:
        """Delete these unless the user undoes it in time; `afterwards` refreshes the page.

        `entries`: how many files of the list have these ids.
        """
        if not orders:
            return
        if orders.keys() - self._orders.keys():
            self._entries += entries
        self._orders |= orders
        self._afterwards.append(afterwards)
        self._left_s = self.seconds
        self._timer.start()
        self._tell()
        self.changed.emit()

    def undo(self) -> None:
        """Call all of them off."""
        if not self._orders:
            return
        title = f"{count_text(len(self._orders), 'file stays', 'files stay')} at the provider"
        # In line behind a problem that came meanwhile.
        self._notices.show_notice(title, "Nothing was deleted.", Tone.GOOD)
        self.forget()

    def forget(self) -> None:
        """Call all off without a notice: the program ends, or another engine starts."""
        self._timer.stop()
        self._orders.clear()
        self._entries = 0
        self._afterwards.clear()
        self._notices.end_undo()
        self.changed.emit()

    def _tick(self) -> None:
        self._left_s -= 1
        if self._left_s > 0:
            self._tell()
            return
        orders, afterwards = list(self._orders.values()), list(self._afterwards)
        self.forget()
        self._tasks.start(self._carry_out(orders, afterwards))

    def _tell(self) -> None:
        what = count_text(len(self._orders), "file is", "files are")
        loses = "The file ID stops working then"
        if self._entries > len(self._orders):
            loses += f" for {self._entries:,} files in the list, which share it"
        self._notices.show_undo(
            f"{what} about to be deleted at the provider",
            f"In {self._left_s} s. {loses}; nothing on this computer is deleted.",
            self.undo,
        )

    async def _carry_out(self, orders: list[Order], afterwards: list[Callable[[], object]]) -> None:
        deleted, failure = 0, None
        for order in orders:
            try:
                await order()
                deleted += 1
            except AppError as error:
                failure = error  # the others go on
        for tell in afterwards:
            tell()
        if deleted:
            title = f"{count_text(deleted, 'file', 'files')} deleted at the provider"
            self._notices.show_notice(title, "", Tone.GOOD)
        if failure is not None:
            raise failure
