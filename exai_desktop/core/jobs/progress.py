"""Bytes of one transfer, or of all: done, speed, time left. Pure; time is passed in."""

from __future__ import annotations

from typing import Final

# Speed is an exponential average over about this long: steady enough to read, quick to follow.
WINDOW_S: Final = 3.0


class Meter:
    """`at` is monotonic seconds. A new attempt has a new meter."""

    def __init__(self, total: int, at: float) -> None:
        self.total = total
        self.done = 0
        self._at = at
        self._mark = 0
        self._speed: float | None = None

    def advance(self, done: int, at: float) -> None:
        """Set the bytes done so far; values that go back are ignored."""
        if done <= self.done:
            return
        self.done = done
        elapsed = at - self._at
        # Blocks can come within a microsecond of each other: wait for a measurable stretch.
        if elapsed < 0.05:
            return
        current = (done - self._mark) / elapsed
        weight = min(1.0, elapsed / WINDOW_S)
        self._speed = (
            current if self._speed is None else self._speed + weight * (current - self._speed)
        )
        self._at, self._mark = at, done

    def speed(self, at: float) -> float:
        """Bytes a second; fades to 0 when nothing moves."""
        if self._speed is None:
            return 0.0
        silent = max(0.0, at - self._at - 1.0)
        return self._speed / (1.0 + silent)

    def eta_s(self, at: float) -> float | None:
        """Seconds left, None when it cannot be said."""
        speed = self.speed(at)
        if speed < 1.0:
            return None
        return max(0.0, (self.total - self.done) / speed)
