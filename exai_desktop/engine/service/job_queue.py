"""The queue, as the engine shows and changes it.

Dropped paths become rows in it: a batch is walked in a reader thread.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import BatchScanned, EventBus, JobsRemoved, LineChanged
from exai_desktop.core.files.files import without_person
from exai_desktop.core.jobs.jobs import (
    AddOptions,
    JobDetail,
    JobPage,
    JobQuery,
    JobState,
    JobView,
    NewJob,
    Origin,
    QueueSummary,
)
from exai_desktop.core.jobs.line import LinePlace
from exai_desktop.core.jobs.ranges import FileIds, JobRange, RangeOrder
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.core.planning.plan import ChangedPlan, PlanChange, PlanPart
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.background.pausing import Pausing
from exai_desktop.engine.background.totals import Totals
from exai_desktop.engine.files.open_file import AllowedPlaces
from exai_desktop.engine.files.scanner import Scanner
from exai_desktop.engine.scheduling.lanes import DiskGuard
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.service.job_commands import Commands
from exai_desktop.engine.service.upload_plans import UploadPlans, check_options, jobs_now
from exai_desktop.engine.waiting import uninterrupted

log = logging.getLogger(__name__)

# Told whether to stop; gives chunks.
Find = Callable[[Callable[[], bool]], Iterator[list[NewJob]]]

# Chunks found but not yet on disk: enough to keep both sides busy, not more memory.
AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class Intake:
    """Puts dropped files and folders into the queue."""

    jobs: JobStore
    scheduler: Scheduler
    settings: CurrentSettings
    guard: DiskGuard
    clock: Clock
    bus: EventBus

    async def open_batch(self, options: AddOptions) -> int:
        if options.origin is Origin.UNATTENDED:
            options = replace(options, accepted=without_person(options.accepted))
        batch_id = await self.jobs.add_batch(options, (), self.clock.now())
        self.scheduler.batch_opened(batch_id)
        return batch_id

    async def walk(self, batch_id: int, paths: Sequence[str], origin: Origin) -> None:
        """Put every file below `paths` into the queue, chunk by chunk as they are found.

        What comes in unattended must lie in an allowed folder.
        """
        places = None
        if origin is Origin.UNATTENDED:
            places = AllowedPlaces(self.settings.value.allowed_folders)
        most = self.settings.value.max_file_bytes
        await self.fill(batch_id, lambda stopped: Scanner(most, stopped, places).walk(paths))

    async def fill(self, batch_id: int, find: Find) -> None:
        """The same with files that are found otherwise; `find` runs in a thread of its own."""
        found: queue.Queue[list[NewJob] | None] = queue.Queue(AHEAD)
        arrived = asyncio.Semaphore(0)
        loop = asyncio.get_running_loop()
        stopped = threading.Event()

        def walk() -> None:
            try:
                for chunk in find(stopped.is_set):
                    found.put(chunk)
                    loop.call_soon_threadsafe(arrived.release)
            finally:
                found.put(None)
                loop.call_soon_threadsafe(arrived.release)

        # A thread of its own: it waits for the database and must not keep a reader from reading.
        walker = threading.Thread(target=walk, name="walker", daemon=True)
        walker.start()
        total = refused = 0
        try:
            async for chunk in _together(found, arrived):
                add = partial(self._add_whole, batch_id, chunk)
                views = await self.guard.insist(add)
                self.scheduler.admit(batch_id, views)
                total += len(views)
                refused += sum(v.state is JobState.REFUSED for v in views)
        finally:
            stopped.set()
            self.scheduler.batch_scanned(batch_id)
            self.bus.publish(BatchScanned(batch_id, total, refused))

    async def _add_whole(self, batch_id: int, chunk: list[NewJob]) -> list[JobView]:
        """Only the write itself is not broken off: waiting for a full disk must be."""
        return await uninterrupted(self.jobs.add_jobs(batch_id, chunk, self.clock.now()))


async def _together(
    found: queue.Queue[list[NewJob] | None], arrived: asyncio.Semaphore
) -> AsyncIterator[list[NewJob]]:
    """What was found while the last write was under way goes into one: a sync for all of it."""
    is_over = False
    while not is_over:
        await arrived.acquire()
        chunks = [found.get_nowait()]
        while len(chunks) < AHEAD and not arrived.locked():
            await arrived.acquire()
            chunks.append(found.get_nowait())
        is_over = chunks[-1] is None
        if jobs := [job for chunk in chunks if chunk for job in chunk]:
            yield jobs


# Of the jobs of a range so many are ordered about at once, and so many file ids handed out.
PIECE: Final = 500
IDS_AT_ONCE: Final = 10_000


class JobQueue:
    """Meets `core.service.QueueService`. Walks through folders are tasks of the group given."""

    def __init__(
        self,
        scheduler: Scheduler,
        intake: Intake,
        plans: UploadPlans,
        commands: Commands,
        pausing: Pausing,
        totals: Totals,
        bus: EventBus,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._jobs = intake.jobs
        self._scheduler = scheduler
        self._intake = intake
        self._plans = plans
        self._commands = commands
        self._pausing = pausing
        self._totals = totals
        self._bus = bus
        self._tasks = tasks
        self._walks: set[asyncio.Task[None]] = set()
        self.has_added = False

    def stop(self) -> None:
        """No more files come in."""
        for walk in self._walks:
            walk.cancel()

    async def add(self, paths: Sequence[str], options: AddOptions) -> int:
        self._check_settings()
        check_options(self._plans.accounts, options)
        batch_id = await self._intake.open_batch(options)
        self._begin(self._intake.walk(batch_id, list(paths), options.origin))
        return batch_id

    def _begin(self, walk: Coroutine[None, None, None]) -> None:
        self.has_added = True
        task = self._tasks.create_task(walk)
        self._walks.add(task)
        task.add_done_callback(self._walks.discard)

    async def plan(
        self,
        paths: Sequence[str],
        options: AddOptions,
        *,
        by_file: bool = False,
        editable: bool = False,
    ) -> int:
        self._check_settings()
        return await self._plans.begin(paths, options, by_file=by_file, editable=editable)

    async def planned(self, number: int) -> PlanPart:
        return await self._plans.go_on(number)

    async def change_plan(self, number: int, change: PlanChange) -> ChangedPlan:
        return await self._plans.change(number, change)

    async def send_plan(self, number: int) -> int:
        self._check_settings()
        batch_id, draft = await self._plans.take(number, self._intake.open_batch)
        self._begin(self._intake.fill(batch_id, partial(jobs_now, draft)))
        return batch_id

    async def drop_plan(self, number: int) -> None:
        self._plans.drop(number)

    def _check_settings(self) -> None:
        """Raises UNUSABLE_SETTING: nobody knows where the files may go."""
        refusal = self._intake.settings.refusal
        if refusal:
            raise EngineError(ErrorCode.UNUSABLE_SETTING, refusal)

    async def page(self, query: JobQuery) -> JobPage:
        page = await self._jobs.page(query)
        return replace(page, rows=tuple(map(self._scheduler.shown, page.rows)))

    async def job(self, job_id: int) -> JobDetail:
        detail = await self._jobs.detail(job_id)
        if detail is None:
            raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
        return replace(detail, view=self._scheduler.shown(detail.view))

    async def summary(self) -> QueueSummary:
        return await self._totals.summary()

    async def pause(self, job_ids: Sequence[int] | None = None, for_s: float | None = None) -> None:
        if job_ids is not None:
            await self._commands.hold(job_ids)
            return
        await self._pausing.begin(for_s)
        await self._totals.announce()

    async def resume(self, job_ids: Sequence[int] | None = None) -> None:
        if job_ids is not None:
            await self._commands.resume(job_ids)
            return
        await self._pausing.end()
        await self._totals.announce()

    async def cancel(self, job_ids: Sequence[int]) -> list[int]:
        return await self._commands.cancel(job_ids)

    async def retry(
        self,
        job_ids: Sequence[int] | None,
        *,
        allow_fallback: bool = False,
        accepted: Sequence[str] = (),
        gone: bool = False,
    ) -> list[int]:
        return await self._commands.retry(
            job_ids, allow_fallback=allow_fallback, accepted=accepted, gone=gone
        )

    async def settle(self, job_id: int, remote_id: str | None) -> None:
        await self._commands.settle(job_id, remote_id)

    async def remove(self, job_ids: Sequence[int] | None) -> int:
        removed = await self._jobs.remove(job_ids)
        if removed:
            self._bus.publish(JobsRemoved(tuple(job_ids or ())))
        return removed

    async def reorder(self, job_ids: Sequence[int], to: LinePlace) -> list[int]:
        moved = await self._commands.reorder(job_ids, to)
        if moved:
            self._bus.publish(LineChanged())
        return moved

    async def order(self, order: RangeOrder, jobs: JobRange) -> int:
        found = await self._jobs.ids_in(jobs, order)
        if order in (RangeOrder.FIRST, RangeOrder.LAST):
            is_first = order is RangeOrder.FIRST
            moved = await self._commands.reorder_many(found.tolist(), first=is_first)
            self._bus.publish(LineChanged())
            return moved
        done = 0
        for start in range(0, len(found), PIECE):
            piece = found[start : start + PIECE].tolist()
            done += await self._commands.order(order, piece, jobs.query.reason)
        if order is RangeOrder.REMOVE and done:
            self._bus.publish(JobsRemoved(()))
        return done

    async def file_ids(self, jobs: JobRange, after: int = 0) -> FileIds:
        return await self._jobs.file_ids(jobs, after, IDS_AT_ONCE)
