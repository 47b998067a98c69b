"""The directory of a zip container, read within limits; nothing is ever unpacked to disk."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from exai_desktop.core.sniff.look import Bomb, Damage, Source

MAX_ENTRIES: Final = 10_000
MAX_TOTAL: Final = 1 << 30
MAX_RATIO: Final = 200
# Below this a high ratio is a row of empty cells or a blank picture; so much harms nobody.
RATIO_COUNTS_FROM: Final = 64 << 20

_MAX_DIRECTORY: Final = 6 << 20
_MAX_COMMENT: Final = 65_535
_UNKNOWN_16: Final = 0xFFFF
_UNKNOWN_32: Final = 0xFFFFFFFF

_END: Final = struct.Struct("<4s4H2IH")
_END_64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_64: Final = struct.Struct("<4sIQI")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL: Final = struct.Struct("<4s5H3I2H")
# Bytes of the name and the extra field of a member, as writers make them.
_USUAL_NAME: Final = 128


class Entry(NamedTuple):
    """`offset` is that of its local header in the file; `size` is what the directory claims."""

    name: str
    encrypted: bool
    method: int
    crc: int
    packed: int
    size: int
    offset: int


class Directory(NamedTuple):
    """`prefix`: bytes that stand before the archive and do not belong to it."""

    entries: tuple[Entry, ...]
    prefix: int
    source: Source


def read_directory(source: Source) -> Directory:
    """Raises `Damage` when it does not hold together, `Bomb` when it is out of proportion."""
    position, count, length, offset = _end(source)
    if count > MAX_ENTRIES:
        raise Bomb(f"it contains {count:,} files; the limit is {MAX_ENTRIES:,}")
    if length > _MAX_DIRECTORY:
        raise Bomb("its directory is too large")
    # Counted from the end: what was put in front moves everything by as much.
    start = position - length
    if start < offset:
        raise Damage("its directory is in the wrong place")
    raw = source.exactly(start, length)
    entries = _entries(raw, count, start - offset)
    return Directory(entries, start - offset, source)


def _end(source: Source) -> tuple[int, int, int, int]:
    """Where the directory ends, its number of entries, its length, its offset as written."""
    position = _find_end(source)
    _, disk, _, _, count, length, offset, _ = _END.unpack(source.exactly(position, _END.size))
    locator = source.at(position - _LOCATOR_64.size, _LOCATOR_64.size)
    if locator.startswith(b"PK\x06\x07") and len(locator) == _LOCATOR_64.size:
        place = position - _LOCATOR_64.size - _END_64.size
        record = source.at(place, _END_64.size)
        if not record.startswith(b"PK\x06\x06"):
            place = _LOCATOR_64.unpack(locator)[2]
            record = source.exactly(place, _END_64.size)
        if not record.startswith(b"PK\x06\x06"):
            raise Damage("its large directory is missing")
        count, length, offset = _END_64.unpack(record)[7:]
        return place, count, length, offset
    if disk not in (0, _UNKNOWN_16):
        raise Damage("it is one part of a split archive")
    return position, count, length, offset


def _find_end(source: Source) -> int:
    """The last end record whose comment fits into the file."""
    for size in (_END.size, _END.size + _MAX_COMMENT):
        tail = source.tail(size)
        place = tail.rfind(b"PK\x05\x06")
        while place >= 0:
            rest = len(tail) - place - _END.size
            if rest >= 0 and int.from_bytes(tail[place + 20 : place + 22], "little") <= rest:
                return source.size - len(tail) + place
            place = tail.rfind(b"PK\x05\x06", 0, place)
    raise Damage("its directory is missing: it is incomplete or damaged")


def _entries(raw: bytes, count: int, prefix: int) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    place = 0
    while place + _CENTRAL.size <= len(raw) and raw.startswith(b"PK\x01\x02", place):
        fields = _CENTRAL.unpack_from(raw, place)
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        name_at = place + _CENTRAL.size
        extra_at = name_at + fields[10]
        place = extra_at + fields[11] + fields[12]
        if place > len(raw):
            raise Damage("its directory is damaged")
        if len(entries) >= MAX_ENTRIES:
            raise Bomb(f"it contains more than {MAX_ENTRIES:,} files")
        encoding = "utf-8" if flags & 0x800 else "cp437"
        name = raw[name_at:extra_at].decode(encoding, "replace")
        wide = _wide(raw[extra_at : extra_at + fields[11]], size, packed, fields[16])
        size, packed, offset = wide
        entries.append(Entry(name, bool(flags & 1), method, crc, packed, size, offset + prefix))
    if len(entries) != count:
        raise Damage("its directory is damaged")
    return tuple(entries)


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The three numbers with those of the zip64 field where they did not fit into 32 bits."""
    numbers = [size, packed, offset]
    if _UNKNOWN_32 not in numbers:
        return size, packed, offset
    place = 0
    while place + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, place)
        place += 4
        if tag == 1:
            field = extra[place : place + length]
            for index, number in enumerate(numbers):
                if number == _UNKNOWN_32 and len(field) >= 8:
                    numbers[index], field = int.from_bytes(field[:8], "little"), field[8:]
            break
        place += length
    return numbers[0], numbers[1], numbers[2]


def weigh(entries: Sequence[Entry]) -> int:
    """The declared total in bytes. Raises `Bomb` by what the directory alone gives away."""
    total = sum(e.size for e in entries)
    packed = sum(e.packed for e in entries)
    if total > MAX_TOTAL:
        raise Bomb(f"it would unpack to {total:,} bytes")
    if total > RATIO_COUNTS_FROM and total > MAX_RATIO * max(packed, 1):
        raise Bomb(f"it would unpack to {total // max(packed, 1):,} times its size")
    end = 0
    for entry in sorted(entries, key=lambda e: e.offset):
        if entry.offset < end:
            raise Bomb("its files overlap")
        # The local name and extra field are left out: they only make the true end later.
        end = entry.offset + _LOCAL.size + entry.packed
        # Some writers deflate pictures badly: they grow by half. More is a lie about the size.
        if entry.packed > 2 * entry.size + 4096:
            raise Bomb("it states wrong sizes for its files")
    return total
