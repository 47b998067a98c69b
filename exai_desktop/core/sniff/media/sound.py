"""Sound, walked from part to part: WAV, MP3, AAC, FLAC, Ogg."""

from __future__ import annotations

import re
from typing import Final

from exai_desktop.core.sniff.look import Content, Source
from exai_desktop.core.sniff.media.walking import BROKEN, CUT, Walked, Window, is_name, walked

_MOST_PARTS: Final = 256

# Bits per second of MPEG layer III by its header's index, then samples per second.
_RATES_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLES: Final = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}
_LOOK: Final = 32 * 1024
_PLACES: Final = 8
_TWO_FRAMES: Final = 4096
_ENDS_EARLY: Final = "it ends within a frame: the end may be missing"
_LAST_LETTER: Final = 0x10FFFF
_LARGEST_PAGE: Final = 65_307
_TAIL: Final = 2 * _LARGEST_PAGE

# What programs write that do not know the length yet is from here on.
OPEN_LENGTH: Final = 0x7FFF0000


def is_open(length: int) -> bool:
    return not length or length >= OPEN_LENGTH


def wav(source: Source) -> Walked:
    window, place, has_format = Window(source, 1024), 12, False
    for _ in range(_MOST_PARTS):
        name, length = window.at(place, 4), window.number(place + 4, 4, "little")
        if not is_name(name):
            break
        if name == b"data":
            if not has_format:
                break
            is_cut = not is_open(length) and place + 8 + length > source.size + 1
            return Walked(CUT if is_cut else None)
        has_format = has_format or name == b"fmt "
        place += 8 + length + (length & 1)
    return Walked() if has_format else Walked(BROKEN)


def sound(source: Source) -> Content | None:
    """MP3 and AAC have frames but no signature: two frames in a row are asked for."""
    head = source.head
    if head.startswith(b"ID3") and len(head) > 10 and head[3] < 5 and max(head[6:10]) < 0x80:
        start = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
        if source.at(start, 4)[:4] == b"fLaC":
            return Content("flac", walked(source, flac).findings)
        if start >= source.size:
            return Content("mp3", Walked("it is shorter than its header says").findings)
        return Content("mp3", walked(source, lambda s: _frames(s, start)).findings)
    length = frame_length(head[:4])
    if length and frame_length(source.at(length, 4)):
        return Content("mp3", walked(source, lambda s: _frames(s, 0)).findings)
    if len(head) > 7 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        length = _aac_length(head)
        following = source.at(length, 2)
        if length > 7 and len(following) == 2 and following == head[:2]:
            return Content("aac")
    return None


