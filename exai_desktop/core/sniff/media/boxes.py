"""Files of boxes within boxes: MPEG-4, QuickTime, HEIC, AVIF."""

from __future__ import annotations

import re
from typing import Final

from exai_desktop.core.sniff.look import Content, Source
from exai_desktop.core.sniff.media.walking import BROKEN, Walked, Window, is_name, walked

_BRANDS: Final = (
    (re.compile(rb"avi[fs]"), "avif"),
    (re.compile(rb"he[iv][cxms]|mif1|msf1"), "heic"),
    (re.compile(rb"qt  "), "mov"),
    (re.compile(rb"3g[a-z0-9]{2}"), "3gp"),
    (re.compile(rb"M4[ABP] "), "m4a"),
    (
        re.compile(rb"iso[m2-9]|mp4[12]|M4V |avc1|dash|MSNV|f4v |mmp4|NDS[CHPS]|XAVC|iso[a-z]"),
        "mp4",
    ),
)
# The first box of a QuickTime file that is older than brands.
OLD_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_MAX_BOXES: Final = 2048
_MAX_TRACKS: Final = 256
_BOXES: Final = OLD_QUICKTIME | {b"moof", b"meta", b"ftyp", b"uuid", b"sidx", b"mfra", b"styp"}
_FILM: Final = frozenset({"mp4", "mov", "3gp", "m4a"})
CUT: Final = "it is shorter than its header says"


def base_media(source: Source) -> Content | None:
    length = int.from_bytes(source.head[:4], "big")
    if length < 16 or length > 4096:
        return None
    brands = source.head[8:length]
    # The major brand first, then the compatible ones; the minor version between is no brand.
    listed = [brands[:4]] + [brands[i : i + 4] for i in range(8, len(brands), 4)]
    # Cameras write HEIC as "mif1" with the true codec behind it.
    if listed[0] in (b"mif1", b"msf1") and (b"avif" in listed or b"avis" in listed):
        return _content(source, "avif")
    for brand in listed:
        for pattern, kind in _BRANDS:
            if pattern.fullmatch(brand):
                return _content(source, kind)
    return None


def old_quicktime(source: Source) -> Content | None:
    length = int.from_bytes(source.head[:4], "big")
    following = source.at(length + 4, 4)
    is_known = following in _BOXES or length == source.size
    # Where the pictures come first, what follows them may be cut off.
    is_cut = source.head[4:8] == b"mdat" and length > source.size > 16 and is_known
    return (
        _content(source, "mov") if (length >= 8 or length == 1) and (is_known or is_cut) else None
    )


def _content(source: Source, kind: str) -> Content:
    return Content(kind, walked(source, lambda s: boxes(s, kind)).findings)


def boxes(source: Source, kind: str) -> Walked:
    """The outermost boxes: a film without its index, or cut in one, plays nowhere."""
    window, offset, seen = Window(source, 16), 0, set[bytes]()
    for _ in range(_MAX_BOXES):
        header = window.at(offset, 16)
        if len(header) < 8:
            break
        length, name = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1 and len(header) == 16:
            length = int.from_bytes(header[8:], "big")
        if length == 0:
            seen.add(name)
            break
        if length < 8 or offset + length > source.size:
            # Cameras put data of their own behind the last box; a cut box is one of these.
            if name in _BOXES or not seen & {b"moov", b"moof", b"meta"}:
                return Walked(CUT)
            break
        if name == b"moov" and kind in _FILM and not _is_index(window, offset + 8, offset + length):
            return Walked(BROKEN)
        seen.add(name)
        offset += length
    else:
        return Walked()
    index = {b"moov", b"moof"} if kind in _FILM else {b"meta", b"moov"}
    return Walked(end=offset) if seen & index else Walked("its index is missing")


def _is_index(window: Window, place: int, end: int) -> bool:
    """Boxes one behind the other that fill it, or nearly so."""
    for number in range(_MAX_TRACKS):
        header = window.at(place, 8)
        length = int.from_bytes(header[:4], "big")
        if place + 8 > end or not length:
            return number > 0 or place >= end
        if length < 8 or place + length > end or not is_name(header[4:8]):
            return False
        place += length
    return True
