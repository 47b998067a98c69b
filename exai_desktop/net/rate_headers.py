"""What a provider tells of its limit in the headers of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# The longest wait that is believed: a limit of a minute is over after one.
MOST_S: Final = 120.0
_PREFIXES: Final = ("x-ratelimit-", "ratelimit-")
_SPANS: Final = re.compile(r"(?:(\d+)m)?(?:(\d+(?:\.\d+)?)(ms|s)?)?")


def wait_told(headers: Mapping[str, str], now: float) -> float:
    """Seconds until another request is welcome; 0.0 when one is, or nothing is told.

    Understood are a number of seconds, a moment in Unix time, and spans such as `1m30s`.
    """
    for prefix in _PREFIXES:
        remaining = headers.get(f"{prefix}remaining", headers.get(f"{prefix}remaining-requests"))
        reset = headers.get(f"{prefix}reset", headers.get(f"{prefix}reset-requests", ""))
        if remaining is not None and remaining.strip() == "0":
            return _seconds(reset.strip(), now)
    return 0.0


def _seconds(text: str, now: float) -> float:
    match = _SPANS.fullmatch(text)
    if match is None or not text:
        return 0.0
    minutes, amount, unit = match.groups()
    seconds = 60.0 * int(minutes or 0) + float(amount or 0) / (1000 if unit == "ms" else 1)
    if unit is None and minutes is None and seconds > 1e9:
        seconds -= now
    return min(max(seconds, 0.0), MOST_S)
