"""After a recovery the record may lack files that were sent: nothing is sent in ignorance of it.

Two means. The lists of all accounts are taken into the record as foreign copies. And a job
whose list is not yet there, or holds a file that could be this one, becomes uncertain instead
of being sent: `engine.reconcile` then settles it by the list, like any lost answer.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exai_desktop.core import backoff
from exai_desktop.core.accounts import Account
from exai_desktop.core.error_codes import Outcome
from exai_desktop.core.errors import AppError
from exai_desktop.core.models import Attempt, Copy, JobDetail, JobView, RemoteFile
from exai_desktop.core.names import is_renamed_twin
from exai_desktop.core.states import CopyState
from exai_desktop.core.stores import FORGOTTEN, StaleJobError
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


async def compare_all(ctx: Context) -> None:
    """Take the lists of all accounts into the record; ends when all that can be had are there."""
    if ctx.recovery is None or await ctx.recovery.since() is None:
        return
    # Twice: a body that was under way when the program died may be stored a moment later.
    wanted = await _not_compared(ctx)
    for account, purpose in wanted:
        await _compare(ctx, account, purpose, is_last=False)
    if wanted:
        await ctx.clock.sleep(ctx.settings.settle_s)
    tries = 0
    while wanted := [pair for pair in wanted if not await _compare(ctx, *pair, is_last=True)]:
        tries += 1
        await ctx.clock.sleep(backoff.delay(tries, ctx.random()))


async def _not_compared(ctx: Context) -> list[tuple[Account, str]]:
    assert ctx.recovery is not None
    wanted = []
    for account in ctx.accounts.all():
        info = ctx.accounts.table.of(account)
        for purpose in info.purposes_in(account.region) if info else ():
            if await ctx.recovery.not_compared(account.name, purpose.name) is not None:
                wanted.append((account, purpose.name))
    return wanted


async def _compare(ctx: Context, account: Account, purpose: str, *, is_last: bool) -> bool:
    """Whether this list needs no further try."""
    assert ctx.recovery is not None
    known = await ctx.copies.of_account(account.name)
    try:
        listed = await (await ctx.accounts.provider(account.name)).list(purpose)
    except AppError as error:
        log.warning("list of %s for %s: %s", account.name, purpose, error.code)
        # A provider without such a list stays uncompared: each job asks the user.
        return error.outcome is Outcome.REJECTED
    if not is_last:
        await ctx.recovery.record_foreign(account.provider, account.name, listed)
        return True
    there = {remote.id for remote in listed}
    await _note_missing(
        ctx, [c for c in known if c.purpose == purpose and c.remote_id not in there]
    )
    now = ctx.clock.now()
    await ctx.recovery.compared(account.provider, account.name, purpose, listed, now)
    return True


async def _note_missing(ctx: Context, unlisted: Sequence[Copy]) -> None:
    """What the restored record believes to be there and the provider has not any more."""
    for copy in unlisted:
        if copy.state is CopyState.PRESENT:
            with contextlib.suppress(StaleJobError):
                await ctx.copies.move(copy.id, copy.state, CopyState.MISSING, ctx.clock.now())