def frame_length(header: bytes) -> int:
    """Bytes of the MPEG layer III frame that begins so, 0 if none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, rate, samples = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or samples == 3 or rate in (0, 15):
        return 0
    kilobits = (_RATES_1 if version == 3 else _RATES_2)[rate]
    scale = 144_000 if version == 3 else 72_000
    return scale * kilobits // _SAMPLES[version][samples] + (header[2] >> 1 & 1)


def _aac_length(header: bytes) -> int:
    return (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5


def _frames(source: Source, start: int) -> Walked:
    """Some frames in a row must be found somewhere behind the first ones.

    Players look for the next frame wherever one is broken, tags may stand in between, and the last
    frame is often cut: none of this is said of the file.
    """
    window = Window(source, _LOOK)
    room = source.size - start
    if room < 4 * _LOOK:
        places = [start + room // 8 * number for number in range(1, 7)]
    else:
        places = [start + room // (_PLACES + 1) * number for number in range(1, _PLACES + 1)]
    pieces = [window.at(place, min(_LOOK, room)) for place in [start, *places]]
    good = sum(_has_frames(piece) for piece in pieces[1:])
    if good:
        is_odd = 2 * good < len(places) or _is_cut(window, start, pieces[0])
        return Walked(odd=_ENDS_EARLY if is_odd else None)
    # A short one, or one with other frames than those of layer III.
    is_short = room < 8 * 1024 and _has_sync(pieces[0])
    return Walked() if is_short or all(_has_sync(piece) for piece in pieces) else Walked(BROKEN)


def _has_frames(piece: bytes) -> bool:
    """Two frames of one kind in a row, and the beginning of a third where there is room."""
    place = piece.find(b"\xff")
    while 0 <= place < len(piece) - 4:
        length = frame_length(piece[place : place + 4])
        behind = piece[place + length : place + length + 4]
        if length and _alike(piece[place : place + 4], behind):
            third = place + length + frame_length(behind)
            if third + 4 > len(piece) or _alike(behind, piece[third : third + 4]):
                return True
        place = piece.find(b"\xff", place + 1)
    return False


def _is_cut(window: Window, start: int, first: bytes) -> bool:
    """Its first frame says how long it is, or it ends within its last frame."""
    for mark in (b"Xing", b"Info"):
        place = first.find(mark, 0, 4096)
        if place >= 0 and first[place + 7] & 2:
            at = place + 8 + (4 if first[place + 7] & 1 else 0)
            said = int.from_bytes(first[at : at + 4], "big")
            return start + said > window.size + _TWO_FRAMES
    end = window.size
    tail = window.at(max(start, end - _LOOK), _LOOK)
    following = _first_frame(tail)
    while following is not None and following + 4 <= len(tail):
        length = frame_length(tail[following : following + 4])
        if not length:
            return False
        following += length
        if following > len(tail):
            return True
    return False


def _first_frame(piece: bytes) -> int | None:
    place = piece.find(b"\xff")
    while 0 <= place < len(piece) - 4:
        length = frame_length(piece[place : place + 4])
        second = place + length
        third = second + frame_length(piece[second : second + 4])
        if (
            length
            and _alike(piece[place : place + 4], piece[second : second + 4])
            and _alike(piece[place : place + 4], piece[third : third + 4])
        ):
            return place
        place = piece.find(b"\xff", place + 1)
    return None


def _alike(first: bytes, second: bytes) -> bool:
    """Version, layer and samples are the same in all frames."""
    if len(second) < 4 or not frame_length(second):
        return False
    return first[1] | 1 == second[1] | 1 and first[2] & 0x0C == second[2] & 0x0C


def _has_sync(piece: bytes) -> bool:
    """Frames of any layer, of any rate, or of AAC: two beginnings that are the same."""
    place = piece.find(b"\xff")
    while 0 <= place < len(piece) - 4:
        if piece[place + 1] & 0xE0 == 0xE0 and piece.count(piece[place : place + 3]) > 3:
            return True
        place = piece.find(b"\xff", place + 1)
    return False


def flac(source: Source) -> Walked:
    """Notes, then frames; the number of the last frame tells whether all are there."""
    window, place = Window(source, 1024), source.head.find(b"fLaC", 0, 16)
    if place < 0:
        return Walked()
    place += 4
    facts = window.at(place + 4, 34)
    for _ in range(_MOST_PARTS):
        head = window.at(place, 4)
        if len(head) < 4:
            return Walked(CUT)
        place += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            break
    first = window.at(place, 2)
    if place >= source.size:
        return Walked(CUT)
    if first[:1] != b"\xff" or first[1:] not in (b"\xf8", b"\xf9"):
        return Walked(BROKEN)
    block = int.from_bytes(facts[2:4], "big")
    total = int.from_bytes(facts[13:18], "big") & 0xFFFFFFFFF
    if first[1:] == b"\xf9" or not total or block != int.from_bytes(facts[:2], "big") or not block:
        return Walked()
    # Of frames of one length all are there when the last number is.
    largest = int.from_bytes(facts[7:10], "big") or 64 * 1024
    tail = source.second_look(4 * 1024 * 1024).tail(min(2 * largest + 128 * 1024, 3 * 1024 * 1024))
    last = (total - 1) // block
    if last > _LAST_LETTER:
        return Walked()
    # Numbers of frames are written as UTF-8 writes letters.
    coded = chr(last).encode("utf-8", "surrogatepass")
    numbered = re.compile(rb"\xff\xf8.." + re.escape(coded), re.DOTALL)
    return Walked() if numbered.search(tail) else Walked(CUT)


def ogg(source: Source) -> Walked:
    """Pages in a row at the beginning; at the end one that the file ends with."""
    window, place = Window(source), 0
    for _ in range(64):
        length = _page(window.at(place, 27 + 255))
        if length is None:
            if place >= source.size:
                return Walked(end=place)
            return Walked(BROKEN if place < source.size - 128 else None)
        place += length
        if place > source.size:
            return Walked(CUT)
    tail = source.second_look(_TAIL).tail(_TAIL)
    first = tail.find(b"OggS")
    if first < 0:
        return Walked(BROKEN)
    place = tail.rfind(b"OggS")
    while place >= 0:
        length = _page(tail[place : place + 282])
        if length is not None:
            # What was put behind it, a tag of old players for example, is not looked at.
            return Walked() if place + length <= len(tail) else Walked(CUT)
        place = tail.rfind(b"OggS", 0, place)
    return Walked(CUT)


def _page(head: bytes) -> int | None:
    """Bytes of a page, None where there is none; one whose head is cut is too long."""
    if head[:5] != b"OggS\0":
        return None
    if len(head) < 27 or len(head) < 27 + head[26]:
        return 1 << 62
    return 27 + head[26] + sum(head[27 : 27 + head[26]])
