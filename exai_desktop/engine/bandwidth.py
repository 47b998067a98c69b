"""How fast bytes may leave: over all accounts, and for each account that has a limit."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.ports import Clock

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
