"""A timer in the window's thread that notes how late it comes."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer

BEAT_S: Final = 0.005


class Heartbeat(QObject):
    """Lateness is what a click would have waited beyond the beat itself."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        # Late by how much, and the processor time of this thread meanwhile.
        self._beats: list[tuple[float, float]] = []
        self._last = self._used = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self._beats = []
        self._last, self._used = time.perf_counter(), time.thread_time()
        self._timer.start(round(BEAT_S * 1000))

    def stop(self) -> dict[str, float]:
        """Milliseconds late: the worst beat with the window's own work in it, the 99th percentile.

        The rest of a stall is waiting: for the interpreter, or for a processor.
        """
        self._timer.stop()
        late = sorted(self._beats)
        worst, own = late[-1]
        return {"max": worst, "own": own, "p99": late[int(len(late) * 0.99)][0]}

    def _beat(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        late_ms = max(0.0, now - self._last - BEAT_S) * 1000
        self._beats.append((late_ms, (used - self._used) * 1000))
        self._last, self._used = now, used
