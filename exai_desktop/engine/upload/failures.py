"""From queued to waiting: check, hash, choose the account, look for a twin."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from exai_desktop.core.accounts import delays
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, ErrorView, Sent, TransferError
from exai_desktop.core.jobs.models import Attempt, JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import JobChanges, Move
from exai_desktop.engine.context import Context, Intent
from exai_desktop.engine.disk_guard import STORAGE
from exai_desktop.engine.scheduling.scheduler import error_changes
from exai_desktop.engine.upload.admission import throttled
from exai_desktop.engine.upload.routes import choose_route


async def again_later(
    ctx: Context, job: JobView, error: AppError, attempt: Attempt | None = None
) -> None:
    """Back to the queue until the file is left alone; after many times it is failed."""
    ctx.unsettled[job.id] += 1
    tries = ctx.unsettled[job.id]
    if tries >= ctx.settings.max_attempts:
        del ctx.unsettled[job.id]
        await ctx.scheduler.move(job, S.FAILED, error=error, attempt=attempt)
        return
    await ctx.scheduler.move(
        job,
        S.QUEUED,
        error=error,
        note=error.title,
        attempt=attempt,
        not_before=ctx.clock.now() + delays.retry_delay(tries, ctx.random()),
        wait_reason=error.title,
    )


S = JobState

# Refusals that speak of this provider's abilities, not of what the file contains.
ANOTHER_MAY_TAKE: Final = frozenset(
    {
        ErrorCode.NO_TEXT,
        ErrorCode.PROVIDER_REJECTED,
        ErrorCode.INVALID_FILE_TYPE,
        ErrorCode.FILE_TOO_LARGE,
        ErrorCode.INVALID_PURPOSE,
    }
)


# The other program is sending; how soon it has finished nobody knows.
CONCURRENT_S: Final = 0.5

# The account is full by our own count.
NO_ROOM: Final = frozenset({ErrorCode.PROVIDER_FILE_LIMIT, ErrorCode.QUOTA_EXCEEDED})


# Our own guards kept the last block back.
_OURS: Final = frozenset(
    {ErrorCode.FILE_CHANGED, ErrorCode.READ_FAILED, ErrorCode.CONCURRENT_UPLOAD}
)

# A question that ended so is asked again.
_PASSING: Final = frozenset({Outcome.UNAVAILABLE, Outcome.THROTTLED, Outcome.UNCERTAIN})


def is_last_attempt(ctx: Context, number: int) -> bool:
    """Each series has `max_attempts`; a retry by the user begins the next one."""
    return number > 0 and number % ctx.settings.max_attempts == 0


def gave_up(last: AppError) -> AppError:
    return AppError(ErrorCode.ATTEMPTS_EXHAUSTED, str(last))


def error_of(job: JobView) -> AppError:
    """The error a job carries, as it was raised."""
    if job.error is None:
        return AppError(ErrorCode.ANSWER_LOST)
    return AppError(ErrorCode(job.error.code), job.error.detail, retry_after=job.error.retry_after)


async def failed(ctx: Context, job: JobView, attempt: Attempt, error: TransferError) -> None:
    """The provider or the network ended the attempt."""
    now = ctx.clock.now()
    ended = replace(
        attempt,
        ended_at=now,
        outcome=error.outcome.value,
        error_code=error.code.value,
        detail=error.detail[:500],
        http_status=error.status,
        request_id=error.request_id,
    )
    move = ctx.scheduler.move
    local = error.code in _OURS
    if error.sent is not Sent.NOTHING and not error.is_answer and not local:
        settle = now + ctx.settling.seconds(job.account)
        await move(job, S.UNCERTAIN, attempt=ended, error=error, not_before=settle)
    elif local:
        # Our own guard kept the last block back: nothing can have been stored.
        await again_later(ctx, job, error, ended)
    elif error.outcome in (Outcome.AUTH, Outcome.QUOTA):
        await move(job, S.HELD, attempt=ended, error=error, note=error.title)
        await hold_account(ctx, job.account or "", error)
    elif error.outcome is Outcome.REJECTED:
        await _refused(ctx, job, ended, error)
    elif error.outcome not in (Outcome.THROTTLED, Outcome.UNAVAILABLE):
        await move(job, S.FAILED, attempt=ended, error=error)
    elif is_last_attempt(ctx, attempt.number):
        await move(job, S.FAILED, attempt=ended, error=gave_up(error))
    else:
        until = now + delays.retry_delay(attempt.number, ctx.random(), error.retry_after)
        lane = ctx.accounts.lane(job.account or "")
        if error.outcome is Outcome.THROTTLED:
            throttled(ctx, job.account or "", until)
        elif lane is not None:
            lane.close_until(until)
        await move(
            job, S.WAITING, attempt=ended, error=error, not_before=until, wait_reason=error.title
        )


async def _refused(ctx: Context, job: JobView, ended: Attempt, error: TransferError) -> None:
    """The provider does not want this file; another may, if the user allowed that."""
    ctx.refusals.setdefault(job.id, {})[job.account or ""] = error
    try:
        if error.code not in ANOTHER_MAY_TAKE:
            raise error
        route = choose_route(ctx, job)
    except AppError:
        del ctx.refusals[job.id]
        await ctx.scheduler.move(job, S.REFUSED, attempt=ended, error=error)
        return
    await ctx.scheduler.move(
        job,
        S.WAITING,
        attempt=ended,
        note=route.reason,
        provider=route.account.provider,
        account=route.account.name,
        purpose=route.purpose.name,
        route_reason=route.reason,
    )


async def hold_account(ctx: Context, account: str, error: AppError) -> None:
    """The account cannot go on: its waiting jobs are held with the reason, none is sent."""
    ctx.accounts.raise_problem(account, error)
    waiting = [i for i, name in await ctx.jobs.ids([S.WAITING]) if name == account]
    changes = error_changes(error)
    now = ctx.clock.now()
    for start in range(0, len(waiting), 500):
        await ctx.scheduler.move_many(
            [
                Move(job_id, S.WAITING, S.HELD, now, error.title, changes)
                for job_id in waiting[start : start + 500]
            ]
        )


async def not_begun(ctx: Context, job_id: int, error: AppError) -> None:
    """The attempt could not begin: the file or the key is not as it was."""
    job = await ctx.jobs.get(job_id)
    if job is None or job.state is not S.WAITING or error.code in STORAGE:
        raise error
    if error.outcome is Outcome.AUTH or error.code in (
        ErrorCode.CREDENTIAL_STORE_LOCKED,
        ErrorCode.CREDENTIAL_STORE_UNAVAILABLE,
    ):
        await ctx.scheduler.move(job, S.HELD, error=error, note=error.title)
        await hold_account(ctx, job.account or "", error)
    elif error.code in (ErrorCode.FILE_CHANGED, ErrorCode.READ_FAILED):
        await again_later(ctx, job, error)
    elif isinstance(error, TransferError):
        await _ask_later(ctx, job, error)
    elif error.code is ErrorCode.CONCURRENT_UPLOAD:
        wait_until(ctx, job, CONCURRENT_S, error)
    elif error.code in NO_ROOM:
        await _no_room(ctx, job, error)
    else:
        await ctx.scheduler.move(job, S.REFUSED, error=error)


async def _no_room(ctx: Context, job: JobView, error: AppError) -> None:
    """Another account may have room, if the user allowed that; else it is held until there is."""
    refused = ctx.refusals.setdefault(job.id, {})
    refused[job.account or ""] = error
    try:
        route = choose_route(ctx, job)
    except AppError:
        del ctx.refusals[job.id]
        await ctx.scheduler.move(job, S.HELD, error=error, note=error.title)
        return
    # Through the queue: the other account may have the content already.
    await ctx.scheduler.move(job, S.QUEUED, note=route.reason)


async def _ask_later(ctx: Context, job: JobView, error: TransferError) -> None:
    """The provider could not be asked before the attempt: it stays in line, nothing was sent."""
    if error.outcome not in _PASSING:
        # The same question would get the same answer: the user decides when to try again.
        await ctx.scheduler.move(job, S.HELD, error=error, note=error.title)
        if error.outcome is Outcome.QUOTA:
            await hold_account(ctx, job.account or "", error)
        return
    ctx.unsettled[job.id] += 1
    wait_s = delays.retry_delay(ctx.unsettled[job.id], ctx.random(), error.retry_after)
    wait_until(ctx, job, wait_s, error)


def wait_until(ctx: Context, job: JobView, wait_s: float, error: AppError) -> None:
    """Let a waiting job stand back for some seconds. Not a move: the state stays, but whoever
    looks on is told why nothing happens."""
    until = ctx.clock.now() + wait_s
    lane = ctx.accounts.lane(job.account or "")
    if lane is not None:
        lane.put(job.id, until)
    ctx.scheduler.announce(
        replace(job, error=ErrorView.of(error), not_before=until, wait_reason=error.title)
    )


async def stopped(ctx: Context, job: JobView, attempt: Attempt, sent: Sent) -> None:
    """We broke the attempt off ourselves. Before the last block nothing can have been stored."""
    run = ctx.running.get(job.id)
    intent = run.intent if run else None
    now = ctx.clock.now()
    ended = replace(attempt, ended_at=now, outcome=Outcome.CANCELLED.value, detail=str(intent))
    if sent is Sent.ALL:
        # A wish noted before stays: quitting must not forget a cancel.
        wish = JobChanges(not_before=now + ctx.settling.seconds(job.account))
        if intent is Intent.CANCEL:
            wish["cancel_requested"] = True
        await ctx.scheduler.move(
            job,
            S.UNCERTAIN,
            attempt=ended,
            error=AppError(ErrorCode.ANSWER_LOST),
            **wish,
        )
    elif intent is Intent.CANCEL:
        error = AppError(ErrorCode.CANCELLED)
        await ctx.scheduler.move(job, S.CANCELLED, attempt=ended, error=error)
    elif intent is Intent.HOLD:
        await ctx.scheduler.move(job, S.HELD, attempt=ended, note="paused by the user")
    else:
        await ctx.scheduler.move(job, S.WAITING, attempt=ended, note="the program stopped")
