"""Request and concurrency limits of one account."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from exai_desktop.sandbox.settings import Limits

WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Throttle:
    """Why a request is refused, and after how many seconds it may come again."""

    cause: Literal["concurrency", "rpm"]
    limit: int
    wait_s: int


class AccountLimiter:
    """Counts requests in flight and in the last minute; refused ones count for neither."""

    def __init__(self) -> None:
        self._in_flight = 0
        self._starts: deque[float] = deque()

    @contextmanager
    def slot(self, limits: Limits) -> Iterator[Throttle | None]:
        """Hold a place while the request runs, or say why there is none."""
        throttle = self._refusal(limits, time.monotonic())
        if throttle is not None:
            yield throttle
            return
        self._in_flight += 1
        self._starts.append(time.monotonic())
        try:
            yield None
        finally:
            self._in_flight -= 1

    def clear(self) -> None:
        """Forget the last minute; requests in flight go on counting."""
        self._starts.clear()

    def _refusal(self, limits: Limits, now: float) -> Throttle | None:
        while self._starts and self._starts[0] <= now - WINDOW_S:
            self._starts.popleft()
        if limits.concurrency and self._in_flight >= limits.concurrency:
            return Throttle("concurrency", limits.concurrency, 1)
        if limits.rpm and len(self._starts) >= limits.rpm:
            frees_at = self._starts[-limits.rpm] + WINDOW_S
            return Throttle("rpm", limits.rpm, max(1, math.ceil(frees_at - now)))
        return None
