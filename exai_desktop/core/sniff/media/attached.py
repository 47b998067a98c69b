"""What is put behind a file for readers that begin at its end, or look for a signature."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from typing import Final

from exai_desktop.core.sniff.look import LookEnded, Source

_TAIL: Final = 64 * 1024
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_ZIP_ENTRY: Final = b"PK\x01\x02"
# The end record of a zip archive may be followed by a comment of this length.
_ZIP_TAIL: Final = _TAIL + _ZIP_END_SIZE
_PICTURES: Final = frozenset({"png", "jpg", "gif", "webp", "bmp", "tiff"})
_PIECE: Final = 1024 * 1024
_BUDGET: Final = 64 * 1024 * 1024
_OVERLAP: Final = 512
_ANYWHERE: Final = ((b"Rar!\x1a\x07", "a RAR archive"), (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"))
_BEHIND: Final = (
    *_ANYWHERE,
    (b"!<arch>\n", "an ar archive"),
    (b"MSCF\0\0\0\0", "a cabinet archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"ustar\x0000", "a tar archive"),
    (b"ustar  \0", "a tar archive"),
    (b"1AY&SY", "a bzip2 archive"),
)
# A member of a zip archive: version, flags, method, sizes, and a name that can be read.
_MEMBER: Final = re.compile(
    rb"PK\x03\x04[\x0a-\x3f][\x00-\x03].[\x00-\x0f][\x00\x08\x09\x0c\x0e\x5d\x5f\x63]\x00"
    rb".{16}[\x01-\xff]\x00.{2}[\x20-\x7e\x80-\xff]",
    re.DOTALL,
)


def attached_archive(source: Source, kind: str, end: int | None) -> str | None:
    """`end`: where the file ends by its own rules, if that is known."""
    tail = source.tail(_ZIP_TAIL)
    place = tail.rfind(_ZIP_END)
    if place >= 0 and _ZIP_ENTRY in tail and _counts(tail, place, kind):
        return "a zip archive is attached to it"
    found = None
    if kind in _PICTURES:
        found = _in(source.head, _ANYWHERE) or _in(tail, _ANYWHERE)
    elif kind == "pdf":
        found = _in(tail[tail.rfind(b"%%EOF") :], _ANYWHERE) if b"%%EOF" in tail else None
    if found is None and end is not None and end < source.size:
        with suppress(LookEnded):
            found = _behind(source.second_look(_BUDGET), end)
    return f"{found} is attached to it" if found else None


def _in(content: bytes, signatures: tuple[tuple[bytes, str], ...]) -> str | None:
    return next((title for signature, title in signatures if signature in content), None)


def _behind(source: Source, end: int) -> str | None:
    """Any archive in what follows the end, with padding before it or not."""
    place = end
    while place < source.size:
        piece = source.at(place, _PIECE)
        if place == end:
            padded = piece.lstrip(b"\0\r\n ")
            if padded.startswith(b"\x1f\x8b\x08") and _is_gzip(padded):
                return "a gzip archive"
        found = _in(piece, _BEHIND)
        if found or _MEMBER.search(piece):
            return found or "a zip archive"
        place += max(1, len(piece) - _OVERLAP) if len(piece) == _PIECE else len(piece) or 1
    return None


def _is_gzip(content: bytes) -> bool:
    try:
        return bool(zlib.decompressobj(31).decompress(content[:4096], 4096))
    except zlib.error:
        return False


def _counts(tail: bytes, place: int, kind: str) -> bool:
    """Whether readers of archives would take this record for the end of one."""
    rest = len(tail) - place - _ZIP_END_SIZE
    if rest < 0:
        return False
    if int.from_bytes(tail[place + 20 : place + 22], "little") == rest:
        return True
    # An attachment within a PDF stands before the end of the PDF; one behind it does not.
    return (kind != "pdf" and rest < 1024) or (b"%%EOF" not in tail[place:] and rest < 1024)
