"""Matroska and WebM: elements, each with its number and its length."""

from __future__ import annotations

import re
from typing import Final

from exai_desktop.core.sniff.look import Content, Source
from exai_desktop.core.sniff.media.walking import BROKEN, CUT, Walked, Window, walked

_MAX_ELEMENTS: Final = 8192
_SEGMENT: Final = 0x18538067
_CLUSTER: Final = 0x1F43B675
# What stands in a segment: lists of places, facts, tracks, clusters, cues, files, chapters, tags.
_IN_SEGMENT: Final = frozenset(
    {0x114D9B74, 0x1549A966, 0x1654AE6B, _CLUSTER, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367}
)
# And in a cluster: its time, blocks, groups of them, its place and the length of the one before.
_IN_CLUSTER: Final = frozenset({0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0xAF, 0x5854})
_ANYWHERE: Final = frozenset({0xEC, 0xBF})
_MOST_UNKNOWN: Final = 2
_MASTERS_OF_OTHERS: Final = frozenset({0x1A45DFA3, _SEGMENT})


def matroska(source: Source) -> Content | None:
    document = re.search(rb"\x42\x82[\x80-\x90](webm|matroska)", source.head[:4096])
    if document is None:
        return None
    kind = "webm" if document[1] == b"webm" else "mkv"
    return Content(kind, walked(source, elements).findings)


def elements(source: Source) -> Walked:
    window = Window(source, 4096)
    head = _element(window, 0)
    if head is None or head[1] is None:
        return Walked(BROKEN)
    place = head[2] + head[1]
    segment = _element(window, place)
    while segment is not None and segment[0] in _ANYWHERE and segment[1] is not None:
        place = segment[2] + segment[1]
        segment = _element(window, place)
    if segment is None or segment[0] != _SEGMENT:
        return Walked(CUT if place + 12 > source.size else BROKEN)
    _, length, place = segment
    if length is not None and place + length > source.size:
        return Walked(CUT)
    return _in_segment(window, place, source.size if length is None else place + length)


def _in_segment(window: Window, place: int, end: int) -> Walked:
    """Known elements one behind the other; a live one has clusters without a length."""
    is_in_cluster, seen, unknown = False, set[int](), 0
    for _ in range(_MAX_ELEMENTS):
        if place >= end:
            break
        found = _element(window, place)
        if found is None:
            return _no_element(window, place, has_clusters=_CLUSTER in seen)
        number, length, content = found
        if number in _MASTERS_OF_OTHERS:  # another recording is put behind
            return Walked()
        is_known = number in _IN_SEGMENT or number in _ANYWHERE
        if not is_known and not (is_in_cluster and number in _IN_CLUSTER):
            # Readers pass over what they do not know; in a row of such things nothing is known.
            unknown += 1
            if unknown > _MOST_UNKNOWN or not seen or length is None:
                return Walked(BROKEN)
        if number in _IN_SEGMENT:
            is_in_cluster = number == _CLUSTER and length is None
        seen.add(number)
        if length is None and number != _CLUSTER:
            return Walked(BROKEN)
        place = content + (length or 0)
        if place > window.size:
            return Walked(CUT)
    return Walked() if seen else Walked(CUT)


def _no_element(window: Window, place: int, *, has_clusters: bool) -> Walked:
    rest = window.at(place, 64)
    if not rest.strip(b"\0"):
        return Walked()
    return Walked(CUT if len(rest) < 12 or has_clusters else BROKEN)


def _element(window: Window, place: int) -> tuple[int, int | None, int] | None:
    """The number, the length (None: until what follows), and where the content begins."""
    head = window.at(place, 12)
    if len(head) < 2 or not head[0]:
        return None
    wide = 9 - head[0].bit_length()
    if wide > 4 or len(head) <= wide or not head[wide]:
        return None
    number = int.from_bytes(head[:wide], "big")
    long = 9 - head[wide].bit_length()
    if len(head) < wide + long:
        return None
    raw = int.from_bytes(head[wide : wide + long], "big") & (1 << 7 * long) - 1
    is_unknown = raw == (1 << 7 * long) - 1
    return number, None if is_unknown else raw, place + wide + long
