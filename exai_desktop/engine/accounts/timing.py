"""When an upload may begin, how fast it leaves, and when something is tried again."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Final

from exai_desktop.core.accounts import delays
from exai_desktop.core.accounts.delays import SAMPLES, resend_delay, retry_delay, settle_s
from exai_desktop.core.machine import Clock

# So often may all bodies of an account be cut, one after the other, before nothing new is begun.
CUTS_ALLOWED: Final = 2
# How long a 429 is remembered.
LOWERED_S: Final = 600.0


class Limiter:
    """One account's. `per_minute` 0: no limit is known. All calls in the engine's loop."""

    def __init__(self, per_minute: int, clock: Clock, bytes_per_s: int = 0) -> None:
        self.bandwidth = Bandwidth(bytes_per_s, clock)
        self._per_minute = per_minute
        self._clock = clock
        # When the last uploads began, the oldest first, by the monotonic clock.
        self._begun: deque[float] = deque(maxlen=max(1, per_minute))
        self._lowered_until = 0.0
        # Who waits goes in the order of asking.
        self._turn = asyncio.Lock()
        self.waiting = 0

    @property
    def per_minute(self) -> int:
        """What holds now."""
        is_lowered = self._clock.monotonic() < self._lowered_until
        return max(1, self._per_minute * 2 // 3) if is_lowered else self._per_minute

    def limit(self, per_minute: int) -> None:
        """From now on; 0: no limit is known."""
        self._per_minute = per_minute
        self._begun = deque(self._begun, maxlen=max(1, per_minute))

    def lower(self) -> None:
        """The provider has throttled: a third less for ten minutes."""
        if self._per_minute:
            self._lowered_until = self._clock.monotonic() + LOWERED_S

    def wait_s(self, count: int = 1) -> float:
        """Seconds until the `count`-th next upload may begin, if all begin as soon as they may."""
        if not self._per_minute or not count:
            return 0.0
        return delays.wait_s(self._begun, self.per_minute, count, self._clock.monotonic())

    async def acquire(self) -> None:
        """Wait for the permission to begin one upload, and take it."""
        if not self._per_minute:
            return
        self.waiting += 1
        try:
            async with self._turn:
                while (left_s := self.wait_s()) > 0:
                    await self._clock.sleep(max(left_s, 0.001))
                self._begun.append(self._clock.monotonic())
        finally:
            self.waiting -= 1


# Five blocks a second keep progress alive; smaller ones than this only cost.
_BLOCKS_A_SECOND: Final = 5
_LEAST: Final = 16 * 1024


class Bandwidth:
    """Blocks leave one after the other, each when the ones before it have had their time.

    All calls in the engine's loop. Whoever is cancelled while waiting leaves its turn unused.
    """

    def __init__(self, bytes_per_s: int, clock: Clock) -> None:
        self._clock = clock
        self._rate = bytes_per_s
        self._free_at = 0.0

    def limit(self, bytes_per_s: int) -> None:
        """From now on; 0: no limit. The same as before changes nothing."""
        if bytes_per_s != self._rate:
            self._rate = bytes_per_s
            self._free_at = 0.0

    @property
    def block(self) -> int | None:
        """The largest block in bytes that keeps the flow even; None without a limit."""
        return max(_LEAST, self._rate // _BLOCKS_A_SECOND) if self._rate else None

    def reserve(self, size: int) -> float:
        """Take the turn for so many bytes; returns the seconds until it comes."""
        if not self._rate:
            return 0.0
        now = self._clock.monotonic()
        turn = max(self._free_at, now)
        self._free_at = turn + size / self._rate
        return turn - now


class Timing:
    """`chance` gives numbers in [0, 1); `least_settle_s` is the setting."""

    def __init__(self, clock: Clock, chance: Callable[[], float], least_settle_s: float) -> None:
        self.clock = clock
        self._chance = chance
        self._least = least_settle_s
        self._delays: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=SAMPLES))
        # Cuts in a row, and when the last one was.
        self._cuts: dict[str, tuple[int, float]] = {}

    def now(self) -> float:
        return self.clock.now()

    def retry_s(self, tries: int, retry_after: float | None = None) -> float:
        """Seconds to wait after failure number `tries` (1 = first)."""
        return retry_delay(tries, self._chance(), retry_after)

    def resend_s(self, tries: int) -> float:
        """Seconds to wait after a body was cut for the `tries`-th time (1 = first)."""
        return resend_delay(tries, self._chance())

    def cut(self, account: str, began_at: float) -> float:
        """A body that began then was cut. Returns for how long nothing new should begin there.

        Bodies under way together are cut together: they count once.
        """
        number, last_at = self._cuts.get(account, (0, float("-inf")))
        if began_at >= last_at:
            number += 1
        self._cuts[account] = (number, self.now())
        return self.retry_s(number - CUTS_ALLOWED) if number > CUTS_ALLOWED else 0.0

    def answered(self, account: str) -> None:
        """A body got its answer: the line is not broken."""
        self._cuts.pop(account, None)

    def learn(self, account: str, delays: Iterable[float]) -> None:
        """Seconds from a last block to its answer, or to when the list shows it was stored.

        The clock may have been set meanwhile: what cannot be is left out.
        """
        self._delays[account].extend(d for d in delays if 0 <= d < float("inf"))

    def settle_s(self, account: str | None) -> float:
        """Seconds until the provider's list tells all: more where it was seen to be slow."""
        return settle_s(self._least, self._delays[account or ""])
