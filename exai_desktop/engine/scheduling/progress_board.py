"""Progress of all files under way: who is how far, how fast, and when it will be over."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.events import EventBus, Progressed
from exai_desktop.core.jobs.jobs import Meter
from exai_desktop.core.machine import Clock

# A bar that moves five times a second reads as smooth; more only costs.
INTERVAL_S: Final = 0.2

# Below this a file is over before a bar could be seen.
SHOWN_FROM: Final = 256 * 1024


class ProgressBoard:
    """Called in the engine's loop only."""

    def __init__(self, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._meters: dict[int, Meter] = {}
        self._shown: dict[int, float] = {}

    def begin(self, job_id: int, total: int) -> None:
        """A new phase or attempt of a job: its bar starts again at nothing."""
        self._meters[job_id] = Meter(total, self._clock.monotonic())
        self._shown.pop(job_id, None)

    def advance(self, job_id: int, phase: str, done: int) -> None:
        meter = self._meters.get(job_id)
        if meter is None or meter.total < SHOWN_FROM:
            return
        now = self._clock.monotonic()
        meter.advance(done, now)
        if done < meter.total and now - self._shown.get(job_id, 0.0) < INTERVAL_S:
            return
        self._shown[job_id] = now
        self._bus.publish(
            Progressed(job_id, phase, meter.done, meter.total, meter.speed(now), meter.eta_s(now))
        )

    def end(self, job_id: int) -> None:
        self._meters.pop(job_id, None)
        self._shown.pop(job_id, None)

    def totals(self) -> tuple[int, float]:
        """Bytes done of all files under way, and their speeds added up (bytes a second)."""
        now = self._clock.monotonic()
        meters = self._meters.values()
        return sum(m.done for m in meters), sum(m.speed(now) for m in meters)
