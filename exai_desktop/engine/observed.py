"""One attempt, as those who count see it."""

from __future__ import annotations

from types import TracebackType

from exai_desktop.core.breaker import Verdict
from exai_desktop.core.error_codes import Outcome
from exai_desktop.core.errors import TransferError
from exai_desktop.core.health import Check
from exai_desktop.core.models import JobView
from exai_desktop.core.ports import FileProvider
from exai_desktop.engine.context import Context


class Watched:
    """Around the call that sends: what came of it goes to the metrics and the health.

    What was cancelled, or ended by a fault on this side, says nothing of the provider.
    """

    def __init__(self, ctx: Context, job: JobView, transport: str, provider: FileProvider) -> None:
        self._ctx = ctx
        self._job = job
        self._transport = transport
        self._provider = provider
        self._began = ctx.clock.monotonic()

    def __enter__(self) -> None:
        self._ctx.metrics.attempt_began(self._job.provider or "")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        took_s = self._ctx.clock.monotonic() - self._began
        if kind is None:
            outcome = "stored"
        elif isinstance(error, TransferError):
            outcome = error.outcome.value
        else:
            outcome = Outcome.CANCELLED.value
        job = self._job
        self._ctx.metrics.attempt_ended(
            job.provider or "", self._transport, outcome, job.size, took_s
        )
        way = self._provider.transport_status
        self._ctx.metrics.sends_by(job.account or "", way.name, way.step_downs)
        if error is None:
            self._note(took_s, None, fault=False)
        elif isinstance(error, TransferError) and error.outcome not in _OURS:
            verdict = self._ctx.breakers.verdict(job.account or "", error)
            self._note(took_s, error, fault=verdict is Verdict.FAULT)

    def _note(self, took_s: float, error: TransferError | None, *, fault: bool) -> None:
        self._ctx.health.note(self._job.account or "", Check.UPLOAD, took_s, error, fault=fault)


_OURS = frozenset({Outcome.LOCAL, Outcome.CANCELLED})
