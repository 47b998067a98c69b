"""When something is tried again: after a failure, and when a provider's list tells all."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from exai_desktop.core.accounts.delays import SAMPLES, retry_delay, settle_s
from exai_desktop.core.machine import Clock


class Timing:
    """`chance` gives numbers in [0, 1); `least_settle_s` is the setting."""

    def __init__(self, clock: Clock, chance: Callable[[], float], least_settle_s: float) -> None:
        self.clock = clock
        self._chance = chance
        self._least = least_settle_s
        self._delays: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=SAMPLES))

    def now(self) -> float:
        return self.clock.now()

    def retry_s(self, tries: int, retry_after: float | None = None) -> float:
        """Seconds to wait after failure number `tries` (1 = first)."""
        return retry_delay(tries, self._chance(), retry_after)

    def learn(self, account: str, delays: Iterable[float]) -> None:
        """Seconds from a last block to its answer, or to when the list shows it was stored.

        The clock may have been set meanwhile: what cannot be is left out.
        """
        self._delays[account].extend(d for d in delays if 0 <= d < float("inf"))

    def settle_s(self, account: str | None) -> float:
        """Seconds until the provider's list tells all: more where it was seen to be slow."""
        return settle_s(self._least, self._delays[account or ""])
