"""The rows of a long table as the window holds them: all are counted, few are in memory.

Plain Python, no Qt: the model asks it what to show and tells it what arrived.
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
        self._rows: list[Row | None] = []
        self._row_of: dict[int, int] = {}
        self._is_shifted = False

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, row: int) -> Row | None:
        """What is in this row, None when it is not loaded."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, row_id: int) -> int | None:
        """Where a loaded one is shown."""
        self._index()
        return self._row_of.get(row_id)

    def loaded(self) -> int:
        """How many rows are in memory."""
        self._index()
        return len(self._row_of)

    def reset(self, rows: Sequence[Row], total: int, offset: int = 0) -> None:
        """Start again with one page of a list of this length."""
        self._rows = [None] * total
        self.put_page(offset, rows)

    def resize(self, total: int) -> None:
        """Grow or shrink at the end."""
        if total < len(self._rows):
            del self._rows[total:]
        else:
            self._rows.extend([None] * (total - len(self._rows)))
        self._is_shifted = True

    def insert(self, row: int, jobs: Sequence[Row]) -> None:
        """New jobs before `row`; beyond what fits into memory only their places."""
        room = max(0, MAX_LOADED - self.loaded())
        kept: list[Row | None] = list(jobs[:room])
        self._rows[row:row] = kept + [None] * (len(jobs) - len(kept))
        self._is_shifted = True

    def remove(self, first: int, last: int) -> None:
        """Take out the rows `first` to `last`."""
        del self._rows[first : last + 1]
        self._is_shifted = True

    def put_page(self, offset: int, jobs: Sequence[Row]) -> None:
        """What the database says about the rows from `offset` on."""
        end = min(offset + len(jobs), len(self._rows))
        self._rows[offset:end] = jobs[: end - offset]
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
        if not 0 <= row < len(self._rows) or self._rows[row] is not None:
            return None
        return row // PAGE * PAGE

    def _evict(self, around: int) -> None:
        if self.loaded() <= MAX_LOADED:
            return
        first = max(0, around - MAX_LOADED // 4)
        last = around + MAX_LOADED // 4
        for row in self._row_of.values():
            if not first <= row <= last:
                self._rows[row] = None
        self._is_shifted = True

    def _index(self) -> None:
        # Only after rows moved: at 100,000 rows a pass takes some 2 ms.
        if self._is_shifted:
            self._row_of = {job.id: row for row, job in enumerate(self._rows) if job is not None}
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
