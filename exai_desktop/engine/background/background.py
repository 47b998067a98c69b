"""The tasks of the engine: lanes are served, jobs run, services run beside them, all are ended.

One task group owns every task. A fault in one job never stops the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Final

from exai_desktop.core.accounts.delays import SAMPLES
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.store import JobStore, StaleJobError
from exai_desktop.engine.accounts.health import Breakers, Health
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.background.begun_uploads import BegunUploads
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.reconciliation.restart import Restart
from exai_desktop.engine.scheduling.in_hand import Intent, JobRun, JobsInHand
from exai_desktop.engine.scheduling.lanes import DiskGuard, Lane
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.admission import Admission
from exai_desktop.engine.upload.delivery import Delivery
from exai_desktop.engine.upload.prepare import Preparation
from exai_desktop.engine.upload.stored_copies import Confirmation

log = logging.getLogger(__name__)

Stage = Callable[[int], Awaitable[None]]

# How long a quitting program waits for answers to bodies that have left completely.
LAST_ANSWERS_S: Final = 5.0


class Runner:
    """Every task is in the group given."""

    def __init__(self, tasks: asyncio.TaskGroup, guard: DiskGuard, in_hand: JobsInHand) -> None:
        self._tasks = tasks
        self._guard = guard
        self._in_hand = in_hand
        self._services: list[asyncio.Task[None]] = []
        self._asides: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        # Taken from a line and not yet begun: the way for new work is closed.
        self._taken: set[int] = set()

    # -- work beside the jobs

    def serve(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """As long as the program runs."""
        task = self._tasks.create_task(work)
        self._services.append(task)
        return task

    def aside(self, work: Coroutine[object, object, object]) -> None:
        """Once, beside the jobs; ends with the program."""
        task = self._tasks.create_task(self._carefully(work))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
        # Cancelled before its first step it would leave a warning that nobody awaited it.
        task.add_done_callback(lambda _: work.close())

    async def _carefully(self, work: Coroutine[object, object, object]) -> None:
        try:
            await work
        except AppError as error:
            self._guard.failed(error)
        except Exception:
            log.exception("an unexpected error outside the jobs")

    # -- lanes and their jobs

    def serve_lane(self, lane: Lane, stage: Stage) -> None:
        self._lanes[lane.name] = self.serve(self._dispatch(lane, stage))

    def end_lane(self, name: str) -> None:
        lane = self._lanes.pop(name, None)
        if lane is not None:
            lane.cancel()

    async def _dispatch(self, lane: Lane, stage: Stage) -> None:
        while True:
            await self._guard.clear()
            job_id = await lane.take()
            self._taken.add(job_id)
            await self._guard.clear()
            self._taken.discard(job_id)
            self.run_job(job_id, stage, lane.release)

    def busy(self) -> set[int]:
        """Jobs that a task is at, or is about to be."""
        return {*self._in_hand.runs, *self._taken}

    def tasks(self) -> set[asyncio.Task[None]]:
        """Of the jobs under way."""
        return {run.task for run in self._in_hand.runs.values()}

    def run_job(
        self,
        job_id: int,
        stage: Stage,
        release: Callable[[], None] = lambda: None,
        *,
        all_left: bool = False,
    ) -> None:
        """`all_left`: nothing is left to break off, cancel and pause do not stop it."""
        task = self._tasks.create_task(self._run(job_id, stage, release))
        self._in_hand.begin(job_id, JobRun(task, all_left=all_left))

    async def _run(self, job_id: int, stage: Stage, release: Callable[[], None]) -> None:
        run = self._in_hand.runs[job_id]
        run.begin()
        try:
            await stage(job_id)
        except asyncio.CancelledError:
            pass  # a wish of the user or the end of the program; the stage has settled the job
        except StaleJobError:
            log.debug("job %d was moved by somebody else", job_id)
        except AppError as error:
            log.warning("job %d stopped at %s", job_id, error.code)
            self._guard.failed(error)
        except Exception:
            log.exception("job %d stopped with an unexpected error", job_id)
        finally:
            self._in_hand.end(job_id, run)
            release()

    # -- the end

    async def stop(self) -> None:
        """Settle what is under way: a body that has left completely may still get its answer."""
        for service in (*self._services, *self._asides):
            service.cancel()
        await _quit(list(self._in_hand.runs.values()))


async def _quit(runs: Sequence[JobRun]) -> None:
    """Stop them; those whose last block has left may still get their answer."""
    for run in runs:
        if not run.all_left:
            run.stop(Intent.QUIT)
    await _ended(runs)
    for run in runs:
        run.stop(Intent.QUIT)
        run.task.cancel()  # also what was stopped and has not ended since
    await _ended(runs)


async def _ended(runs: Sequence[JobRun]) -> None:
    if runs:
        await asyncio.wait({run.task for run in runs}, timeout=LAST_ANSWERS_S)


@dataclass(slots=True)
class JobLanes:
    runner: Runner
    scheduler: Scheduler
    accounts: Accounts
    admission: Admission
    preparation: Preparation
    delivery: Delivery
    confirmation: Confirmation
    restart: Restart
    is_restored: bool = False

    def start(self) -> None:
        self.runner.serve_lane(self.scheduler.prepare, self.preparation.prepare)
        for account in self.accounts.all():
            self.serve(account.name)
            self.admission.steer_lane(account.name)

    def all(self) -> list[Lane]:
        found = [self.accounts.lane(account.name) for account in self.accounts.all()]
        return [self.scheduler.prepare, *(lane for lane in found if lane is not None)]

    def serve(self, account: str) -> None:
        """From now on its files are sent."""
        lane = self.accounts.lane(account)
        assert lane is not None
        self.runner.serve_lane(lane, self.delivery.send)

    async def restore(self) -> None:
        """Take up what an earlier run, or a failure of the database, left between two states."""
        is_start = not self.is_restored
        await self.restart.take_up(
            self.runner.busy, self._confirm, self.runner.aside, is_start=is_start
        )
        self.is_restored = True

    def _confirm(self, job_id: int) -> None:
        self.runner.run_job(job_id, self.confirmation.confirm_again, all_left=True)


Service = Callable[[], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier runs have left of the accounts: breakers, health, how late answers come."""

    jobs: JobStore
    accounts: Accounts
    breakers: Breakers
    health: Health
    timing: Timing

    async def load(self) -> None:
        names = [account.name for account in self.accounts.all()]
        for name in names:
            delays = await self.jobs.answer_delays(name, SAMPLES)
            self.timing.learn(name, reversed(delays))
        await self.breakers.load(names)
        await self.health.load(names)


