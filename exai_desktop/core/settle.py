"""How long a lost answer is left alone, learnt from how long the provider takes to answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
