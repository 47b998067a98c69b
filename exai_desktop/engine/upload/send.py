"""From waiting to confirming: intent on disk, then the bytes, then the provider's answer.

What ends an attempt without a definite answer after the first byte makes the job uncertain.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import FileProvider, TellsTime
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, Sent, TransferError
from exai_desktop.core.files.ports import FileId, OpenFile
from exai_desktop.core.jobs.models import Attempt, JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import TwinInFlightError, TwinPresentError
from exai_desktop.engine.context import Context, Intent
from exai_desktop.engine.upload import recovered_record
from exai_desktop.engine.upload.admission import Passage, admitted, heed_rate, paced
from exai_desktop.engine.upload.attempt_metrics import observed
from exai_desktop.engine.upload.confirm import confirm
from exai_desktop.engine.upload.content_claims import (
    ELSEWHERE,
    Held,
    asked_elsewhere,
    claimed,
    take_over,
)
from exai_desktop.engine.upload.failures import (
    error_of,
    failed,
    gave_up,
    is_last_attempt,
    not_begun,
    stopped,
)
from exai_desktop.engine.upload.reuse import become_duplicate, reuse
from exai_desktop.engine.upload.routes import may_still_have
from exai_desktop.engine.upload.upload_body import Body

S = JobState


@dataclass(frozen=True, slots=True)
class _Way:
    """The account's client, and whom to tell how it went."""

    provider: FileProvider
    passage: Passage


async def send(ctx: Context, job_id: int) -> None:
    """Carry one waiting job through an attempt."""
    job: JobView | None = None
    try:
        job = await ctx.jobs.get(job_id)
        if job is None or job.state is not S.WAITING or job.account is None:
            return
        if await _stand_back(ctx, job):
            return
        async with admitted(ctx, job) as passage:
            if passage is not None:
                await _pass(ctx, job, job.account, passage)
    except AppError as error:
        await not_begun(ctx, job_id, error)
    except asyncio.CancelledError:
        await _interrupted(ctx, job_id)
        raise
    finally:
        if job is not None:
            ctx.scheduler.release_name(job)


async def _pass(ctx: Context, job: JobView, account: str, passage: Passage) -> None:
    """Everything that may ask the provider: the account's breaker has let it through."""
    provider = await ctx.accounts.provider(account)
    if await reuse(ctx, job, provider):
        return
    await paced(ctx, job, account)
    async with claimed(ctx, job) as held:
        earlier = held.earlier
        if earlier and earlier.remote_id and await take_over(ctx, job, earlier, provider):
            return
        async with ctx.opened(job) as file:
            if file.id != _recorded(job):
                raise AppError(ErrorCode.FILE_CHANGED, "it is not the file that was hashed")
            await _attempt(ctx, job, _Way(provider, passage), file, held)


def _recorded(job: JobView) -> FileId:
    return FileId(job.size, job.mtime_ns or 0, job.device or 0, job.inode or 0)


async def _stand_back(ctx: Context, job: JobView) -> bool:
    """Whether the job must not be sent now: cancelled, the account needs the user, or a
    look-alike is under way."""
    assert job.account
    if job.cancel_requested:
        await ctx.scheduler.move(job, S.CANCELLED, error=AppError(ErrorCode.CANCELLED))
        return True
    if not await may_still_have(ctx, job):
        # The rules have changed since it was routed.
        await ctx.scheduler.move(job, S.QUEUED, note="a rule for its folder")
        return True
    problem = ctx.accounts.problem(job.account)
    if problem is not None:
        await ctx.scheduler.move(job, S.HELD, error=problem, note=problem.title)
        return True
    if job.error is not None and is_last_attempt(ctx, job.attempts):
        await ctx.scheduler.move(job, S.FAILED, error=gave_up(error_of(job)))
        return True
    holder = ctx.scheduler.reserve_name(job)
    if holder is not None:
        ctx.scheduler.park(job, holder)
        return True
    return False


async def _attempt(ctx: Context, job: JobView, way: _Way, file: OpenFile, held: Held) -> None:
    provider = way.provider
    # Before anything is claimed: an SDK's first import takes seconds.
    await provider.ready()
    body = Body(ctx, job, file, lambda: held.is_ours)
    doubted = await recovered_record.doubt(ctx, job)
    elsewhere = await asked_elsewhere(ctx, job, held.earlier)
    name, started_at = body.name, ctx.clock.now()
    if elsewhere is not None:
        name, started_at = elsewhere.sent_name, elsewhere.at
    elif doubted is None:
        await held.begin()
    attempt = Attempt(
        job.attempts + 1,
        provider.transport,
        name,
        job.size,
        body.sha256,
        started_at,
        clock_offset_s=provider.clock_offset_s if isinstance(provider, TellsTime) else None,
    )
    begun = await _begin(ctx, job, attempt)
    if begun is None:
        return
    if elsewhere is not None:
        await _ask_for_the_other(ctx, begun, attempt)
    elif doubted is not None:
        await _ask_the_list(ctx, begun, attempt, doubted)
    else:
        await _deliver(ctx, begun, attempt, way, body)


