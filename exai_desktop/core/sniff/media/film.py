"""Film, walked from part to part: AVI, Flash video, MPEG streams, Windows Media."""

from __future__ import annotations

import re
from typing import Final

from exai_desktop.core.sniff.look import Source
from exai_desktop.core.sniff.media.sound import is_open
from exai_desktop.core.sniff.media.walking import BROKEN, CUT, Walked, Window, is_name

_PARTS: Final = 64
_TAGS: Final = 20_000
_FIRST_TAGS: Final = 50
_TAG_TYPES: Final = frozenset({8, 9, 18, 15})
_TAIL: Final = 256 * 1024
_SAMPLES: Final = 16
_PACK: Final = b"\0\0\1\xba"
_START_CODE: Final = re.compile(rb"\x00\x00\x01[\x00-\xb8]")
_PACKET: Final = 188
_FILE_FACTS: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_PACKET_MARK: Final = b"\x82"
_DATA_OBJECT: Final = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


def avi(source: Source) -> Walked:
    """A row of RIFF parts of which the first holds a header and the pictures."""
    window, place = Window(source, 4096), 12
    for _ in range(_PARTS):
        name, length = window.at(place, 4), window.number(place + 4, 4, "little")
        if not is_name(name):
            # Some writers leave out the filling behind an odd length.
            place -= 1
            name, length = window.at(place, 4), window.number(place + 4, 4, "little")
        if place + 8 > source.size:
            return Walked(CUT)
        if not is_name(name):
            return Walked(BROKEN)
        if name == b"LIST" and window.at(place + 8, 4) == b"movi":
            behind = place + 8 + length + (length & 1)
            if is_open(length):
                return _pictures(window, place + 12)
            if behind > source.size + 2:
                return Walked(CUT)
            # An index, filling, or the next part: whatever follows has a name.
            name = window.at(behind, 4)
            is_next = len(name) < 4 or is_name(name) or is_name(window.at(behind - 1, 4))
            return _pictures(window, place + 12) if is_next else Walked(BROKEN)
        place += 8 + length + (length & 1)
    return Walked()


def _pictures(window: Window, place: int) -> Walked:
    for _ in range(_PARTS):
        head = window.at(place, 8)
        if len(head) < 8:
            break
        if not is_name(head[:4]):
            if is_name(window.at(place - 1, 4)):
                place -= 1
                continue
            return Walked(BROKEN)
        length = int.from_bytes(head[4:], "little")
        is_list = head[:4] in (b"LIST", b"RIFF")
        place += 12 if is_list else 8 + length + (length & 1)
    return Walked()


def flash_video(source: Source) -> Walked:
    """Tags, each followed by its length: the last one tells whether all of it is there."""
    window = Window(source)
    start = max(9, window.number(5, 4)) + 4
    place, number = start, 0
    is_whole = _is_last_tag(window, start)
    while number < (_FIRST_TAGS if is_whole else _TAGS) and place < source.size:
        head = window.at(place, 11)
        if not head.strip(b"\0"):  # filling
            return Walked()
        if head[0] & 0x1F not in _TAG_TYPES:
            return Walked(BROKEN)
        place += 11 + int.from_bytes(head[1:4], "big") + 4
        number += 1
    # The length of the last tag may be left out.
    return Walked(CUT) if place > source.size + 4 or not number else Walked()


def _is_last_tag(window: Window, start: int) -> bool:
    length = window.number(window.size - 4, 4)
    place = window.size - 4 - length
    return place >= start and window.number(place + 1, 3) in (length - 11, length)


def program_stream(source: Source) -> Walked:
    """Packs and packets, from the beginning, and from a pack near the end to the end."""
    window = Window(source)
    if source.head.startswith(b"\0\0\1\xb3"):
        return _elementary(source)
    place, number = _packs(window, 0, _PARTS)
    if place is None or number < 2:
        return Walked(CUT if place is None and source.size < _TAIL else BROKEN)
    tail = Window(source, _TAIL)
    start = max(0, source.size - _TAIL)
    content = tail.at(start, _TAIL)
    within, has_pack = content.find(_PACK), False
    while within >= 0:
        place, number = _packs(tail, start + within, 1 << 20)
        has_pack = True
        if place is not None and number > 1 and place >= source.size:
            return Walked()
        if place is None and number > 3:
            return Walked(CUT)
        within = content.find(_PACK, within + 1)
    return Walked(CUT if has_pack else BROKEN)


