"""Taking up jobs that stand between two states: after a start, or after the database failed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AFTER_CRASH, JobQuery, JobState, JobView
from exai_desktop.core.jobs.store import JobStore, StaleJobError
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.scheduling.scheduler import Scheduler

S = JobState

INTERRUPTED: Final = "the program was interrupted"

# Files read from the record at once, and the pause after them: window and uploads go first.
AT_ONCE: Final = 500
BREATH_S: Final = 0.03

# These stand in a lane; what says that a file must not be sent stands in none.
_IN_LINE: Final = (S.QUEUED, S.WAITING)

Busy = Callable[[], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Restart:
    jobs: JobStore
    scheduler: Scheduler
    accounts: Accounts
    timing: Timing

    async def take_up(
        self,
        busy: Busy,
        confirm_again: Callable[[int], None],
        behind: Callable[[Coroutine[object, object, None]], None],
        *,
        is_start: bool,
    ) -> None:
        """Nothing that may have been stored is sent again; `busy` jobs are not touched.

        Whatever says what must not be sent is known when this returns. Of a long line only the
        first files are in their lanes then; `behind` is given the work that puts the others there.
        """
        for old, new in AFTER_CRASH.items():
            async for job in self._idle(busy, old):
                with contextlib.suppress(StaleJobError):
                    if new is S.UNCERTAIN:
                        await self._interrupted_sending(job)
                    else:
                        await self.scheduler.move(job, new, note=INTERRUPTED)
        # Later on the reconciler has its own list, and counts how often it has looked.
        wanted = [S.CONFIRMING, S.UNCERTAIN, S.NEEDS_REVIEW] if is_start else [S.CONFIRMING]
        async for job in self._idle(busy, *wanted):
            self.scheduler.place(job, announce=False)
            if job.state is S.CONFIRMING:
                confirm_again(job.id)
        line = [number for number, _ in await self.jobs.ids(_IN_LINE)]
        await self._line_up(line[:AT_ONCE], busy)
        if len(line) > AT_ONCE:
            behind(self._line_up_rest(line[AT_ONCE:], busy))

    async def _line_up_rest(self, numbers: Sequence[int], busy: Busy) -> None:
        for start in range(0, len(numbers), AT_ONCE):
            await self.timing.clock.sleep(BREATH_S)
            await self._line_up(numbers[start : start + AT_ONCE], busy)

    async def _line_up(self, numbers: Sequence[int], busy: Busy) -> None:
        for job in await self._read(numbers):
            # Since it was read, it may have been taken up in another way.
            if job.state not in _IN_LINE or job.id in busy() or self._is_in_line(job):
                continue
            if job.state is S.WAITING and self.accounts.lane(job.account or "") is None:
                # Routed to an account that has gone meanwhile: it is routed anew.
                with contextlib.suppress(StaleJobError):
                    await self.scheduler.move(job, S.QUEUED, note="its account was removed")
            else:
                self.scheduler.place(job, announce=False)

    async def _idle(self, busy: Busy, *wanted: JobState) -> AsyncIterator[JobView]:
        """Jobs in these states that no task is at. New work waits meanwhile, so none gets one."""
        taken = set(busy())
        numbers = [number for number, _ in await self.jobs.ids(wanted) if number not in taken]
        for start in range(0, len(numbers), AT_ONCE):
            for job in await self._read(numbers[start : start + AT_ONCE]):
                if job.state in wanted:
                    yield job

    async def _read(self, numbers: Sequence[int]) -> Sequence[JobView]:
        if not numbers:
            return ()
        query = JobQuery(ids=tuple(numbers), descending=False, limit=len(numbers))
        return (await self.jobs.page(query)).rows

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
