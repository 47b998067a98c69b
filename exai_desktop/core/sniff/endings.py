"""How pictures and books end, what lies behind their end, and whether a book has a lock."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.sniff.look import Finding, Note, Source

_TAIL: Final = 64 * 1024
_NO_END: Final = (Finding(Note.DAMAGED, "its end is missing"),)
_LOCKED: Final = (Finding(Note.ENCRYPTED, "it is copy-protected"),)

_PNG_END: Final = b"IEND\xaeB`\x82"
_JPEG_END: Final = b"\xff\xd9"
# Telephones put a film, or notes of their own, behind the picture: its end is further in front.
_JPEG_TRAILERS: Final = (b"moov", b"SEFT", b"moof")
_FIRST_SEGMENT: Final = 2

_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_ZIP_ENTRY: Final = b"PK\x01\x02"
# The end record of a zip archive may be followed by a comment of this length.
_ZIP_TAIL: Final = _TAIL + _ZIP_END_SIZE
_ARCHIVES: Final = ((b"Rar!\x1a\x07", "a RAR archive"), (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"))

# A Mobipocket book: the list of its records, then in the first one how its text is locked.
_RECORDS_AT: Final = 76
_LOCK_AT: Final = 12


def picture_findings(source: Source, kind: str) -> tuple[Finding, ...]:
    """What is wrong with a PNG or a JPEG as a whole."""
    if kind == "png":
        return () if _PNG_END in source.tail(_TAIL) else _NO_END
    if kind == "jpg":
        return _jpeg(source)
    return ()


def _jpeg(source: Source) -> tuple[Finding, ...]:
    head = source.head
    length = int.from_bytes(head[_FIRST_SEGMENT + 2 : _FIRST_SEGMENT + 4], "big")
    following = source.at(_FIRST_SEGMENT + 2 + length, 1)
    if length < 2 or following != b"\xff":
        return (Finding(Note.DAMAGED, "its structure is damaged"),)
    tail = source.tail(_TAIL)
    is_ended = any(mark in tail for mark in (_JPEG_END, *_JPEG_TRAILERS))
    return () if is_ended else _NO_END


def book_findings(source: Source, kind: str) -> tuple[Finding, ...]:
    """Whether a Mobipocket book can be read without a key."""
    if kind != "mobi" or int.from_bytes(source.at(_RECORDS_AT, 2), "big") == 0:
        return ()
    first = int.from_bytes(source.at(_RECORDS_AT + 2, 4), "big")
    lock = int.from_bytes(source.at(first + _LOCK_AT, 2), "big")
    return _LOCKED if lock in (1, 2) else ()


def attached_archive(source: Source, kind: str) -> str | None:
    """What is put behind the file for readers that begin at its end, or look for a signature."""
    tail = source.tail(_ZIP_TAIL)
    place = tail.rfind(_ZIP_END)
    if place >= 0 and _ZIP_ENTRY in tail and _counts(tail, place, kind):
        return "a zip archive is attached to it"
    if kind in ("png", "jpg", "gif", "webp", "bmp"):
        for signature, title in _ARCHIVES:
            if signature in tail or signature in source.head:
                return f"{title} is attached to it"
    return None


def _counts(tail: bytes, place: int, kind: str) -> bool:
    """Whether readers of archives would take this record for the end of one."""
    rest = len(tail) - place - _ZIP_END_SIZE
    if rest < 0:
        return False
    if int.from_bytes(tail[place + 20 : place + 22], "little") == rest:
        return True
    # An attachment within a PDF stands before the end of the PDF; one behind it does not.
    return (kind != "pdf" and rest < 1024) or (b"%%EOF" not in tail[place:] and rest < 1024)
