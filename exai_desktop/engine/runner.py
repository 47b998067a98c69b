"""The tasks of the engine: lanes are served, jobs run, news are summed up, all of it is ended.

One task group owns every task. A fault in one job never stops the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Final

from exai_desktop.core import states
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AppError
from exai_desktop.core.events import EventBus, JobChanged, JobsAdded, JobsRemoved, SummaryChanged
from exai_desktop.core.models import QueueSummary
from exai_desktop.core.states import JobState
from exai_desktop.core.stores import StaleJobError
from exai_desktop.engine.confirm import confirm
from exai_desktop.engine.context import Context, Intent, Run
from exai_desktop.engine.lanes import Lane
from exai_desktop.engine.prepare import prepare
from exai_desktop.engine.reconcile import Reconciler
from exai_desktop.engine.send import send

log = logging.getLogger(__name__)

S = JobState
Stage = Callable[[Context, int], Awaitable[None]]

# Sums are for people: five a second are plenty.
SUMMARY_S: Final = 0.2

INTERRUPTED: Final = "the program was interrupted"

# How long a quitting program waits for answers to bodies that have left completely.
GRACE_S: Final = 5.0


class Runner:
    def __init__(self, ctx: Context, bus: EventBus, tasks: asyncio.TaskGroup) -> None:
        self._ctx = ctx
        self._bus = bus
        self._tasks = tasks
        self._reconciler = Reconciler(ctx)
        ctx.scheduler.on_uncertain = self._reconciler.add
        self._services: list[asyncio.Task[None]] = []
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._dirty = asyncio.Event()
        self._unsubscribe = bus.subscribe(self._note)

    def start(self) -> None:
        self._serve(self._reconciler.run())
        self._serve(self._sum_up())
        self.serve_lane(self._ctx.scheduler.prepare, prepare)
        for account in self._ctx.accounts.all():
            self.serve_account(account.name)

    def _serve(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = self._tasks.create_task(work)
        self._services.append(task)
        return task

    def serve_account(self, name: str) -> None:
        lane = self._ctx.accounts.lane(name)
        assert lane is not None
        self.serve_lane(lane, send)

    def serve_lane(self, lane: Lane, stage: Stage) -> None:
        self._lanes[lane.name] = self._serve(self._dispatch(lane, stage))

    def end_lane(self, name: str) -> None:
        self._lanes.pop(name).cancel()

    async def _dispatch(self, lane: Lane, stage: Stage) -> None:
        while True:
            job_id = await lane.take()
            self.run_job(job_id, stage, lane.release)

    def run_job(self, job_id: int, stage: Stage, release: Callable[[], None]) -> None:
        task = self._tasks.create_task(self._run(job_id, stage, release))
        self._ctx.running[job_id] = Run(task)

    async def _run(self, job_id: int, stage: Stage, release: Callable[[], None]) -> None:
        run = self._ctx.running[job_id]
        run.begin()
        try:
            await stage(self._ctx, job_id)
        except asyncio.CancelledError:
            pass  # a wish of the user or the end of the program; the stage has settled the job
        except StaleJobError:
            log.debug("job %d was moved by somebody else", job_id)
        except AppError as error:
            log.warning("job %d stopped at %s", job_id, error.code)
        except Exception:
            log.exception("job %d stopped at a fault of the program", job_id)
        finally:
            if self._ctx.running.get(job_id) is run:
                del self._ctx.running[job_id]
            release()

    # -- after a start

    async def restore(self) -> None:
        """Take up what an earlier run left: nothing that may have been stored is sent again."""
        ctx = self._ctx
        for old, new in states.AFTER_CRASH.items():
            for job_id, _ in await ctx.jobs.ids([old]):
                if new is S.UNCERTAIN:
                    await self._interrupted_sending(job_id)
                else:
                    job = await ctx.jobs.get(job_id)
                    assert job is not None
                    await ctx.scheduler.move(job, new, note=INTERRUPTED)
        rest = [s for s in S if not s.is_final and s not in states.AFTER_CRASH]
        for job_id, _ in await ctx.jobs.ids(rest):
            job = await ctx.jobs.get(job_id)
            if job is None:
                continue
            ctx.scheduler.place(job, announce=False)
            if job.state is S.CONFIRMING:
                self.run_job(job_id, _confirm_again, lambda: None)

    async def _interrupted_sending(self, job_id: int) -> None:
        """It may have been stored: the provider's list is asked when the settle time is over."""
        ctx = self._ctx
        detail = await ctx.jobs.detail(job_id)
        assert detail is not None
        now = ctx.clock.now()
        last = detail.attempts[-1] if detail.attempts else None
        settled_at = (last.started_at if last else now) + ctx.settings.settle_s
        await ctx.scheduler.move(
            detail.view,
            S.UNCERTAIN,
            note=INTERRUPTED,
            error=AppError(ErrorCode.ANSWER_LOST),
            attempt=replace(last, ended_at=now, outcome="interrupted") if last else None,
            not_before=max(now, settled_at),
        )

    # -- sums

    def _note(self, event: object) -> None:
        if isinstance(event, JobChanged | JobsAdded | JobsRemoved):
            self._dirty.set()

    async def _sum_up(self) -> None:
        while True:
            if not self._ctx.running:
                await self._dirty.wait()
            self._dirty.clear()
            await self.announce_summary()
            await self._ctx.clock.sleep(SUMMARY_S)

    async def announce_summary(self) -> None:
        self._bus.publish(SummaryChanged(await self.summary()))

    async def summary(self) -> QueueSummary:
        """The sums on disk with what moves in memory."""
        summary = await self._ctx.jobs.summary()
        done, speed = self._ctx.board.totals()
        left = max(0, summary.open_bytes - done)
        return replace(
            summary,
            sent_bytes=summary.sent_bytes + done,
            speed=speed,
            eta_s=left / speed if speed > 1 else None,
            paused=self._ctx.accounts.paused,
        )

    def sending(self) -> dict[str, int]:
        """Jobs under way, by account."""
        return dict(Counter(self._ctx.scheduler.accounts_in_flight()))

    # -- the end

    async def stop(self) -> None:
        """Settle what is under way: a body that has left completely may still get its answer."""
        self._unsubscribe()
        for service in self._services:
            service.cancel()
        runs = list(self._ctx.running.values())
        for run in runs:
            if not run.all_left:
                run.stop(Intent.QUIT)
        await _ended(runs, GRACE_S)
        for run in runs:
            run.stop(Intent.QUIT)
        await _ended(runs, GRACE_S)


async def _ended(runs: list[Run], seconds: float) -> None:
    if runs:
        await asyncio.wait({run.task for run in runs}, timeout=seconds)


async def _confirm_again(ctx: Context, job_id: int) -> None:
    job = await ctx.jobs.get(job_id)
    if job is not None and job.state is S.CONFIRMING:
        await confirm(ctx, job, None)
