"""TIFF: the lists of its fields, and whether all that they point to is there."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from exai_desktop.core.sniff.look import Source
from exai_desktop.core.sniff.media.walking import BROKEN, CUT, Walked, Window

_MOST_LISTS: Final = 64
_MOST_FIELDS: Final = 4096
_MOST_PLACES: Final = 200_000
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_LARGE_SIZES: Final = _SIZES | {13: 4, 16: 8, 17: 8, 18: 8}
_WIDTH, _HEIGHT, _BITS, _PACKED = 256, 257, 258, 259
_STRIPS, _STRIP_LENGTHS, _SAMPLES = 273, 279, 277
_TILES, _TILE_LENGTHS = 324, 325
_AS_IT_IS: Final = 1


class _Layout(NamedTuple):
    """`counted`, `row` and `value` are bytes of a number of fields, a field, and its value."""

    order: str
    counted: int
    row: int
    value: int


def tiff(source: Source) -> Walked:
    window = Window(source, 8 * 1024)
    order = "little" if source.head.startswith(b"II") else "big"
    is_large = window.number(2, 2, order) == 43
    layout = _Layout(order, 8, 20, 8) if is_large else _Layout(order, 2, 12, 4)
    place = window.number(8, 8, order) if is_large else window.number(4, 4, order)
    seen: set[int] = set()
    while place and place not in seen and len(seen) < _MOST_LISTS:
        seen.add(place)
        count = window.number(place, layout.counted, order)
        behind = place + layout.counted + count * layout.row
        if behind > source.size or not count:
            # The first list is the picture's own; others are notes of programs.
            return Walked(CUT) if len(seen) == 1 else Walked()
        if count > _MOST_FIELDS:
            return Walked(BROKEN) if len(seen) == 1 else Walked()
        fields = _fields(window, place + layout.counted, count, layout)
        if len(seen) == 1 and _is_cut(window, fields, layout):
            return Walked(CUT)
        place = window.number(behind, layout.value, order)
    return Walked() if seen else Walked(BROKEN)


_Fields = dict[int, tuple[int, int, int]]


def _fields(window: Window, place: int, count: int, layout: _Layout) -> _Fields:
    """By tag: the type, how many values, and where they stand."""
    fields = {}
    for number in range(count):
        row = place + number * layout.row
        tag, kind = (window.number(row + at, 2, layout.order) for at in (0, 2))
        many = window.number(row + 4, layout.value, layout.order)
        at = row + 4 + layout.value
        if many * _LARGE_SIZES.get(kind, 1) > layout.value:
            at = window.number(at, layout.value, layout.order)
        fields[tag] = (kind, many, at)
    return fields


def _values(window: Window, fields: _Fields, tag: int, layout: _Layout) -> list[int]:
    if tag not in fields:
        return []
    kind, many, at = fields[tag]
    size = _LARGE_SIZES.get(kind, 1)
    raw = window.at(at, min(many, _MOST_PLACES) * size)
    order: Literal["little", "big"] = "little" if layout.order == "little" else "big"
    return [int.from_bytes(raw[i : i + size], order) for i in range(0, len(raw) - size + 1, size)]


def _is_cut(window: Window, fields: _Fields, layout: _Layout) -> bool:
    """Whether a part of the picture begins or ends behind the file."""
    for where, lengths in ((_STRIPS, _STRIP_LENGTHS), (_TILES, _TILE_LENGTHS)):
        if where not in fields:
            continue
        places = _values(window, fields, where, layout)
        if len(places) < min(fields[where][1], _MOST_PLACES):
            return True
        sizes = _values(window, fields, lengths, layout)
        if any(place > window.size for place in places):
            return True
        # Old writers state too much for the last part: what it must have is what counts.
        is_packed = _first(window, fields, _PACKED, layout, _AS_IT_IS) != _AS_IT_IS
        if where == _STRIPS and not is_packed:
            return len(places) == 1 and places[0] + _needed(window, fields, layout) > window.size
        ends = [place + size for place, size in zip(places, sizes, strict=False) if place]
        if any(end > window.size + 4 for end in ends[:-1]):
            return True
        # Of the last part at least half must be there, or it was cut.
        return bool(ends) and ends[-1] - window.size > max(4, sizes[len(ends) - 1] // 2)
    return False


def _needed(window: Window, fields: _Fields, layout: _Layout) -> int:
    width, height = (_first(window, fields, tag, layout, 0) for tag in (_WIDTH, _HEIGHT))
    samples = _first(window, fields, _SAMPLES, layout, 1)
    bits = _values(window, fields, _BITS, layout) or [1]
    return (width * sum((bits * samples)[:samples]) + 7) // 8 * height


def _first(window: Window, fields: _Fields, tag: int, layout: _Layout, default: int) -> int:
    found = _values(window, fields, tag, layout)
    return found[0] if found else default
