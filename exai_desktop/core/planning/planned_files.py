"""The files of a plan as a few numbers each: no object for a file. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple


class FileSum:
    """Of the files of one class in one place."""

    __slots__ = ("bytes", "files")

    def __init__(self) -> None:
        self.files = self.bytes = 0

    def add(self, files: int, size: int) -> None:
        self.files += files
        self.bytes += size


class FileRow(NamedTuple):
    number: int
    place: int
    of_class: int
    size: int


class PlannedFiles:
    """`sums`: by place and class. A path may hold surrogate escapes."""

    def __init__(self) -> None:
        self.sums: dict[tuple[int, int], FileSum] = {}
        self.last = ""
        self._paths = bytearray()
        self._ends = array("Q")
        self._sizes = array("q")
        self._places = array("i")
        self._classes = array("I")

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, path: str, size: int, place: int, of_class: int) -> None:
        self._paths += path.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._paths))
        self._sizes.append(size)
        self._places.append(place)
        self._classes.append(of_class)
        self._count(place, of_class, 1, size)
        self.last = path

    def rows(self) -> Iterator[FileRow]:
        """In the order in which they were added; each may be put elsewhere meanwhile."""
        for number, place in enumerate(self._places):
            yield FileRow(number, place, self._classes[number], self._sizes[number])

    def put(self, row: FileRow, place: int) -> None:
        """Elsewhere."""
        self._count(row.place, row.of_class, -1, -row.size)
        self._count(place, row.of_class, 1, row.size)
        self._places[row.number] = place

    def paths(self) -> Iterator[tuple[str, int, int]]:
        """Path, size and place of each."""
        start = 0
        for number, end in enumerate(self._ends):
            path = self._paths[start:end].decode("utf-8", "surrogatepass")
            start = end
            yield path, self._sizes[number], self._places[number]

    def filled(self) -> Iterator[tuple[int, int, FileSum]]:
        """Places and classes that have files."""
        for (place, of_class), found in self.sums.items():
            if found.files:
                yield place, of_class, found

    def _count(self, place: int, of_class: int, files: int, size: int) -> None:
        found = self.sums.get((place, of_class))
        if found is None:
            found = self.sums[place, of_class] = FileSum()
        found.add(files, size)
