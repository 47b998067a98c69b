"""How long to wait: before the next attempt, for an account's rate limit, for a provider's list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

BASE_S: Final = 1.0
CAP_S: Final = 300.0
# A longer Retry-After is the provider's mistake or a daily limit: a day (and the tenth below)
# is the most we wait.
MAX_RETRY_AFTER_S: Final = 86_400.0


def retry_delay(attempt: int, rand: float, retry_after: float | None = None) -> float:
    """Seconds to wait after failed attempt `attempt` (1 = first). `rand` is in [0, 1).

    With `retry_after` the wait is at least that long, plus up to a tenth so that a team of
    machines does not come back in one moment.
    """
    if retry_after is not None and math.isfinite(retry_after) and retry_after >= 0:
        asked = min(retry_after, MAX_RETRY_AFTER_S) * (1 + 0.1 * rand)
        # "At once" is not meant: a moment is the least.
        return asked or BASE_S / 2
    ceiling = min(CAP_S, BASE_S * 2.0 ** min(attempt, 20))
    # Half of it fixed: a wait of nearly nothing would only hammer a provider that is down.
    return ceiling / 2 + ceiling / 2 * rand


# A body that was cut goes again so soon, for so many times in a row; after that as any other.
QUICK_S: Final = 0.2
QUICK_RESENDS: Final = 4


def resend_delay(attempt: int, rand: float) -> float:
    """Seconds to wait after attempt number `attempt` (1 = first) was cut. `rand` is in [0, 1)."""
    if attempt > QUICK_RESENDS:
        return retry_delay(attempt - QUICK_RESENDS, rand)
    ceiling = QUICK_S * 2.0 ** (attempt - 1)
    return ceiling / 2 + ceiling / 2 * rand


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


# A file may be stored later than any answer so far: three times the slowest of a hundred.
FACTOR: Final = 3.0
LONGEST_S: Final = 600.0
SAMPLES: Final = 200


def settle_s(least: float, delays: Sequence[float]) -> float:
    """Seconds to wait: `least` is the setting, `delays` those from last byte to answer."""
    if not delays:
        return least
    slowest = sorted(delays)[(len(delays) * 99 - 1) // 100]
    return max(least, min(LONGEST_S, FACTOR * slowest))
