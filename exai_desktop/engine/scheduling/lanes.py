"""Lines of jobs: one to prepare files, one for each account. Order is first in, first out.

A lane hands out job ids; it knows nothing of jobs. All calls are made in the engine's loop.
"""

from __future__ import annotations

import heapq
from collections import deque

from exai_desktop.core.machine import Clock
from exai_desktop.engine.waiting import Wakeup


class Lane:
    """`slots` is how many jobs may be under way at once."""

    def __init__(self, name: str, slots: int, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        # A job's ticket is its latest one: entries with an older ticket are passed over.
        self._tickets: dict[int, int] = {}
        self._ready: deque[tuple[int, int]] = deque()
        self._delayed: list[tuple[float, int, int]] = []
        self._next_ticket = 0
        self._most = slots
        self._narrow_until = 0.0
        # Jobs handed out and not given back.
        self.under_way = 0
        self._changed = Wakeup(clock)
        # By who closed it, in monotonic time.
        self._closed: dict[str, float] = {}
        self.paused = False

    def __len__(self) -> int:
        return len(self._tickets)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._tickets

    def put(self, job_id: int, not_before: float | None = None) -> None:
        """Line up a job; `not_before` is wall-clock time. A job in line takes its new place."""
        self._next_ticket += 1
        ticket = self._tickets[job_id] = self._next_ticket
        delay = 0.0 if not_before is None else not_before - self._clock.now()
        if delay > 0:
            heapq.heappush(self._delayed, (self._clock.monotonic() + delay, ticket, job_id))
        else:
            self._ready.append((ticket, job_id))
        self._changed.set()

    def drop(self, job_id: int) -> None:
        """Take a job out of the line; it is skipped when its turn comes."""
        self._tickets.pop(job_id, None)

    def close_until(self, until: float, by: str = "") -> None:
        """Hand nothing out before this wall-clock time: the whole account was told to wait.

        Who closes it (`by`) never shortens a wait of somebody else, nor their own.
        """
        moment = self._clock.monotonic() + until - self._clock.now()
        self._closed[by] = max(self._closed.get(by, 0.0), moment)
        self._changed.set()

    @property
    def closed_until(self) -> float | None:
        """Wall-clock time until which the lane is closed, None when it is open."""
        left = self._closed_s()
        return self._clock.now() + left if left > 0 else None

    def _closed_s(self) -> float:
        return max(self._closed.values(), default=0.0) - self._clock.monotonic()

    def open(self, by: str = "") -> None:
        """End the wait that this one asked for."""
        self._closed.pop(by, None)
        self._changed.set()

    def narrow(self, seconds: float) -> None:
        """A third fewer at once for a while: the provider found it too many."""
        self._narrow_until = self._clock.monotonic() + seconds

    def allow(self, slots: int) -> None:
        """So many may be under way from now on; what is under way is finished."""
        self._most = slots
        self._changed.set()

    def pause(self, paused: bool) -> None:
        self.paused = paused
        self._changed.set()

    async def take(self) -> int:
        """Wait for a free slot and the next job. Give the slot back with `release`."""
        while True:
            self._changed.clear()
            job_id, wait_s = self._next()
            if job_id is not None:
                self.under_way += 1
                return job_id
            await self._changed.wait(wait_s)

    def release(self) -> None:
        self.under_way -= 1
        self._changed.set()

    def _next(self) -> tuple[int | None, float | None]:
        """The next job, or how many seconds until there may be one (None: not by time)."""
        now = self._clock.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            _, ticket, job_id = heapq.heappop(self._delayed)
            self._ready.append((ticket, job_id))
        if self.paused or self.under_way >= self._most:
            return None, None
        closed_s = self._closed_s()
        if closed_s > 0:
            return None, closed_s
        narrow_s = self._narrow_until - now
        if narrow_s > 0 and self.under_way >= max(1, self._most * 2 // 3):
            return None, narrow_s
        while self._ready:
            ticket, job_id = self._ready.popleft()
            if self._tickets.get(job_id) == ticket:
                del self._tickets[job_id]
                return job_id, None
        return None, self._delayed[0][0] - now if self._delayed else None