def _packs(window: Window, place: int, most: int) -> tuple[int | None, int]:
    """Where a row of packets ends, and how many there were; None: within one, as the file ends."""
    for number in range(most):
        place = _behind_zeros(window, place)
        head = window.at(place, 14)
        if len(head) < 4 or not head.strip(b"\0\xff") or head.startswith(b"\0\0\1\xb9"):
            return window.size, number + 2
        if head[:3] != b"\0\0\1" or head[3] < 0xBA:
            return place, number
        length = _packet_length(head)
        if length is None:
            return window.size, number + 2
        place += length
        if place > window.size:
            return None, number
    return window.size, most


def _behind_zeros(window: Window, place: int) -> int:
    """Zeros may stand before each packet."""
    head = window.at(place, 64)
    zeros = len(head) - len(head.lstrip(b"\0"))
    return place + zeros - 2 if zeros > 2 and head[zeros : zeros + 1] == b"\1" else place


def _packet_length(head: bytes) -> int | None:
    """Of a pack's head or a packet; None where it is not said."""
    if head[3] == 0xBA:
        is_second = len(head) == 14 and head[4] & 0xC0 == 0x40
        return 14 + (head[13] & 7) if is_second else 12
    length = int.from_bytes(head[4:6], "big")
    return None if not length and head[3] & 0xF0 == 0xE0 else 6 + length


def _elementary(source: Source) -> Walked:
    """Pictures have a mark for each of their rows."""
    if b"\0\0\1\0" not in source.head and len(_START_CODE.findall(source.head)) < 2:
        return Walked(BROKEN)
    room = source.size // _SAMPLES
    look = source.second_look(_SAMPLES * _TAIL)
    pieces = (look.at(number * room, _TAIL) for number in range(1, _SAMPLES))
    if source.size > _TAIL and not any(_START_CODE.search(piece) for piece in pieces):
        return Walked(BROKEN)
    return Walked()


def transport_stream(source: Source) -> Walked:
    """Each packet begins with the same byte; recordings end within one now and then."""
    count = source.size // _PACKET
    look = source.second_look(1024 * 1024)
    step = max(1, count // 256)
    places = [number * _PACKET for number in range(0, count, step)]
    right = sum(look.at(place, 1) == b"\x47" for place in places)
    if 2 * right < len(places):
        return Walked(BROKEN)
    rest = source.tail(source.size % _PACKET)
    if rest[:1] == b"\x47" and right == len(places):
        return Walked(odd="it ends within a packet: the end may be missing")
    return Walked()


def windows_media(source: Source) -> Walked:
    window = Window(source, 4096)
    length = window.number(16, 8, "little")
    if length < 30 or length > source.size:
        return Walked(CUT)
    if window.at(length, 16) != _DATA_OBJECT:
        return Walked(CUT if length + 16 > source.size else BROKEN)
    data = window.number(length + 16, 8, "little")
    # A broadcast does not know how long it becomes.
    if data > 50 and length + data > source.size and data < 1 << 40:
        return Walked(CUT)
    return Walked() if _has_packets(window, source.head[:length], length + 50) else Walked(BROKEN)


def _has_packets(window: Window, head: bytes, place: int) -> bool:
    """Packets of one length, which mostly begin with the same byte."""
    facts = head.find(_FILE_FACTS)
    shortest, longest = (
        int.from_bytes(head[facts + at : facts + at + 4], "little") for at in (92, 96)
    )
    count = (window.size - place) // longest if facts >= 0 and longest else 0
    if shortest != longest or count < 8 or window.at(place, 1) != _PACKET_MARK:
        return True
    numbers = range(count // 8, count, max(1, count // 8))
    return any(window.at(place + number * longest, 1) == _PACKET_MARK for number in numbers)
