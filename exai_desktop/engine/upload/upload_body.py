"""What is handed to a provider to send, and how much of it has left."""

from __future__ import annotations

from collections.abc import Callable

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.files.ports import OpenFile
from exai_desktop.core.jobs.models import JobView
from exai_desktop.engine.context import Context


class Body:
    """One body on its way: meets `core.machine.Upload` and remembers how much has left.

    `is_ours`: whether the content is still held.
    """

    def __init__(
        self, ctx: Context, job: JobView, file: OpenFile, is_ours: Callable[[], bool]
    ) -> None:
        self._is_ours = is_ours
        assert job.sha256 and job.sent_name and job.purpose
        self.file = file
        self.sha256 = job.sha256
        self.name = job.sent_name
        self.purpose = job.purpose
        self.sent = Sent.NOTHING
        self.left_at: float | None = None
        self._ctx = ctx
        self._job_id = job.id
        self._flows = (ctx.bandwidth, ctx.accounts.limiter(job.account or "").bandwidth)

    @property
    def block(self) -> int | None:
        """Of the limits that hold: the smallest block."""
        return min((flow.block for flow in self._flows if flow.block), default=None)

    async def may_leave(self, size: int) -> None:
        wait_s = max(flow.reserve(size) for flow in self._flows)
        if wait_s > 0:
            await self._ctx.clock.sleep(wait_s)
        if not self._is_ours():
            # Another machine may be sending it. The last block is still here: nothing is stored.
            raise TransferError(ErrorCode.CONCURRENT_UPLOAD, "its lease ran out", sent=self.sent)

    def on_bytes(self, total_sent: int) -> None:
        self._ctx.board.advance(self._job_id, "sending", total_sent)

    def on_left(self, sent: Sent) -> None:
        self.sent = sent
        if sent is Sent.ALL:
            self.left_at = self._ctx.clock.now()
        run = self._ctx.running.get(self._job_id)
        if run is not None:
            run.all_left = sent is Sent.ALL
