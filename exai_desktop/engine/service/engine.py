"""The engine: meets `core.service.UploadService` over the parts that `bootstrap` hands in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exai_desktop.core.accounts.delays import SAMPLES
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.events import Event, EventBus, EventStream, WindowWanted
from exai_desktop.engine.background.runner import Runner
from exai_desktop.engine.context import Context
from exai_desktop.engine.provider_files import texts
from exai_desktop.engine.service.accounts import AccountChanges
from exai_desktop.engine.service.audit import Audit
from exai_desktop.engine.service.files import ProviderFiles
from exai_desktop.engine.service.job_commands import Commands
from exai_desktop.engine.service.job_queue import JobQueue
from exai_desktop.engine.service.settings import SettingsBook, SettingsChanges


class Engine:
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
        self._ctx = ctx
        self._bus = bus
        self._runner = Runner(ctx, bus, tasks)
        commands = Commands(ctx)
        self.queue = JobQueue(ctx, bus, self._runner, commands, tasks)
        self.audit = Audit(ctx)
        self.accounts = AccountChanges(
            ctx, bus, self._runner, commands, self.audit, check_key, fingerprint
        )
        self.files = ProviderFiles(ctx, commands, self.accounts.announce)
        self.settings = SettingsChanges(ctx, settings_book)
        self._tasks = tasks
        self._facts = facts
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
        self._anchoring = self._tasks.create_task(self.audit.anchor_hourly())

    async def _learn_delays(self) -> None:
        for account in self._ctx.accounts.all():
            delays = await self._ctx.jobs.answer_delays(account.name, SAMPLES)
            self._ctx.settling.learn(account.name, reversed(delays))

    async def stop(self) -> None:
        self.queue.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._runner.stop()
        if self._anchoring is not None:
            self._anchoring.cancel()
            await self.audit.anchor()

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
