"""Mobipocket books: whether the text can be read without a key."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.sniff.look import Finding, Note, Source

_LOCKED: Final = (Finding(Note.ENCRYPTED, "it is copy-protected"),)

# The list of its records, then in the first one how its text is locked.
_TYPE_AT: Final = 60
_RECORDS_AT: Final = 76
_LOCK_AT: Final = 12
_LOCKS: Final = (1, 2)
# A book of both kinds has a second first record behind this one.
_BORDER: Final = b"BOUNDARY"
_MOST_RECORDS: Final = 20_000


def book_findings(source: Source) -> tuple[Finding, ...]:
    """Of a book of both kinds the newer one may be locked alone."""
    count = int.from_bytes(source.at(_RECORDS_AT, 2), "big")
    if count == 0:
        return ()
    if _is_locked(source, 0):
        return _LOCKED
    tables = source.at(_RECORDS_AT + 2, 8 * min(count, _MOST_RECORDS))
    header = source.at(int.from_bytes(tables[:4], "big"), 16 + 232)
    second = _second(source, header, tables)
    return _LOCKED if second is not None and _is_locked(source, second) else ()


def _is_locked(source: Source, record: int) -> bool:
    at = int.from_bytes(source.at(_RECORDS_AT + 2 + 8 * record, 4), "big")
    first = source.at(at, 16)
    length, place = (int.from_bytes(first[at : at + 4], "big") for at in (4, _LOCK_AT))
    # The older kind, without a lock, has the reader's place in the text here.
    is_place = source.at(_TYPE_AT, 8) != b"BOOKMOBI" and place <= length
    return not is_place and place >> 16 in _LOCKS


def _second(source: Source, header: bytes, tables: bytes) -> int | None:
    """The record behind the border, as field 121 of the first header's notes says."""
    if header[16:20] != b"MOBI":
        return None
    start = int.from_bytes(tables[:4], "big")
    notes_at = start + 16 + int.from_bytes(header[20:24], "big")
    notes = source.at(notes_at, 64 * 1024)
    if notes[:4] != b"EXTH":
        return None
    place = 12
    for _ in range(min(1000, int.from_bytes(notes[8:12], "big"))):
        number, length = (
            int.from_bytes(notes[place + at : place + at + 4], "big") for at in (0, 4)
        )
        if number == 121 and length == 12:
            found = int.from_bytes(notes[place + 8 : place + 12], "big")
            return _behind_border(source, tables, found)
        place += max(8, length)
    return None


def _behind_border(source: Source, tables: bytes, record: int) -> int | None:
    if not 0 < record < len(tables) // 8:
        return None
    before = int.from_bytes(tables[8 * record - 8 : 8 * record - 4], "big")
    return record if source.at(before, 8) == _BORDER else None
