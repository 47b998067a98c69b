"""What time it is at a server, by its last answer, whatever was done to our own clock since."""

from __future__ import annotations

import sys
import time
from typing import Final

# Python's own monotonic clock stands still while a Linux machine or a Mac sleeps; these do not.
_GOES_ON: Final = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
_CLOCK: Final[int | None] = getattr(time, _GOES_ON.get(sys.platform, ""), None)


def steady() -> float:
    """Seconds that nobody sets and that pass while the machine sleeps, too."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class ServerTime:
    def __init__(self) -> None:
        self._ahead_of_steady: float | None = None

    def tell(self, at: float) -> None:
        """The server has just said that it is `at` (Unix seconds, whole ones)."""
        self._ahead_of_steady = at - steady()

    @property
    def offset_s(self) -> float | None:
        """Its clock minus ours, as ours is now; None before its first word."""
        if self._ahead_of_steady is None:
            return None
        return self._ahead_of_steady + steady() - time.time()
