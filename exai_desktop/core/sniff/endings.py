"""How pictures and books end, what lies behind their end, and whether a book has a lock."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.sniff.look import Finding, LookEnded, Note, Source

_TAIL: Final = 64 * 1024
_NO_END: Final = (Finding(Note.DAMAGED, "its end is missing"),)
_LOCKED: Final = (Finding(Note.ENCRYPTED, "it is copy-protected"),)

_PNG_END: Final = b"IEND\xaeB`\x82"
_JPEG_END: Final = b"\xff\xd9"
# Telephones put a film, or notes of their own, behind the picture: its end is further in front.
_JPEG_TRAILERS: Final = (b"moov", b"SEFT", b"moof")
_FIRST_SEGMENT: Final = 2
_STRAY: Final = 1024
_PIECE: Final = 1024 * 1024

_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_ZIP_ENTRY: Final = b"PK\x01\x02"
# The end record of a zip archive may be followed by a comment of this length.
_ZIP_TAIL: Final = _TAIL + _ZIP_END_SIZE
_ARCHIVES: Final = ((b"Rar!\x1a\x07", "a RAR archive"), (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"))

# A Mobipocket book: the list of its records, then in the first one how its text is locked.
_TYPE_AT: Final = 60
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
    place = _FIRST_SEGMENT
    while head[place + 1 : place + 2] == b"\xff":  # filling, as the format allows
        place += 1
    length = int.from_bytes(head[place + 2 : place + 4], "big")
    # Decoders pass over some bytes between two segments.
    following = source.at(place + 2 + length, _STRAY)
    if length < 2 or b"\xff" not in following:
        return (Finding(Note.DAMAGED, "its structure is damaged"),)
    tail = source.tail(_TAIL)
    if any(mark in tail for mark in (_JPEG_END, *_JPEG_TRAILERS)):
        return ()
    return () if _is_ended_before(source) else _NO_END


def _is_ended_before(source: Source) -> bool:
    """Telephones put depth maps and films behind the end, recovered cards whole blocks. Where there
    is more than may be looked at, nothing is said."""
    end = source.size
    try:
        while end > 0:
            start = max(0, end - _PIECE)
            if _JPEG_END in source.at(start, end - start + 1):
                return True
            end = start
    except LookEnded:
        return True
    return False


def book_findings(source: Source) -> tuple[Finding, ...]:
    """Whether a Mobipocket book can be read without a key."""
    if int.from_bytes(source.at(_RECORDS_AT, 2), "big") == 0:
        return ()
    first = source.at(int.from_bytes(source.at(_RECORDS_AT + 2, 4), "big"), 16)
    length, place = (int.from_bytes(first[at : at + 4], "big") for at in (4, _LOCK_AT))
    # The older kind, without a lock, has the reader's place in the text here.
    is_place = source.at(_TYPE_AT, 8) != b"BOOKMOBI" and place <= length
    return _LOCKED if not is_place and place >> 16 in (1, 2) else ()


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
