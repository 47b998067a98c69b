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
        self._late_ms: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        self._late_ms = []
        self._last = time.perf_counter()
        self._timer.start(round(BEAT_S * 1000))

    def stop(self) -> dict[str, float]:
        """Milliseconds late: the worst beat and the 99th percentile."""
        self._timer.stop()
        late = sorted(self._late_ms)
        return {"max": late[-1], "p99": late[int(len(late) * 0.99)], "beats": len(late)}

    def _beat(self) -> None:
        now = time.perf_counter()
        self._late_ms.append(max(0.0, now - self._last - BEAT_S) * 1000)
        self._last = now
