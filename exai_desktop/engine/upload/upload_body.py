"""What is handed to a provider to send, and how much of it has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.files.files import OpenFile
from exai_desktop.core.jobs.jobs import RoutedJob
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.limiter import Bandwidth
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.scheduling.in_hand import JobsInHand
from exai_desktop.engine.scheduling.progress_board import ProgressBoard


@dataclass(frozen=True, slots=True)
class Line:
    """What all bodies share: the limits of speed, the progress, the clock."""

    bandwidth: Bandwidth
    accounts: Accounts
    board: ProgressBoard
    in_hand: JobsInHand
    clock: Clock

    def body(self, job: RoutedJob, file: OpenFile, is_ours: Callable[[], bool]) -> Body:
        """`is_ours`: whether the content is still claimed; asked before each block."""
        return Body(self, job, file, is_ours)


class Body:
    """One body on its way: meets `core.copies.provider.Upload`, remembers how much has left."""

    def __init__(
        self, line: Line, job: RoutedJob, file: OpenFile, is_ours: Callable[[], bool]
    ) -> None:
        self._line = line
        self._job_id = job.id
        self._is_ours = is_ours
        self.file = file
        self.sha256 = job.sha256
        self.name = job.sent_name
        self.purpose = job.purpose
        self.sent = Sent.NOTHING
        self.left_at: float | None = None
        self._flows = (line.bandwidth, line.accounts.limiter(job.account).bandwidth)

    @property
    def block(self) -> int | None:
        """Of the limits that hold: the smallest block."""
        return min((flow.block for flow in self._flows if flow.block), default=None)

    async def may_leave(self, size: int) -> None:
        wait_s = max(flow.reserve(size) for flow in self._flows)
        if wait_s > 0:
            await self._line.clock.sleep(wait_s)
        if not self._is_ours():
            # Another machine may be sending it. The last block is still here: nothing is stored.
            raise TransferError(
                ErrorCode.CONCURRENT_UPLOAD, "its claim on the content expired", sent=self.sent
            )

    def on_bytes(self, total_sent: int) -> None:
        self._line.board.advance(self._job_id, "sending", total_sent)

    def on_left(self, sent: Sent) -> None:
        self.sent = sent
        if sent is Sent.ALL:
            self.left_at = self._line.clock.now()
        run = self._line.in_hand.runs.get(self._job_id)
        if run is not None:
            run.all_left = sent is Sent.ALL
