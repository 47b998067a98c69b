"""The queue, as the engine shows and changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import EventBus, JobsRemoved
from exai_desktop.core.jobs.models import (
    AddOptions,
    JobDetail,
    JobPage,
    JobQuery,
    QueueSummary,
)
from exai_desktop.core.planning.plan import UploadPlan
from exai_desktop.engine.background.pausing import Pausing
from exai_desktop.engine.background.totals import Totals
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.service.intake import Intake, UploadPlans, check_options
from exai_desktop.engine.service.job_commands import Commands


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

    def stop(self) -> None:
        """No more files come in."""
        for walk in self._walks:
            walk.cancel()

    async def add(self, paths: Sequence[str], options: AddOptions) -> int:
        check_options(self._plans.accounts, options)
        batch_id = await self._intake.open_batch(options)
        walk = self._tasks.create_task(self._intake.walk(batch_id, list(paths), options.origin))
        self._walks.add(walk)
        walk.add_done_callback(self._walks.discard)
        return batch_id

    async def plan(self, paths: Sequence[str], options: AddOptions) -> UploadPlan:
        return await self._plans.plan(paths, options)

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
        self._pausing.begin(for_s)
        await self._totals.announce()

    async def resume(self, job_ids: Sequence[int] | None = None) -> None:
        if job_ids is not None:
            await self._commands.resume(job_ids)
            return
        self._pausing.end()
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
