"""Pictures, walked from part to part: is all there, and where does it end?"""

from __future__ import annotations

import re
import zlib
from typing import Final

from exai_desktop.core.sniff.look import Source
from exai_desktop.core.sniff.media.walking import BROKEN, CUT, Walked, Window, is_name

_MOST_PARTS: Final = 200_000
_PIECE: Final = 256 * 1024

_END_OF_JPEG: Final = 0xD9
_SCAN: Final = 0xDA
_FRAMES: Final = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_ALONE: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD8), 0xFF})
_NO_MARKERS: Final = frozenset({*range(0x02, 0xC0), 0xD8})
_NEXT: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
# JPEG-LS has other rules for what a marker is within the picture.
_NEXT_LOSSLESS: Final = re.compile(rb"\xff+[\x80-\xfe]")
_LOSSLESS: Final = 0xF7
_STRAY: Final = 4096

_LARGEST_CODE: Final = 12


def png(source: Source) -> Walked:
    window, place = Window(source), 8
    for number in range(_MOST_PARTS):
        head = window.at(place, 8)
        if len(head) < 8:
            return Walked(CUT)
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if not name.isalpha() or (not number and name not in (b"IHDR", b"CgBI")):
            return Walked(BROKEN)
        if place + 12 + length > source.size:
            return Walked(CUT)
        # Readers pass over parts that are not needed, whatever their sums say.
        if name[:1].isupper() and _sum(window, place + 4, length + 4) != window.number(
            place + 8 + length, 4
        ):
            return Walked(BROKEN)
        place += 12 + length
        if name == b"IEND":
            return Walked(end=place)
    return Walked()


def _sum(window: Window, place: int, length: int) -> int:
    total = 0
    while length > 0:
        piece = window.at(place, min(length, _PIECE))
        total = zlib.crc32(piece, total)
        place += len(piece)
        length -= len(piece)
        if not piece:
            break
    return total


def jpeg(source: Source) -> Walked:
    window, place, frame = Window(source), 2, 0
    for _ in range(_MOST_PARTS):
        head = window.at(place, 4)
        if len(head) < 2:
            return Walked(CUT)
        marker = head[1]
        if head[0] != 0xFF:
            # Decoders pass over some bytes between two segments.
            stray = window.at(place, _STRAY).find(b"\xff")
            if stray < 0:
                return Walked(BROKEN)
            place += stray
        elif marker == _END_OF_JPEG:
            return Walked(end=place + 2) if frame else Walked(BROKEN)
        elif marker in _ALONE:
            place += 1 if marker == 0xFF else 2
        elif marker in _NO_MARKERS or int.from_bytes(head[2:], "big") < 2:
            return Walked(BROKEN if len(head) == 4 else CUT)
        else:
            frame = marker if marker in _FRAMES else frame
            place += 2 + int.from_bytes(head[2:], "big")
            if marker == _SCAN:
                if not frame:
                    return Walked(BROKEN)
                place = _behind_scan(window, place, is_lossless=frame == _LOSSLESS)
    return Walked()


def _behind_scan(window: Window, place: int, *, is_lossless: bool) -> int:
    """Where the next marker stands, or the end of the file."""
    pattern = _NEXT_LOSSLESS if is_lossless else _NEXT
    while place < window.size:
        piece = window.at(place, _PIECE)
        found = pattern.search(piece)
        if found:
            return place + found.end() - 2
        # The last byte may be the first of a marker.
        place += max(1, len(piece) - 1)
    return window.size


def gif(source: Source) -> Walked:
    window, frames = Window(source), 0
    place = 13 + _table(window.number(10, 1))
    for _ in range(_MOST_PARTS):
        head = window.at(place, 10)
        match head[:1]:
            case b"":
                # Some writers leave out the last byte.
                return Walked(end=source.size) if frames and place == source.size else Walked(CUT)
            case b";":
                return Walked(end=place + 1) if frames else Walked(BROKEN)
            case b"\0":
                place += 1
                continue
            case b"!":
                place += 2
            case b",":
                place += 10 + _table(head[9] if len(head) == 10 else 0) + 1
                if not 1 <= window.number(place - 1, 1) <= _LARGEST_CODE:
                    return Walked(CUT if place > source.size else BROKEN)
            case _:
                return Walked(BROKEN)
        place = _behind_blocks(window, place)
        if place > source.size:
            return Walked(CUT)
        frames += head[:1] == b","
    return Walked()


def _table(flags: int) -> int:
    """Bytes of the table of colours."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _behind_blocks(window: Window, place: int) -> int:
    """Behind the empty block that ends a row of blocks; past the file where there is none."""
    while True:
        piece = window.at(place, 16 * 1024)
        if not piece:
            return window.size + 1
        within = 0
        while within < len(piece):
            length = piece[within]
            within += 1 + length
            if not length:
                return place + within
        place += within


def bmp(source: Source) -> Walked:
    head = source.head
    offset, kind = (int.from_bytes(head[at : at + 4], "little") for at in (10, 14))
    if offset >= source.size:
        return Walked(CUT)
    if kind < 40:
        width, height, _, bits = (
            int.from_bytes(head[at : at + 2], "little") for at in (18, 20, 22, 24)
        )
        packed = stated = 0
    else:
        width, height = (
            int.from_bytes(head[at : at + 4], "little", signed=True) for at in (18, 22)
        )
        bits = int.from_bytes(head[28:30], "little")
        packed, stated = (int.from_bytes(head[at : at + 4], "little") for at in (30, 34))
    needed = offset + stated
    if packed in (0, 3, 6) and bits in (1, 2, 4, 8, 16, 24, 32) and width > 0:
        needed = offset + (width * bits + 31) // 32 * 4 * abs(height)
    # Some writers leave out the filling of the last row.
    return Walked(CUT) if needed > source.size + 4 else Walked(end=min(needed, source.size))


def webp(source: Source) -> Walked:
    window = Window(source)
    end = min(source.size, 8 + window.number(4, 4, "little"))
    place, has_picture = 12, False
    for _ in range(_MOST_PARTS):
        head = window.at(place, 18)
        if place + 8 > end or len(head) < 8:
            break
        name, length = head[:4], int.from_bytes(head[4:8], "little")
        if not is_name(name):
            return Walked(BROKEN)
        if (name == b"VP8L" and head[8:9] != b"\x2f") or (
            # Only the first frame of a picture stands alone.
            name == b"VP8 " and (head[8] & 1 or head[11:14] != b"\x9d\x01\x2a")
        ):
            return Walked(BROKEN)
        has_picture = has_picture or name in (b"VP8 ", b"VP8L", b"ANMF")
        place += 8 + length + (length & 1)
    return Walked(None if has_picture else BROKEN, end)
