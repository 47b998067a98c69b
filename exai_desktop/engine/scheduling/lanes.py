"""When new work may begin: lines of jobs, and the guard that holds them while the disk is full.

There is one line to prepare files and one for each account, so that no account waits for another.
All have one order, that of `core.jobs.line`, which the user can change. A job that comes back to
its line takes the place it had. A lane hands out job ids; it knows nothing of jobs. All calls are
made in the loop of the engine. While the disk is full or the database fails nothing new is begun;
what is under way is finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Awaitable, Callable, Set
from typing import Final, TypeVar

from exai_desktop.core.errors.codes import STORAGE, ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.jobs.line import LinePlaces
from exai_desktop.core.machine import Clock, Disk
from exai_desktop.engine.waiting import Wakeup

# So many entries that are passed over are not worth a look.
_SPARE: Final = 64


class Lane:
    """`slots` is how many jobs may be under way at once. `places` are those of all lanes."""

    def __init__(
        self, name: str, slots: int, clock: Clock, places: LinePlaces | None = None
    ) -> None:
        self.name = name
        self._clock = clock
        self.places = places or LinePlaces()
        # A job's ticket is its latest one: entries with an older ticket are passed over.
        self._tickets: dict[int, int] = {}
        # Heaps: by place in the line, and by the time until which a job waits.
        self._ready: list[tuple[float, int, int]] = []
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
        # None: everything in line may be handed out.
        self._only: frozenset[int] | None = None

    def __len__(self) -> int:
        return len(self._tickets)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._tickets

    def put(self, job_id: int, not_before: float | None = None) -> None:
        """Line up a job where its place is; `not_before` is wall-clock time."""
        ticket = self._new_ticket(job_id)
        if self._only is not None and job_id not in self._only:
            return
        delay = 0.0 if not_before is None else not_before - self._clock.now()
        if delay > 0:
            heapq.heappush(self._delayed, (self._clock.monotonic() + delay, ticket, job_id))
        else:
            self._make_ready(ticket, job_id)
        self._changed.set()

    def _new_ticket(self, job_id: int) -> int:
        self._next_ticket += 1
        self._tickets[job_id] = self._next_ticket
        return self._next_ticket

    def _make_ready(self, ticket: int, job_id: int) -> None:
        heapq.heappush(self._ready, (self.places.key(job_id), ticket, job_id))

    def moved(self, job_ids: Set[int]) -> None:
        """Their places are others now. Who waits for a time goes on waiting for it."""
        waiting = {job_id for _, ticket, job_id in self._delayed if self._is_valid(ticket, job_id)}
        for job_id in (self._tickets.keys() & job_ids) - waiting:
            if self._only is None or job_id in self._only:
                self._make_ready(self._new_ticket(job_id), job_id)
        # Entries of earlier places are few, however often somebody moves something.
        if len(self._ready) > 2 * len(self._tickets) + _SPARE:
            self._ready = [e for e in self._ready if self._is_valid(e[1], e[2])]
            heapq.heapify(self._ready)
        self._changed.set()

    def _is_valid(self, ticket: int, job_id: int) -> bool:
        return self._tickets.get(job_id) == ticket

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

    def hurry(self) -> None:
        """What it waited for is over: nobody in line waits for a time any more."""
        for _, ticket, job_id in self._delayed:
            self._make_ready(ticket, job_id)
        self._delayed.clear()
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

    def hand_out_only(self, job_ids: Set[int]) -> None:
        """From now on all others stay in line."""
        self._only = frozenset(job_ids)
        self._ready = sorted(entry for entry in self._ready if entry[2] in self._only)
        self._delayed = sorted(entry for entry in self._delayed if entry[2] in self._only)

    def is_due(self) -> bool:
        """Whether a job in line could be handed out now, or when a slot is free."""
        if self.paused or self._closed_s() > 0:
            return False
        return any(self._is_valid(ticket, job_id) for _, ticket, job_id in self._ready)

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
            self._make_ready(ticket, job_id)
        if self.paused or self.under_way >= self._most:
            return None, None
        closed_s = self._closed_s()
        if closed_s > 0:
            return None, closed_s
        narrow_s = self._narrow_until - now
        if narrow_s > 0 and self.under_way >= max(1, self._most * 2 // 3):
            return None, narrow_s
        while self._ready:
            _, ticket, job_id = heapq.heappop(self._ready)
            if self._is_valid(ticket, job_id):
                del self._tickets[job_id]
                return job_id, None
        return None, self._delayed[0][0] - now if self._delayed else None


log = logging.getLogger(__name__)

T = TypeVar("T")

# Of a small disk this share is enough.
LOW_SHARE: Final = 0.05
LOOK_EVERY_S: Final = 10.0


class DiskGuard:
    """`resume` settles what a failed write has left behind; it may raise `AppError` again.

    `announce` gets the problem, once while it lasts, and None when it is over.
    """

    def __init__(
        self,
        disk: Disk | None,
        clock: Clock,
        announce: Callable[[AppError | None], None],
        resume: Callable[[], Awaitable[None]],
        low_bytes: int,
    ) -> None:
        self._disk = disk
        self._clock = clock
        self._announce = announce
        self._resume = resume
        self._low = low_bytes
        self._problem: AppError | None = None
        self._failed = False
        # Since the last look somebody has asked whether new work may begin.
        self._is_asked = True
        self._looked_at = clock.monotonic()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def problem(self) -> AppError | None:
        return self._problem

    async def clear(self) -> None:
        """Wait until new work may begin. What was seen long ago is looked at again first."""
        self._is_asked = True
        if self._clock.monotonic() - self._looked_at > 2 * LOOK_EVERY_S:
            await self.look()
        await self._open.wait()

    def failed(self, error: AppError) -> bool:
        """Tell of a failure; whether it is one of the database, that new work must wait for."""
        if error.code not in STORAGE:
            return False
        self._failed = True
        self._close(error)
        return True

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make the call, once again each time the database works again after a failure.

        A disk that is only low has room for it: what was asked for is at least written down.
        """
        while True:
            if self._problem is None or self._problem.code is not ErrorCode.DISK_LOW:
                await self.clear()
            try:
                return await call()
            except EngineError as error:
                if not self.failed(error):
                    raise

    async def run(self) -> None:
        loop = asyncio.get_running_loop()

        def given_up() -> None:
            """In the database thread, which may outlive the loop."""
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._close, EngineError(ErrorCode.DISK_FULL))

        if self._disk is not None:
            self._disk.watch(given_up)
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            # Of a program that has nothing to do nobody wants to know.
            if self._is_asked or self._problem is not None or self._failed:
                self._is_asked = False
                await self.look()

    async def look(self) -> None:
        """One look: close or open the way for new work."""
        self._looked_at = self._clock.monotonic()
        problem = await asyncio.to_thread(self._find)
        if problem is not None:
            self._close(problem)
            return
        if self._failed:
            self._failed = False
            try:
                await self._resume()
            except AppError as error:
                self.failed(error)
                return
        if self._problem is not None and not self._failed:
            log.info("the database can be written again")
            self._problem = None
            self._open.set()
            self._announce(None)

    def _find(self) -> AppError | None:
        if self._disk is None:
            return None
        try:
            free = self._disk.free_bytes()
            low = min(self._low, int(self._disk.total_bytes() * LOW_SHARE))
        except OSError as error:
            return EngineError(
                ErrorCode.DATABASE_ERROR, f"the disk with the profile: {error.strerror}"
            )
        held = self._disk.is_held()
        # The reserved space comes first: without it the next full disk loses state.
        if free < low + (0 if held else self._disk.size):
            code = ErrorCode.DISK_LOW if held and not self._failed else ErrorCode.DISK_FULL
            wanted = f"{free // 1024**2:,} MiB free, {low // 1024**2:,} MiB are kept free"
            return EngineError(code, wanted)
        if not held and not self._disk.hold():
            return EngineError(ErrorCode.DISK_FULL, f"{free // 1024**2:,} MiB free")
        return None

    def _close(self, problem: AppError) -> None:
        self._open.clear()
        known = self._problem
        if known is None or known.code is not problem.code:
            log.warning("new work waits: %s", problem)
            self._problem = problem
            self._announce(problem)
