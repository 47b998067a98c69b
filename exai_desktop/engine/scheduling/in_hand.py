"""Jobs in hand: what is known of a job only while the engine works on it, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import EventBus, Progressed
from exai_desktop.core.jobs.jobs import Meter
from exai_desktop.core.machine import Clock

# Of so many jobs that stand in line the real path is remembered; an older one is looked up again.
REMEMBERED: Final = 10_000


class Intent(StrEnum):
    """Why a running job is being stopped."""

    CANCEL = "cancel"
    HOLD = "hold"
    QUIT = "quit"


@dataclass(slots=True)
class JobRun:
    """A job under way. `all_left`: its last block has left, only the answer is missing."""

    task: asyncio.Task[None]
    intent: Intent | None = None
    all_left: bool = False
    begun: bool = False

    def stop(self, intent: Intent) -> None:
        """Once: a second cancel would break off what the first one made it wait for."""
        is_first, self.intent = self.intent is None, self.intent or intent
        if self.begun and is_first:
            self.task.cancel()

    def begin(self) -> None:
        """First thing in the task: asyncio never runs a task that is cancelled before."""
        self.begun = True
        if self.intent is not None:
            self.task.cancel()


@dataclass(slots=True)
class JobInHand:
    """`refusals`: by account, what its provider said when it refused the file."""

    # How often the file has changed, or a question about it failed.
    unsettled: int = 0
    refusals: dict[str, AppError] = field(default_factory=dict)
    # Where the file really lies; None: not looked up.
    real_path: str | None = None


class JobsInHand:
    """All calls are made in the engine's loop."""

    def __init__(self) -> None:
        self._jobs: dict[int, JobInHand] = {}
        # Jobs whose real path is known, the oldest first.
        self._with_path: dict[int, None] = {}
        self._runs: dict[int, JobRun] = {}

    def of(self, job_id: int) -> JobInHand:
        """What is known of this job; a new entry if nothing is."""
        known = self._jobs.get(job_id)
        if known is None:
            known = self._jobs[job_id] = JobInHand()
        return known

    def remember_path(self, job_id: int, real_path: str) -> None:
        """Where its file really lies. Refusals and counts of other jobs are never forgotten."""
        self.of(job_id).real_path = real_path
        self._with_path[job_id] = None
        if len(self._with_path) > REMEMBERED:
            oldest = next(iter(self._with_path))
            del self._with_path[oldest]
            known = self._jobs[oldest]
            known.real_path = None
            if not known.refusals and not known.unsettled:
                del self._jobs[oldest]

    def find(self, job_id: int) -> JobInHand | None:
        """The same without a new entry."""
        return self._jobs.get(job_id)

    @property
    def runs(self) -> Mapping[int, JobRun]:
        """The jobs under way."""
        return MappingProxyType(self._runs)

    def begin(self, job_id: int, run: JobRun) -> None:
        self._runs[job_id] = run

    def end(self, job_id: int, run: JobRun) -> None:
        if self._runs.get(job_id) is run:
            del self._runs[job_id]

    def intent(self, job_id: int) -> Intent | None:
        """Why it is being stopped; None: it is not, or is not under way."""
        run = self._runs.get(job_id)
        return run.intent if run else None


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
