"""The order in which files are sent: where a job stands in the line, and how it is moved there.

A job that nobody has moved stands where its number says: its place is the number times `GAP`. So a
job that is moved gets a place in a gap, and no other row of the record has to change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exai_desktop.core.jobs.jobs import JobState, JobView

S = JobState

# Between two jobs that were never moved. With it numbers of jobs may grow to 2**34.
GAP: Final = 2**24

# These stand in the line. What is being sent has left it, and what is finished, too.
IN_LINE: Final = frozenset({S.QUEUED, S.CHECKING, S.HASHING, S.WAITING})
# A paused job keeps its place: it can be moved before it goes on.
MOVABLE: Final = IN_LINE | {S.HELD}


class Spot(StrEnum):
    """Where to: the ends of the line, one step, or beside another job."""

    FIRST = "first"
    LAST = "last"
    UP = "up"
    DOWN = "down"
    BEFORE = "before"
    AFTER = "after"


BESIDE: Final = frozenset({Spot.BEFORE, Spot.AFTER})


@dataclass(frozen=True, slots=True)
class LinePlace:
    """`beside` is the other job, for *before* and *after* only."""

    spot: Spot
    beside: int | None = None

    def __post_init__(self) -> None:
        if (self.beside is not None) is not (self.spot in BESIDE):
            raise ValueError(f"{self.spot}: another job is named for before and after only")


@dataclass(frozen=True, slots=True)
class Reordered:
    """`jobs` were moved; `places` are all places that changed, those of neighbours that had to
    make room among them."""

    jobs: tuple[int, ...] = ()
    places: tuple[tuple[int, int], ...] = ()


def place_of(job: JobView) -> int:
    """Less is earlier. Of two with one place the lower number is earlier."""
    return job.id * GAP if job.place is None else job.place


def spread(low: int, high: int, count: int) -> list[int] | None:
    """So many places between the two, evenly; None: there is no room."""
    step = (high - low) // (count + 1)
    if step < 1:
        return None
    return [low + step * number for number in range(1, count + 1)]


def behind(low: int, high: int, count: int) -> list[int] | None:
    """So many places behind `low`, close to it: most of the room is kept for the next ones."""
    step = max(1, min(GAP // 2**12, (high - low) // (2 * (count + 1))))
    if low + step * count >= high:
        return None
    return [low + step * number for number in range(1, count + 1)]


def before(high: int, count: int) -> list[int]:
    """So many places at the front; there is always room."""
    return [high - GAP * number for number in range(count, 0, -1)]


class LinePlaces:
    """The places of jobs that were moved, for whoever puts jobs into lines. All others stand where
    their numbers say: nothing is kept of them."""

    def __init__(self) -> None:
        self._moved: dict[int, float] = {}

    def key(self, job_id: int) -> float:
        """Less is earlier. A number that is there already: it costs no memory."""
        return self._moved.get(job_id, job_id)

    def note(self, places: Iterable[tuple[int, int]]) -> None:
        """These were moved."""
        for job_id, place in places:
            self._moved[job_id] = place / GAP

    def see(self, job: JobView) -> None:
        """As the record has it: what has ended needs no place any more."""
        if job.state.is_final:
            self._moved.pop(job.id, None)
        elif job.place is not None:
            self._moved[job.id] = job.place / GAP
