"""Uncertain jobs in the order in which the provider's list is due to be asked for them."""

from __future__ import annotations

import heapq
from collections import Counter

from exai_desktop.core.jobs.jobs import JobView
from exai_desktop.core.machine import Clock
from exai_desktop.engine.waiting import Wakeup


class UncertainJobs:
    """A job has one place in line, its latest: two looks must be a settle time apart.

    The scheduler adds, the reconciler takes; both in the engine's loop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int]] = []
        self._when: dict[int, float] = {}
        self._changed = Wakeup(clock)
        # How often the list was looked at for each, since it became uncertain.
        self._looks: Counter[int] = Counter()

    def add(self, job: JobView) -> None:
        """`not_before` of the job is when its settle time is over."""
        now = self._clock.now()
        due = job.not_before or now
        self._looks.pop(job.id, None)
        # A clock set back meanwhile makes no wait longer than it was meant.
        self.again(job.id, max(0.0, min(due - now, due - job.updated_at)))

    def again(self, job_id: int, delay_s: float) -> None:
        """Ask in so many seconds."""
        self._ask_at(job_id, self._clock.monotonic() + delay_s)

    def together(self, job_id: int, least_s: float) -> None:
        """Ask at the same moment as all others that may be the owner of the same file.

        Each by itself would find the other one in progress, for ever. `least_s` is above 0.
        """
        now, step = self._clock.monotonic(), 2 * least_s
        when = (now // step + 1) * step
        self._ask_at(job_id, when if when - now >= least_s else when + step)

    def _ask_at(self, job_id: int, when: float) -> None:
        self._when[job_id] = when
        heapq.heappush(self._due, (when, job_id))
        self._changed.set()

    def looked(self, job_id: int) -> int:
        """The list was looked at, and it is not there; how often by now."""
        self._looks[job_id] += 1
        return self._looks[job_id]

    def settled(self, job_id: int) -> None:
        """It is not looked for any more."""
        self._looks.pop(job_id, None)

    async def due(self, gather_s: float = 0.0) -> set[int]:
        """Wait until some are due; these are taken out.

        Those that are due within `gather_s` of the first are waited for: one list serves them all.
        """
        while True:
            self._changed.clear()
            ids = self._take() if self._is_gathered(gather_s) else set()
            if ids:
                return ids
            wait_s = self._next_at(gather_s) - self._clock.monotonic() if self._when else None
            await self._changed.wait(None if wait_s is None else max(0.0, wait_s))

    def _next_at(self, gather_s: float) -> float:
        """When the last of those is due that are looked for together next."""
        first = min(self._when.values())
        return max(when for when in self._when.values() if when <= first + gather_s)

    def _is_gathered(self, gather_s: float) -> bool:
        return bool(self._when) and self._next_at(gather_s) <= self._clock.monotonic()

    def _take(self) -> set[int]:
        now = self._clock.monotonic()
        ids: set[int] = set()
        while self._due and self._due[0][0] <= now:
            when, job_id = heapq.heappop(self._due)
            if self._when.get(job_id) == when:
                del self._when[job_id]
                ids.add(job_id)
        return ids
