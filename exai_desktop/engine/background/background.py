"""Everything that runs beside the jobs, from the start of the engine to its end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass

from exai_desktop.core.accounts.delays import SAMPLES
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.engine.accounts.health import Breakers, Health
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.background.job_lanes import JobLanes
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.background.runner import Runner
from exai_desktop.engine.scheduling.lanes import DiskGuard

log = logging.getLogger(__name__)

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
        self.lanes.start()

    async def stop(self) -> None:
        await self.runner.stop()
        for step in self.at_end:
            waiting = step()
            if waiting is not None:
                await waiting
