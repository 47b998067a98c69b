"""The tasks of the engine: lanes are served, jobs run, news are summed up, all of it is ended.

One task group owns every task. A fault in one job never stops the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Final

from exai_desktop.core.accounts import Phase
from exai_desktop.core.errors import AppError
from exai_desktop.core.events import (
    EventBus,
    JobChanged,
    JobsAdded,
    JobsRemoved,
    SummaryChanged,
)
from exai_desktop.core.models import JobView, QueueSummary
from exai_desktop.core.states import JobState
from exai_desktop.core.stores import StaleJobError
from exai_desktop.engine import gate
from exai_desktop.engine.context import Context, Run
from exai_desktop.engine.disk_guard import DiskGuard
from exai_desktop.engine.health_watch import HealthWatch
from exai_desktop.engine.lanes import Lane
from exai_desktop.engine.pausing import Pausing
from exai_desktop.engine.prepare import prepare
from exai_desktop.engine.probing import Prober
from exai_desktop.engine.problems import Condition, Problems
from exai_desktop.engine.quitting import quit_runs
from exai_desktop.engine.reconcile import Reconciler
from exai_desktop.engine.recovery import compare_all
from exai_desktop.engine.restore import confirm_again, restore
from exai_desktop.engine.send import send
from exai_desktop.engine.snapshots import SnapshotTask
from exai_desktop.engine.sums import summary_of

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
        ctx.scheduler.shown = partial(gate.shown, ctx)
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
            gate.steer_lane(self._ctx, account.name)

    def _breaker_changed(self, account: str, *, is_new_phase: bool) -> None:
        gate.steer_lane(self._ctx, account)
        self._prober.wake()
        phase, error = self._ctx.breakers.phase(account), self._ctx.breakers.error(account)
        self._ctx.metrics.breaker_is(account, phase, is_new=is_new_phase)
        if phase is Phase.CLOSED:
            self.problems.over(Condition.BREAKER, account)
        if error is not None and is_new_phase:
            log.warning("%s is left alone: %s", account, error.detail)
            self.problems.holds(Condition.BREAKER, error, account)
            self._aside(gate.stand_aside(self._ctx, account))

    def _waits(self, job: JobView) -> None:
        """It came to this account, or back to it, after the others were sent elsewhere."""
        if job.account and self._ctx.breakers.phase(job.account) is Phase.OPEN:
            self._aside(gate.divert(self._ctx, job))

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
