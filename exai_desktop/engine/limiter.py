"""So many uploads a minute, as an account's tier allows, and fewer for a while after a 429."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from pyrate_limiter import InMemoryBucket, Rate, RateItem

from exai_desktop.core import pace
from exai_desktop.core.ports import Clock
from exai_desktop.engine.bandwidth import Bandwidth

# How long a 429 is remembered.
LOWERED_S: Final = 600.0

_INTERVAL_MS: Final = round(pace.WINDOW_S * 1000)


class Limiter:
    """One account's. `per_minute` 0: no limit is known. All calls in the engine's loop."""

    def __init__(self, per_minute: int, clock: Clock, bytes_per_s: int = 0) -> None:
        self.bandwidth = Bandwidth(bytes_per_s, clock)
        self._per_minute = per_minute
        self._clock = clock
        self._bucket = InMemoryBucket([Rate(max(1, per_minute), _INTERVAL_MS)])
        self._lowered_until = 0.0
        # Who waits goes in the order of asking.
        self._turn = asyncio.Lock()
        self.waiting = 0

    @property
    def per_minute(self) -> int:
        """What holds now."""
        is_lowered = self._clock.monotonic() < self._lowered_until
        return max(1, self._per_minute * 2 // 3) if is_lowered else self._per_minute

    def lower(self) -> None:
        """The provider has throttled: a third less for ten minutes."""
        if self._per_minute:
            self._lowered_until = self._clock.monotonic() + LOWERED_S

    def wait_s(self, count: int = 1) -> float:
        """Seconds until the `count`-th next upload may begin, if all begin as soon as they may."""
        if not self._per_minute or not count:
            return 0.0
        begun = [item.timestamp / 1000 for item in self._bucket.items]
        return pace.wait_s(begun, self.per_minute, count, self._clock.monotonic())

    async def acquire(self) -> None:
        """Wait for the permission to begin one upload, and take it."""
        if not self._per_minute:
            return
        self.waiting += 1
        try:
            async with self._turn:
                while (left_s := self.wait_s()) > 0 or not self._take():
                    await self._clock.sleep(max(left_s, 0.001))
        finally:
            self.waiting -= 1

    def _take(self) -> bool:
        # Upwards: a moment cut to milliseconds would lie before the truth, and let one too many in.
        now_ms = math.ceil(self._clock.monotonic() * 1000)
        self._bucket.leak(now_ms)
        return self._bucket.put(RateItem("upload", now_ms))
