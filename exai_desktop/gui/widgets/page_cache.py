"""The rows of a long table as the window holds them: all are counted, few are in memory.

Plain Python, no Qt: the model asks it what to show and tells it what arrived. Nothing here takes
longer when the table is longer: only what is loaded is kept and walked through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

PAGE = 200
# Some 4 MB of rows; what is farther from the visible page is forgotten and read again.
MAX_LOADED = 4_000


class HasId(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=HasId)


class LoadedRows(Generic[Row]):
    """A list of known length whose rows come and go by pages."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._total = 0
        self._row_of: dict[int, int] = {}
        self._is_shifted = False

    def __len__(self) -> int:
        return self._total

    def at(self, row: int) -> Row | None:
        """What is in this row, None when it is not loaded."""
        return self._rows.get(row)

    def row_of(self, row_id: int) -> int | None:
        """Where a loaded one is shown."""
        self._index()
        return self._row_of.get(row_id)

    def loaded(self) -> int:
        """How many rows are in memory."""
        return len(self._rows)

    def nearest(self, row: int) -> tuple[int, int] | None:
        """The loaded row that is closest to this place: its place and its id."""
        if not self._rows:
            return None
        place = min(self._rows, key=lambda known: abs(known - row))
        return place, self._rows[place].id

    def reset(self, rows: Sequence[Row], total: int, offset: int = 0) -> None:
        """Start again with one page of a list of this length."""
        self._rows = {}
        self._total = total
        self.put_page(offset, rows)

    def resize(self, total: int) -> None:
        """Grow or shrink at the end."""
        if total < self._total:
            self._rows = {place: row for place, row in self._rows.items() if place < total}
            self._is_shifted = True
        self._total = total

    def insert(self, row: int, jobs: Sequence[Row]) -> None:
        """New jobs before `row`; beyond what fits into memory only their places."""
        room = max(0, MAX_LOADED - self.loaded())
        self._shift(row, len(jobs))
        self._rows.update(enumerate(jobs[:room], row))
        self._total += len(jobs)

    def remove(self, first: int, last: int) -> None:
        """Take out the rows `first` to `last`."""
        self._rows = {place: row for place, row in self._rows.items() if not first <= place <= last}
        self._shift(last + 1, first - last - 1)
        self._total -= last - first + 1

    def put_page(self, offset: int, jobs: Sequence[Row]) -> None:
        """What the database says about the rows from `offset` on."""
        end = min(offset + len(jobs), self._total)
        self._rows.update(enumerate(jobs[: max(0, end - offset)], offset))
        self._is_shifted = True
        self._evict(around=offset + len(jobs) // 2)

    def replace(self, jobs: Iterable[Row]) -> list[int]:
        """Newer views of jobs; returns the rows that changed, in order."""
        self._index()
        touched = []
        for job in jobs:
            row = self._row_of.get(job.id)
            if row is not None and self._rows[row] != job:
                self._rows[row] = job
                touched.append(row)
        return sorted(touched)

    def missing_page(self, row: int) -> int | None:
        """Offset of the page to read for this row; None when it is there."""
        if not 0 <= row < self._total or row in self._rows:
            return None
        return row // PAGE * PAGE

    def _shift(self, from_row: int, by: int) -> None:
        self._rows = {
            place + by if place >= from_row else place: row for place, row in self._rows.items()
        }
        self._is_shifted = True

    def _evict(self, around: int) -> None:
        if len(self._rows) <= MAX_LOADED:
            return
        first, last = around - MAX_LOADED // 4, around + MAX_LOADED // 4
        self._rows = {place: row for place, row in self._rows.items() if first <= place <= last}

    def _index(self) -> None:
        if self._is_shifted:
            self._row_of = {row.id: place for place, row in self._rows.items()}
            self._is_shifted = False


def spans(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring rows joined: `[1, 2, 3, 7]` → `[(1, 3), (7, 7)]`."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and row == found[-1][1] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found