@dataclass(frozen=True, slots=True)
class Background:
    """`services` run as long as the program; `at_end` is called when all tasks are settled."""

    memory: Memory
    guard: DiskGuard
    runner: Runner
    lanes: JobLanes
    problems: Problems
    services: Sequence[Service]
    at_end: Sequence[Callable[[], Awaitable[None] | None]]
    take_up_pause: Callable[[], None]
    is_read_only: bool = False

    @property
    def accounts(self) -> Accounts:
        return self.memory.accounts

    async def start(self) -> None:
        await self.accounts.load()
        if self.is_read_only:
            return
        await self.guard.look()
        try:
            await self.memory.load()
            await self.lanes.restore()
        except AppError as error:
            # Reading works: what is there can be shown, and it goes on when writing works too.
            if not self.guard.failed(error):
                raise
        for service in self.services:
            self.runner.serve(service())
        self.take_up_pause()
        self.lanes.start()

    async def finish_begun(self) -> None:
        """What is under way comes to its end, within some seconds; nothing else begins."""
        runner = self.runner
        await BegunUploads(runner.tasks, runner.busy, self.lanes.all(), self.guard).finish()

    async def stop(self) -> None:
        await self.runner.stop()
        for step in self.at_end:
            waiting = step()
            if waiting is not None:
                await waiting
