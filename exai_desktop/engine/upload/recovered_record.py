"""After a recovery the record may lack files that were sent: nothing is sent in ignorance of it.

Two means. The lists of all accounts are taken into the record as foreign copies. And a job
whose list is not yet there, or holds a file that could be this one, becomes uncertain instead
of being sent: `engine.reconciliation.reconciler` then settles it by the list, like any lost answer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.files.names import is_renamed_twin
from exai_desktop.core.jobs.models import Attempt, JobDetail, JobView
from exai_desktop.core.jobs.store import FORGOTTEN
from exai_desktop.engine.context import Context

log = logging.getLogger(__name__)

# The clock that wrote the record may have been wrong by a day, and a time zone.
CLOCK_DOUBT_S: Final = 26 * 3_600.0

_NS: Final = 1e9


@dataclass(frozen=True, slots=True)
class Doubt:
    """The job may have been sent before; `copies` are the foreign ones it could be."""

    copies: tuple[int, ...] = ()


async def doubt(ctx: Context, job: JobView) -> Doubt | None:
    """Whether the provider's list must be asked before this job is sent."""
    recovery = ctx.recovery
    if recovery is None or not (job.account and job.purpose):
        return None
    since = await recovery.since()
    if since is None:
        return None
    detail = await ctx.jobs.detail(job.id)
    if detail is not None and any(a.outcome == FORGOTTEN for a in detail.attempts):
        return None  # it was looked for
    if await recovery.not_compared(job.account, job.purpose) is not None:
        return Doubt()
    found = tuple(
        # A file that was written since can hardly be the one: that is asked once, not every day.
        copy.id
        for copy in await recovery.foreign(job.account, job.purpose, job.size)
        if copy.recorded_at >= since - CLOCK_DOUBT_S
        and is_renamed_twin(job.sent_name or "", copy.remote_name)
        and (copy.verified_at is None or not _is_newer(ctx, job, copy.recorded_at))
    )
    return Doubt(found) if found else None


def forgotten(attempt: Attempt, at: float) -> Attempt:
    """The attempt as it goes on record: begun, and ended before a byte left."""
    return Attempt(
        attempt.number,
        attempt.transport,
        attempt.sent_name,
        attempt.size,
        attempt.sha256,
        attempt.started_at,
        ended_at=at,
        outcome=FORGOTTEN,
    )


async def began(ctx: Context, detail: JobDetail) -> float:
    """When the sending began that the list is asked for."""
    if not detail.attempts:
        return detail.view.updated_at
    last = detail.attempts[-1]
    if last.outcome == FORGOTTEN and ctx.recovery is not None:
        since = await ctx.recovery.since()
        if since is not None:
            return since - CLOCK_DOUBT_S
    return last.started_at


async def is_doubtful(ctx: Context, job: JobView, remote: RemoteFile) -> bool:
    """Whether a file found by name and size alone may hold something else: the user decides.

    Only after a recovery: otherwise the job is known to have been under way when it appeared.
    """
    detail = await ctx.jobs.detail(job.id)
    if ctx.recovery is None or detail is None or not detail.attempts:
        return False
    if detail.attempts[-1].outcome != FORGOTTEN:
        return False
    if _is_newer(ctx, job, remote.created_at):
        return True
    return await ctx.recovery.has_look_alike(job.id, job.name, job.size, job.sha256 or "")


def _is_newer(ctx: Context, job: JobView, stored_at: float) -> bool:
    """Whether the file has changed since something was stored."""
    return (job.mtime_ns or 0) / _NS > stored_at + ctx.settings.clock_skew_s
