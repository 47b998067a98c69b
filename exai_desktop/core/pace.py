"""How long a limit of so many uploads a minute makes the next ones wait. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WINDOW_S: Final = 60.0


def wait_s(begun: Sequence[float], per_minute: int, count: int, now: float) -> float:
    """Seconds until the `count`-th next upload may begin, each as soon as it may.

    `begun`: when the last ones began, the oldest first, by the clock of `now`. `count` from 1.
    """
    window = [moment for moment in begun if now - moment < WINDOW_S][-per_minute:]
    starts: list[float] = []
    for _ in range(min(count, per_minute)):
        # The one that leaves the window for it; while there is room, nobody has to.
        must_leave = window[-per_minute] if len(window) >= per_minute else now - WINDOW_S
        starts.append(max(now, must_leave + WINDOW_S))
        window.append(starts[-1])
    # From there on everything repeats itself a window later.
    return starts[(count - 1) % per_minute] + (count - 1) // per_minute * WINDOW_S - now
