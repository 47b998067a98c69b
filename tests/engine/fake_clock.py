"""A clock that stands still until the test lets time pass."""

import asyncio
import heapq
import itertools
import math
from typing import Any

_NS = 1_000_000_000

# Wall-clock times near 2e9 are exact to some 0.2 µs only: who waits until one is not missed by it.
_TOLERANCE_NS = 1_000

# No chain of callbacks of ours is nearly as long; a task that never waits would go on for ever.
_MOST_ROUNDS = 10_000


class FakeClock:
    """Meets `core.machine.Clock`. Sleepers wake in the order of their times, then of their calls.

    `advance` waits for everything the event loop can do at each moment, but not for other threads:
    await what they do first, then let time pass.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._wall_start = now
        self._ns = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self._wall_start + self._ns / _NS

    def monotonic(self) -> float:
        return self._ns / _NS

    @property
    def sleeping(self) -> int:
        """How many calls of `sleep` have not come back."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Until `advance` has let that much time pass; 0 or less gives way once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        due = self._ns + math.ceil(seconds * _NS)
        heapq.heappush(self._sleepers, (due, next(self._numbers), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let time pass; who wakes on the way runs, and may sleep again, at its own moment."""
        if seconds < 0:
            raise ValueError("time does not go back; set_wall changes the wall clock")
        end = self._ns + round(seconds * _NS)
        await _rest()
        while self._sleepers and self._sleepers[0][0] <= end + _TOLERANCE_NS:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():  # its sleeper was cancelled
                continue
            self._ns = max(self._ns, due)
            future.set_result(None)
            await _rest()
        self._ns = max(self._ns, end)

    def set_wall(self, now: float) -> None:
        """What a user or a time server does to the wall clock; who sleeps is not touched."""
        self._wall_start = now - self._ns / _NS


async def _rest() -> None:
    """Until the loop has nothing left to do at this moment."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(_MOST_ROUNDS):
        if not loop._ready:
            return
        await asyncio.sleep(0)
    raise AssertionError("a task never waits: the loop does not come to rest")
