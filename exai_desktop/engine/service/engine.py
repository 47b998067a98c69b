"""The engine: meets `core.service.UploadService` over the parts that `bootstrap` hands in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from exai_desktop.core.accounts.delays import SAMPLES
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.events import Event, EventBus, EventStream, JobsRemoved, WindowWanted
from exai_desktop.core.jobs.models import (
    AddOptions,
    JobDetail,
    JobPage,
    JobQuery,
    Origin,
    QueueSummary,
)
from exai_desktop.core.planning import UploadPlan
from exai_desktop.engine.background.runner import Runner
from exai_desktop.engine.context import Context
from exai_desktop.engine.files.open_file import AllowedPlaces
from exai_desktop.engine.provider_files import texts
from exai_desktop.engine.service import intake
from exai_desktop.engine.service.files import FileVerbs
from exai_desktop.engine.service.intake import check_options, walk_into_queue
from exai_desktop.engine.service.settings import SettingsBook, SettingsVerbs


class Engine(FileVerbs, SettingsVerbs):
    """Lives in one loop; its tasks are in the task group given."""

    def __init__(
        self,
        ctx: Context,
        bus: EventBus,
        tasks: asyncio.TaskGroup,
        settings_book: SettingsBook,
        check_key: Callable[[str], str],
        fingerprint: Callable[[str], str],
        facts: Callable[[], dict[str, str]],
    ) -> None:
        FileVerbs.__init__(self, ctx, bus, Runner(ctx, bus, tasks), check_key, fingerprint)
        SettingsVerbs.__init__(self, ctx, settings_book)
        self._tasks = tasks
        self._facts = facts
        self._walks: set[asyncio.Task[None]] = set()
        self._anchoring: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._ctx.accounts.load()
        if self._ctx.is_read_only:
            return
        guard = self._ctx.guard
        await guard.look()
        try:
            await self._learn_delays()
            names = [account.name for account in self._ctx.accounts.all()]
            await self._ctx.breakers.load(names)
            await self._ctx.health.load(names)
            await self._runner.restore()
        except AppError as error:
            # Reading works: what is there can be shown, and it goes on when writing works too.
            if not guard.failed(error):
                raise
        self._runner.start()
        self._sweeping = self._tasks.create_task(texts.sweep(self._ctx))
        self._anchoring = self._tasks.create_task(self._anchor_hourly())

    async def _learn_delays(self) -> None:
        for account in self._ctx.accounts.all():
            delays = await self._ctx.jobs.answer_delays(account.name, SAMPLES)
            self._ctx.settling.learn(account.name, reversed(delays))

    async def stop(self) -> None:
        for walk in self._walks:
            walk.cancel()
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._runner.stop()
        if self._anchoring is not None:
            self._anchoring.cancel()
            await self._anchor()

    # -- the queue

    async def add_paths(self, paths: Sequence[str], options: AddOptions) -> int:
        check_options(self._ctx, options)
        batch_id = await self._ctx.jobs.add_batch(options, (), self._ctx.clock.now())
        self._ctx.scheduler.batch_opened(batch_id)
        places = (
            AllowedPlaces(self._ctx.settings.allowed_folders)
            if options.origin is Origin.UNATTENDED
            else None
        )
        walk = self._tasks.create_task(
            walk_into_queue(self._ctx, self._bus, batch_id, list(paths), places)
        )
        self._walks.add(walk)
        walk.add_done_callback(self._walks.discard)
        return batch_id

    async def plan(self, paths: Sequence[str], options: AddOptions) -> UploadPlan:
        return await intake.plan(self._ctx, paths, options)

    async def jobs(self, query: JobQuery) -> JobPage:
        page = await self._ctx.jobs.page(query)
        return replace(page, rows=tuple(map(self._ctx.scheduler.shown, page.rows)))

    async def job(self, job_id: int) -> JobDetail:
        detail = await self._ctx.jobs.detail(job_id)
        if detail is None:
            raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
        return replace(detail, view=self._ctx.scheduler.shown(detail.view))

    async def summary(self) -> QueueSummary:
        return await self._runner.summary()

    async def pause(self, job_ids: Sequence[int] | None = None, for_s: float | None = None) -> None:
        if job_ids is not None:
            await self._commands.hold(job_ids)
            return
        self._runner.pausing.begin(for_s)
        await self._runner.announce_summary()

    async def resume(self, job_ids: Sequence[int] | None = None) -> None:
        if job_ids is not None:
            await self._commands.resume(job_ids)
            return
        self._runner.pausing.end()
        await self._runner.announce_summary()

    async def cancel(self, job_ids: Sequence[int]) -> list[int]:
        return await self._commands.cancel(job_ids)

    async def retry(
        self,
        job_ids: Sequence[int] | None,
        *,
        allow_fallback: bool = False,
        accepted: Sequence[str] = (),
    ) -> list[int]:
        return await self._commands.retry(job_ids, allow_fallback=allow_fallback, accepted=accepted)

    async def settle(self, job_id: int, remote_id: str | None) -> None:
        await self._commands.settle(job_id, remote_id)

    async def remove(self, job_ids: Sequence[int] | None) -> int:
        removed = await self._ctx.jobs.remove(job_ids)
        if removed:
            self._bus.publish(JobsRemoved(tuple(job_ids or ())))
        return removed

    # -- news and facts

    async def facts(self) -> dict[str, str]:
        found = self._facts() | {
            "keys": self._ctx.accounts.credential_kind,
            "audit": f"chain protected by {self._ctx.audit.protected_by}",
        }
        lasting = [problem.error for problem in self._runner.problems.lasting()]
        if lasting:
            found["problems"] = "\n".join(f"{e.code}: {e.title} ({e.detail})" for e in lasting)
        return found

    async def show_window(self) -> None:
        self._bus.publish(WindowWanted())

    async def events(self) -> EventStream:
        news: asyncio.Queue[Event] = asyncio.Queue()
        for problem in self._runner.problems.lasting():
            news.put_nowait(problem)
        return EventStream(news.get, self._bus.subscribe(news.put_nowait))

    def tell(self, problem: ErrorView) -> None:
        """Something is wrong with the profile: whoever listens, now or later, is told."""
        self._runner.problems.add(problem)


@asynccontextmanager
async def running(make: Callable[[asyncio.TaskGroup], Engine]) -> AsyncIterator[Engine]:
    """An engine from start to stop: every task of it has ended when this is left.

    What the body raises comes out as it is, not wrapped in the task group's own error.
    """
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        engine: Engine | None = None
        try:
            engine = make(tasks)
            await engine.start()
            yield engine
        except BaseException as error:  # noqa: BLE001 - raised again below, a cancel included
            failure = error
        if engine is not None:
            await engine.stop()
    if failure is not None:
        raise failure
