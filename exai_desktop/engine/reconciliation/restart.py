"""Taking up jobs that stand between two states: after a start, or after the database failed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AFTER_CRASH, JobState, JobView
from exai_desktop.core.jobs.store import JobStore, StaleJobError
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.scheduling.scheduler import Scheduler

S = JobState

INTERRUPTED: Final = "the program was interrupted"


@dataclass(frozen=True, slots=True)
class Restart:
    jobs: JobStore
    scheduler: Scheduler
    accounts: Accounts
    timing: Timing

    async def take_up(
        self,
        busy: Callable[[], Iterable[int]],
        confirm_again: Callable[[int], None],
        *,
        is_start: bool,
    ) -> None:
        """Nothing that may have been stored is sent again; `busy` jobs are not touched."""
        for old, new in AFTER_CRASH.items():
            for job in await self._idle(busy, old):
                with contextlib.suppress(StaleJobError):
                    if new is S.UNCERTAIN:
                        await self._interrupted_sending(job)
                    else:
                        await self.scheduler.move(job, new, note=INTERRUPTED)
        rest = [s for s in S if not s.is_final and s not in AFTER_CRASH]
        # Later on the reconciler has its own list, and counts how often it has looked.
        wanted = rest if is_start else [S.QUEUED, S.WAITING, S.CONFIRMING]
        for job in await self._idle(busy, *wanted):
            if job.state is S.WAITING and self.accounts.lane(job.account or "") is None:
                # Routed to an account that has gone meanwhile: it is routed anew.
                await self.scheduler.move(job, S.QUEUED, note="its account was removed")
            elif not self._is_in_line(job):
                self.scheduler.place(job, announce=False)
            if job.state is S.CONFIRMING:
                confirm_again(job.id)

    async def _idle(self, busy: Callable[[], Iterable[int]], *wanted: JobState) -> list[JobView]:
        """Jobs in these states that no task is at. New work waits meanwhile, so none gets one."""
        taken = set(busy())
        views = [await self.jobs.get(i) for i, _ in await self.jobs.ids(wanted) if i not in taken]
        return [view for view in views if view is not None and view.state in wanted]

    def _is_in_line(self, job: JobView) -> bool:
        lane = self.accounts.lane(job.account) if job.account else None
        return job.id in self.scheduler.prepare or (lane is not None and job.id in lane)

    async def _interrupted_sending(self, job: JobView) -> None:
        """It may have been stored: the provider's list is asked when the settle time is over."""
        detail = await self.jobs.detail(job.id)
        assert detail is not None
        now = self.timing.now()
        last = detail.attempts[-1] if detail.attempts else None
        settle_s = self.timing.settle_s(job.account)
        settled_at = min(now, last.started_at if last else now) + settle_s
        await self.scheduler.move(
            detail.view,
            S.UNCERTAIN,
            note=INTERRUPTED,
            error=AppError(ErrorCode.ANSWER_LOST),
            attempt=replace(last, ended_at=now, outcome="interrupted") if last else None,
            not_before=max(now, settled_at),
        )
