"""What the headers of an answer say: how long to wait, the rate limit, the server's time."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

# A longer Retry-After is cut to this.
MAX_RETRY_AFTER_S: Final = 24 * 3600.0
# A longer rate limit is cut to this: the limits count requests per minute.
MAX_RATE_LIMIT_S: Final = 120.0
_SECONDS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_RATE_LIMIT_PREFIXES: Final = ("x-ratelimit-", "ratelimit-")
_DURATION: Final = re.compile(r"(?:(\d+)m)?(?:(\d+(?:\.\d+)?)(ms|s)?)?")
# Larger numbers of seconds are a Unix time.
_UNIX_TIME_ABOVE: Final = 1e9
# Python's monotonic clock stops while a Linux machine or a Mac sleeps; these clocks do not.
_CLOCK_NAMES: Final = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
_CLOCK: Final[int | None] = getattr(time, _CLOCK_NAMES.get(sys.platform, ""), None)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait, 0 to 24 h; `now` in Unix seconds. None when `value` is no waiting time."""
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_AFTER_S)
    if not text or not text.isascii() or text[0] in "+-0123456789":
        return None
    until = parse_date(text)
    return None if until is None else min(max(until - now, 0.0), MAX_RETRY_AFTER_S)


def parse_date(text: str) -> float | None:
    """An HTTP date in Unix seconds; None when `text` is no date."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def rate_limit_wait(headers: Mapping[str, str], now: float) -> float:
    """Seconds until the rate limit allows the next request; 0.0 when it allows one now.

    Reads a number of seconds, a Unix time, and durations such as `1m30s`.
    """
    for prefix in _RATE_LIMIT_PREFIXES:
        remaining = headers.get(f"{prefix}remaining", headers.get(f"{prefix}remaining-requests"))
        reset = headers.get(f"{prefix}reset", headers.get(f"{prefix}reset-requests", ""))
        if remaining is not None and remaining.strip() == "0":
            return _duration(reset.strip(), now)
    return 0.0


def _duration(text: str, now: float) -> float:
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return 0.0
    minutes, amount, unit = match.groups()
    seconds = 60.0 * int(minutes or 0) + float(amount or 0) / (1000 if unit == "ms" else 1)
    if unit is None and minutes is None and seconds > _UNIX_TIME_ABOVE:
        seconds -= now
    return min(max(seconds, 0.0), MAX_RATE_LIMIT_S)


def steady_time() -> float:
    """Seconds of a clock that nobody can set and that runs while the machine sleeps."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class ServerClock:
    """The server's time by its last answer. It stays right when somebody sets our own clock."""

    def __init__(self) -> None:
        self._ahead_of_steady: float | None = None

    def set(self, server_time: float) -> None:
        """An answer that has just arrived says: it is `server_time` (whole Unix seconds)."""
        self._ahead_of_steady = server_time - steady_time()

    @property
    def offset_s(self) -> float | None:
        """The server's clock minus ours, in seconds; None before the first answer."""
        if self._ahead_of_steady is None:
            return None
        return self._ahead_of_steady + steady_time() - time.time()