async def _begin(ctx: Context, job: JobView, attempt: Attempt) -> JobView | None:
    """Put on disk that it is being sent; None when a twin was quicker."""
    try:
        return await ctx.scheduler.move(
            job,
            S.SENDING,
            attempt=attempt,
            attempts=attempt.number,
            transport=attempt.transport,
            sent_name=attempt.sent_name,
            limits=ctx.accounts.limits(job.account or "", job.purpose or ""),
        )
    except TwinPresentError as twin:
        await become_duplicate(ctx, job, twin.copy)
    except TwinInFlightError as twin:
        ctx.scheduler.park(job, twin.job_id)
    except asyncio.CancelledError:
        begun = await ctx.jobs.get(job.id)
        if begun is not None and begun.state is S.SENDING:
            await stopped(ctx, begun, attempt, Sent.NOTHING)
        raise
    return None


async def _deliver(ctx: Context, job: JobView, attempt: Attempt, way: _Way, body: Body) -> None:
    ctx.board.begin(job.id, job.size)
    try:
        with observed(ctx, job, attempt.transport, way.provider):
            remote = await way.provider.upload(body)
    except TransferError as error:
        await failed(ctx, job, attempt, error)
        # Behind the record of the job: nothing may come between it and the disk.
        await way.passage.ended(error)
    except asyncio.CancelledError:
        await stopped(ctx, job, attempt, body.sent)
        raise
    except Exception as error:
        # A fault of ours must not leave the job in `sending`, nor send it again blindly.
        lost = TransferError(ErrorCode.UNEXPECTED_ERROR, type(error).__name__, sent=body.sent)
        await failed(ctx, job, attempt, lost)
        raise
    else:
        heed_rate(ctx, job.account or "", way.provider)
        await _answered(ctx, job, replace(attempt, left_at=body.left_at), remote, way.passage)
    finally:
        ctx.board.end(job.id)


async def _ask_the_list(
    ctx: Context, job: JobView, attempt: Attempt, doubted: recovered_record.Doubt
) -> None:
    """The record was recovered and may have forgotten that this was sent: not a byte leaves."""
    now = ctx.clock.now()
    await ctx.scheduler.move(
        job,
        S.UNCERTAIN,
        note="the record was recovered: the provider's list is asked first",
        attempt=recovered_record.forgotten(attempt, now),
        not_before=now if doubted.copies else now + ctx.settling.seconds(job.account),
        wait_reason="the record was recovered",
    )
    if ctx.recovery is not None and doubted.copies:
        await ctx.recovery.asked(doubted.copies, now)


async def _ask_for_the_other(ctx: Context, job: JobView, attempt: Attempt) -> None:
    """Another program had begun with this content and did not end well: not a byte leaves."""
    now = ctx.clock.now()
    await ctx.scheduler.move(
        job,
        S.UNCERTAIN,
        note="another program may have sent it: the provider's list is asked first",
        attempt=replace(attempt, ended_at=now, outcome=ELSEWHERE),
        not_before=max(now, attempt.started_at + ctx.settling.seconds(job.account)),
        wait_reason="another program may have sent it",
    )


async def _answered(
    ctx: Context, job: JobView, attempt: Attempt, remote: RemoteFile, passage: Passage
) -> None:
    now = ctx.clock.now()
    ended = replace(attempt, ended_at=now, outcome="stored")
    if attempt.left_at is not None:
        ctx.settling.learn(job.account or "", [now - attempt.left_at])
    job = await ctx.scheduler.move(job, S.CONFIRMING, attempt=ended, file_id=remote.id)
    await passage.ended(None)
    await confirm(ctx, job, remote)


async def _interrupted(ctx: Context, job_id: int) -> None:
    """Cancelled before or between: carry out the wish on a job that still waits."""
    run = ctx.running.get(job_id)
    job = await ctx.jobs.get(job_id)
    if run is None or job is None or job.state is not S.WAITING:
        return
    if run.intent is Intent.CANCEL:
        await ctx.scheduler.move(job, S.CANCELLED, error=AppError(ErrorCode.CANCELLED))
    elif run.intent is Intent.HOLD:
        await ctx.scheduler.move(job, S.HELD, note="paused by the user")
