"""The directory of an OLE compound file (Office 97 and its relatives), read within limits."""

from __future__ import annotations

import copy
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from exai_desktop.core.sniff.look import Damage, Source

MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
STORAGE: Final = 1
STREAM: Final = 2
_ROOT: Final = 5

_MAX_ENTRIES: Final = 8_192
_MAX_TABLE_SECTORS: Final = 2_048
_END_OF_CHAIN: Final = 0xFFFFFFFE
_LAST_SECTOR: Final = 0xFFFFFFFA
_NOBODY: Final = 0xFFFFFFFF
_HEADER_SECTORS: Final = 109
_ENTRY: Final = struct.Struct("<64sHBBIII16s20sIQ")
_MINI_SHIFT: Final = 6
_LONGEST_RUN: Final = 512


class OleEntry(NamedTuple):
    name: str
    type: int
    left: int
    right: int
    child: int
    clsid: bytes
    start: int
    size: int


class CompoundFile:
    """Raises `Damage` whenever a chain leaves the file or runs in a circle."""

    def __init__(self, source: Source) -> None:
        header = source.exactly(0, 512)
        version, _, shift, mini_shift = struct.unpack_from("<4H", header, 26)
        if (version, shift) not in ((3, 9), (4, 12)) or mini_shift != _MINI_SHIFT:
            raise Damage("its header is damaged")
        self._source = source
        self._shift = shift
        self._size = 1 << shift
        self._tables = self._table_sectors(header)
        self._table_cache: dict[int, bytes] = {}
        first_directory = int.from_bytes(header[48:52], "little")
        self._cutoff, self._first_mini = struct.unpack_from("<II", header, 56)
        self._mini_table: bytes | None = None
        self._mini_stream: list[int] | None = None
        self.entries = self._read_entries(first_directory)

    @property
    def root(self) -> OleEntry:
        return self.entries[0]

    def children(self) -> dict[str, OleEntry]:
        """The entries right below the root, by lower-case name."""
        found: dict[str, OleEntry] = {}
        todo, seen = [self.root.child], set()
        while todo:
            number = todo.pop()
            if number == _NOBODY:
                continue
            if number in seen or number >= len(self.entries):
                raise Damage("its directory contains a loop")
            seen.add(number)
            entry = self.entries[number]
            found.setdefault(entry.name.lower(), entry)
            todo += [entry.left, entry.right]
        return found

    def read(self, entry: OleEntry, limit: int) -> bytes:
        """The first `limit` bytes of a stream."""
        wanted = min(entry.size, limit)
        if entry.size < self._cutoff:
            return b"".join(self._mini_pieces(entry.start, wanted))[:wanted]
        pieces, left = [], wanted
        for first, count in self._runs(entry.start, -(-wanted // self._size)):
            piece = self._source.at((first + 1) << self._shift, min(count * self._size, left))
            if not piece:
                raise Damage("it is incomplete")
            pieces.append(piece)
            left -= count * self._size
        return b"".join(pieces)[:wanted]

    def second_look(self, budget: int) -> CompoundFile:
        """The same file with an allowance of its own, see `Source.second_look`."""
        other = copy.copy(self)
        other._source = self._source.second_look(budget)  # noqa: SLF001 - of its own class
        other._table_cache = dict(self._table_cache)  # noqa: SLF001 - of its own class
        return other

    def _runs(self, sector: int, most: int) -> Iterator[tuple[int, int]]:
        """Sectors that follow each other in the file are read at once."""
        first, count, left = sector, 0, most
        for number in self._chain(sector):
            if left <= 0:
                break
            if count and (number != first + count or count >= _LONGEST_RUN):
                yield first, count
                first, count = number, 0
            if not count:
                first = number
            count += 1
            left -= 1
        if count:
            yield first, count

    def _sector(self, number: int) -> bytes:
        # The file may end within its last sector.
        content = self._source.at((number + 1) << self._shift, self._size)
        if not content:
            raise Damage("it is incomplete")
        return content

    def _table_sectors(self, header: bytes) -> list[int]:
        """Where the parts of the allocation table are: 109 in the header, the rest in a chain."""
        count, following = struct.unpack_from("<I", header, 44)[0], header[68:72]
        if count > _MAX_TABLE_SECTORS:
            raise Damage("its structure is too large to be checked")
        sectors = list(struct.unpack_from(f"<{_HEADER_SECTORS}I", header, 76))
        place, per_sector = int.from_bytes(following, "little"), self._size // 4
        while len(sectors) < count and place < _LAST_SECTOR:
            numbers = struct.unpack(f"<{per_sector}I", self._full(place))
            sectors += numbers[:-1]
            place = numbers[-1]
        return sectors[:count]

    def _full(self, number: int) -> bytes:
        content = self._sector(number)
        if len(content) != self._size:
            raise Damage("it is incomplete")
        return content

    def _next(self, sector: int) -> int:
        per_sector = self._size // 4
        index, place = divmod(sector, per_sector)
        if index >= len(self._tables):
            raise Damage("it is incomplete")
        if index not in self._table_cache:
            self._table_cache[index] = self._full(self._tables[index])
        return int.from_bytes(self._table_cache[index][4 * place : 4 * place + 4], "little")

    def _chain(self, sector: int) -> Iterator[int]:
        """The sectors of a stream; it cannot have more than the file has."""
        left = (self._source.size >> self._shift) + 1
        while sector < _LAST_SECTOR:
            if left == 0:
                raise Damage("its structure contains a loop")
            left -= 1
            yield sector
            sector = self._next(sector)
        if sector != _END_OF_CHAIN:
            raise Damage("its structure is damaged")

    def _read_entries(self, first: int) -> list[OleEntry]:
        entries: list[OleEntry] = []
        for sector in self._chain(first):
            raw = self._sector(sector)
            for place in range(0, len(raw) - _ENTRY.size + 1, _ENTRY.size):
                entries.append(_entry(raw, place))
            if len(entries) > _MAX_ENTRIES:
                raise Damage("its structure is too large to be checked")
        if not entries or entries[0].type != _ROOT:
            raise Damage("its directory is missing")
        return entries

    def _mini_pieces(self, sector: int, wanted: int) -> Iterator[bytes]:
        """Small streams share the root's stream, in pieces of 64 bytes with their own table."""
        per_sector = self._size >> _MINI_SHIFT
        if self._mini_stream is None:
            self._mini_stream = list(self._chain(self.root.start))
            tables = (self._sector(s) for s in self._chain(self._first_mini))
            self._mini_table = b"".join(tables)
        table = self._mini_table or b""
        while wanted > 0 and sector < _LAST_SECTOR:
            index, place = divmod(sector, per_sector)
            if index >= len(self._mini_stream) or 4 * sector + 4 > len(table):
                raise Damage("its structure is damaged")
            piece = self._sector(self._mini_stream[index])[64 * place : 64 * place + 64]
            if not piece:
                raise Damage("it is incomplete")
            yield piece
            wanted -= len(piece)
            sector = int.from_bytes(table[4 * sector : 4 * sector + 4], "little")


def _entry(raw: bytes, place: int) -> OleEntry:
    fields = _ENTRY.unpack_from(raw, place)
    length = max(0, min(fields[1], 64) - 2)
    name = fields[0][:length].decode("utf-16-le", "replace")
    # Version 3 writers leave rubbish in the upper half of the size.
    size = fields[10] & 0xFFFFFFFF
    return OleEntry(name, fields[2], fields[4], fields[5], fields[6], fields[7], fields[9], size)
