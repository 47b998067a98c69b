"""The tasks of the engine: lanes are served, jobs run, news are summed up, all of it is ended.

One task group owns every task. A fault in one job never stops the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from exai_desktop.core.accounts.accounts import Phase
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import EventBus, JobChanged, JobsAdded, JobsRemoved, SummaryChanged
from exai_desktop.core.jobs.models import JobView, QueueSummary
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.engine.background.health_watch import HealthWatch
from exai_desktop.engine.background.pausing import Pausing
from exai_desktop.engine.background.prober import Prober
from exai_desktop.engine.background.problems import Condition, Problems
from exai_desktop.engine.background.snapshots import SnapshotTask
from exai_desktop.engine.context import Context, Intent, Run
from exai_desktop.engine.disk_guard import DiskGuard
from exai_desktop.engine.provider_files.compare_all import compare_all
from exai_desktop.engine.reconciliation.reconciler import Reconciler
from exai_desktop.engine.reconciliation.restart import confirm_again, restore
from exai_desktop.engine.scheduling.lanes import Lane
from exai_desktop.engine.upload import admission, routes
from exai_desktop.engine.upload.admission import pace_s
from exai_desktop.engine.upload.prepare import prepare
from exai_desktop.engine.upload.send import send

log = logging.getLogger(__name__)

S = JobState
Stage = Callable[[Context, int], Awaitable[None]]

# Sums are for people: five a second are plenty.
SUMMARY_S: Final = 0.2


class Runner:
    def __init__(self, ctx: Context, bus: EventBus, tasks: asyncio.TaskGroup) -> None:
        self._ctx = ctx
        self._bus = bus
        self._tasks = tasks
        self._reconciler = Reconciler(ctx)
        ctx.scheduler.on_uncertain = self._reconciler.add
        self.problems = Problems(bus)
        self._prober = Prober(ctx)
        self._health = HealthWatch(ctx, self.problems)
        self._dirty = asyncio.Event()
        self.pausing = Pausing(ctx, ctx.surroundings, self._dirty.set)
        ctx.on_settings = self.pausing.wake
        ctx.scheduler.shown = partial(admission.shown, ctx)
        ctx.scheduler.on_waiting = self._waits
        ctx.breakers.on_change = self._breaker_changed
        ctx.breakers.on_fleet = self.problems.of_fleet
        ctx.guard = DiskGuard(ctx.disk, ctx.clock, self.problems.of_storage, self.restore)
        self._snapshots = (
            SnapshotTask(ctx.snapshots, ctx.clock, bus) if ctx.snapshots is not None else None
        )
        self._services: list[asyncio.Task[None]] = []
        self._asides: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        # Taken from a line and not yet begun: the way for new work is closed.
        self._in_hand: set[int] = set()
        self._is_restored = False
        self._unsubscribe = bus.subscribe(self._note)

    def start(self) -> None:
        self._serve(self._ctx.guard.run())
        self._serve(self._reconciler.run())
        self._serve(self._sum_up())
        self._serve(self._compare())
        self._serve(self._prober.run())
        self._serve(self._health.run())
        self._serve(self.pausing.run())
        if self._snapshots is not None:
            self._serve(self._snapshots.run())
        self.serve_lane(self._ctx.scheduler.prepare, prepare)
        for account in self._ctx.accounts.all():
            self.serve_account(account.name)
            admission.steer_lane(self._ctx, account.name)

    def _breaker_changed(self, account: str, *, is_new_phase: bool) -> None:
        admission.steer_lane(self._ctx, account)
        self._prober.wake()
        phase, error = self._ctx.breakers.phase(account), self._ctx.breakers.error(account)
        self._ctx.metrics.breaker_is(account, phase, is_new=is_new_phase)
        if phase is Phase.CLOSED:
            self.problems.over(Condition.BREAKER, account)
        if error is not None and is_new_phase:
            log.warning("%s is left alone: %s", account, error.detail)
            self.problems.holds(Condition.BREAKER, error, account)
            self._aside(routes.stand_aside(self._ctx, account))

    def _waits(self, job: JobView) -> None:
        """It came to this account, or back to it, after the others were sent elsewhere."""
        if job.account and self._ctx.breakers.phase(job.account) is Phase.OPEN:
            self._aside(routes.divert(self._ctx, job))

    def _aside(self, work: Coroutine[object, object, object]) -> None:
        """Beside the jobs; ends with the program."""
        task = self._tasks.create_task(self._carefully(work))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _carefully(self, work: Coroutine[object, object, object]) -> None:
        try:
            await work
        except AppError as error:
            self._ctx.guard.failed(error)
        except Exception:
            log.exception("a fault of the program beside the jobs")

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
        lane = self._lanes.pop(name, None)
        if lane is not None:
            lane.cancel()

    async def _dispatch(self, lane: Lane, stage: Stage) -> None:
        while True:
            await self._ctx.guard.clear()
            job_id = await lane.take()
            self._in_hand.add(job_id)
            await self._ctx.guard.clear()
            self._in_hand.discard(job_id)
            self.run_job(job_id, stage, lane.release)

    async def _compare(self) -> None:
        try:
            await compare_all(self._ctx)
        except AppError as error:
            log.warning("the lists are not compared: %s", error.code)
            self._ctx.guard.failed(error)

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
            self._ctx.guard.failed(error)
        except Exception:
            log.exception("job %d stopped at a fault of the program", job_id)
        finally:
            if self._ctx.running.get(job_id) is run:
                del self._ctx.running[job_id]
            release()

    # -- after a start

    async def restore(self) -> None:
        """Take up what an earlier run, or a failure of the database, left between two states."""
        is_start = not self._is_restored
        await restore(self._ctx, lambda: self._in_hand, self._confirm, is_start=is_start)
        self._is_restored = True

    def _confirm(self, job_id: int) -> None:
        self.run_job(job_id, confirm_again, lambda: None)
        # Nothing is left to break off: cancel and pause do not stop it.
        self._ctx.running[job_id].all_left = True

    # -- sums

    def _note(self, event: object) -> None:
        if isinstance(event, JobChanged | JobsAdded | JobsRemoved):
            self._dirty.set()

    async def _sum_up(self) -> None:
        while True:
            if not self._ctx.running:
                await self._dirty.wait()
            self._dirty.clear()
            try:
                await self.announce_summary()
            except AppError as error:
                log.warning("no sums: %s", error.code)
            await self._ctx.clock.sleep(SUMMARY_S)

    async def announce_summary(self) -> None:
        summary = await self.summary()
        self._ctx.metrics.jobs_are({s.value: n for s, n in summary.counts.items()})
        self._bus.publish(SummaryChanged(summary))

    async def summary(self) -> QueueSummary:
        return await summary_of(self._ctx, self.pausing)

    def sending(self) -> dict[str, int]:
        """Jobs under way, by account."""
        return dict(Counter(self._ctx.scheduler.accounts_in_flight()))

    # -- the end

    async def stop(self) -> None:
        """Settle what is under way: a body that has left completely may still get its answer."""
        self._unsubscribe()
        for service in (*self._services, *self._asides):
            service.cancel()
        await quit_runs(list(self._ctx.running.values()))
        await self._health.finish()
        for asking in self._ctx.listing.values():
            asking.cancel()
        if self._snapshots is not None:
            await self._snapshots.finish()


# How long a quitting program waits for answers to bodies that have left completely.
GRACE_S: Final = 5.0


async def quit_runs(runs: Sequence[Run]) -> None:
    """Stop them; those whose last block has left may still get their answer."""
    for run in runs:
        if not run.all_left:
            run.stop(Intent.QUIT)
    await _ended(runs)
    for run in runs:
        run.stop(Intent.QUIT)
        run.task.cancel()  # also what was stopped and has not ended since
    await _ended(runs)


async def _ended(runs: Sequence[Run]) -> None:
    if runs:
        await asyncio.wait({run.task for run in runs}, timeout=GRACE_S)


async def summary_of(ctx: Context, pausing: Pausing) -> QueueSummary:
    """The time left is the longer of what the line and the accounts' limits take."""
    summary = await ctx.jobs.summary()
    done, speed = ctx.board.totals()
    left = max(0, summary.open_bytes - done)
    limits_s = max((pace_s(ctx, account.name) for account in ctx.accounts.all()), default=0.0)
    line_s = left / speed if speed > 1 else None
    return replace(
        summary,
        sent_bytes=summary.sent_bytes + done,
        speed=speed,
        eta_s=max(line_s or 0.0, limits_s) or line_s,
        pace_s=limits_s,
        paused=pausing.is_paused,
        paused_until=pausing.until,
        pause_reason=pausing.reason,
    )
