"""One attempt, as those who count see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from exai_desktop.core.accounts.breaker import Verdict
from exai_desktop.core.accounts.health import Check
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.jobs.models import JobView
from exai_desktop.engine.context import Context

# These say nothing of the provider.
_OURS: Final = frozenset({Outcome.LOCAL, Outcome.CANCELLED})


@contextmanager
def observed(ctx: Context, job: JobView, transport: str, provider: FileProvider) -> Iterator[None]:
    """Around the call that sends: what came of it goes to the metrics and the health."""
    company, account = job.provider or "", job.account or ""
    outcome, began = Outcome.CANCELLED.value, ctx.clock.monotonic()
    ctx.metrics.attempt_began(company)
    try:
        yield
        outcome = "stored"
        _note(ctx, account, began, None)
    except TransferError as error:
        outcome = error.outcome.value
        if error.outcome not in _OURS:
            _note(ctx, account, began, error)
        raise
    finally:
        took_s = ctx.clock.monotonic() - began
        ctx.metrics.attempt_ended(company, transport, outcome, job.size, took_s)
        way = provider.transport_status
        ctx.metrics.sends_by(account, way.name, way.step_downs)


def _note(ctx: Context, account: str, began: float, error: TransferError | None) -> None:
    is_fault = ctx.breakers.verdict(account, error) is Verdict.FAULT
    took_s = ctx.clock.monotonic() - began
    ctx.health.note(account, Check.UPLOAD, took_s, error, fault=is_fault)
