"""Taking up jobs that stand between two states: after a start, or after the database failed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs import states
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.engine.context import Context
from exai_desktop.engine.upload.confirm import confirm

S = JobState

INTERRUPTED: Final = "the program was interrupted"


async def restore(
    ctx: Context,
    in_hand: Callable[[], Iterable[int]],
    confirm_again: Callable[[int], None],
    *,
    is_start: bool,
) -> None:
    """Nothing that may have been stored is sent again; what is under way is left alone."""

    busy = {*ctx.running, *in_hand()}
    for old, new in states.AFTER_CRASH.items():
        for job in await _idle(ctx, busy, old):
            with contextlib.suppress(StaleJobError):
                if new is S.UNCERTAIN:
                    await _interrupted_sending(ctx, job)
                else:
                    await ctx.scheduler.move(job, new, note=INTERRUPTED)
    rest = [s for s in S if not s.is_final and s not in states.AFTER_CRASH]
    # Later on the reconciler has its own list, and counts how often it has looked.
    wanted = rest if is_start else [S.QUEUED, S.WAITING, S.CONFIRMING]
    for job in await _idle(ctx, {*ctx.running, *in_hand()}, *wanted):
        if job.state is S.WAITING and ctx.accounts.lane(job.account or "") is None:
            # Routed to an account that has gone meanwhile: it is routed anew.
            await ctx.scheduler.move(job, S.QUEUED, note="its account is gone")
        elif not _is_in_line(ctx, job):
            ctx.scheduler.place(job, announce=False)
        if job.state is S.CONFIRMING:
            confirm_again(job.id)


async def _idle(ctx: Context, busy: set[int], *wanted: JobState) -> list[JobView]:
    """Jobs in these states that no task is at. New work waits meanwhile, so none gets one."""
    views = [await ctx.jobs.get(i) for i, _ in await ctx.jobs.ids(wanted) if i not in busy]
    return [view for view in views if view is not None and view.state in wanted]


def _is_in_line(ctx: Context, job: JobView) -> bool:
    lane = ctx.accounts.lane(job.account) if job.account else None
    return job.id in ctx.scheduler.prepare or (lane is not None and job.id in lane)


async def _interrupted_sending(ctx: Context, job: JobView) -> None:
    """It may have been stored: the provider's list is asked when the settle time is over."""
    detail = await ctx.jobs.detail(job.id)
    assert detail is not None
    now = ctx.clock.now()
    last = detail.attempts[-1] if detail.attempts else None
    settle_s = ctx.settling.seconds(job.account)
    settled_at = min(now, last.started_at if last else now) + settle_s
    await ctx.scheduler.move(
        detail.view,
        S.UNCERTAIN,
        note=INTERRUPTED,
        error=AppError(ErrorCode.ANSWER_LOST),
        attempt=replace(last, ended_at=now, outcome="interrupted") if last else None,
        not_before=max(now, settled_at),
    )


async def confirm_again(ctx: Context, job_id: int) -> None:
    job = await ctx.jobs.get(job_id)
    if job is not None and job.state is S.CONFIRMING:
        await confirm(ctx, job, None)
