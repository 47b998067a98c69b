"""When to try again: exponential with full jitter, or as the provider asked."""

from __future__ import annotations

import math
from typing import Final

BASE_S: Final = 1.0
CAP_S: Final = 300.0
# A longer Retry-After is the provider's mistake or a daily limit: a day (and the tenth below)
# is the most we wait.
MAX_RETRY_AFTER_S: Final = 86_400.0


def delay(attempt: int, rand: float, retry_after: float | None = None) -> float:
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
