"""PDF: where it begins and ends, whether it has a password, and what is attached to it."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from exai_desktop.core.sniff.look import Content, Finding, LookEnded, Note, Source
from exai_desktop.core.sniff.ole_objects import is_program
from exai_desktop.core.sniff.zip_members import program_within

# Readers accept junk before the header; the specification of old says 1,024 bytes.
_HEADER_WITHIN: Final = 1024
_HEADER: Final = re.compile(rb"%PDF-[12]\.\d")
_ODD_HEADER: Final = b"%PDF-"
_END: Final = re.compile(rb"startxref\s{1,8}(\d{1,10})(?!\d)")
_GAP: Final = rb"(?:[\0\s]|%[^\r\n]{0,200}[\r\n]){0,64}"
_ENCRYPTED: Final = re.compile(
    rb"/Encrypt" + _GAP + rb"(?:\d{1,10}[\0\s]{1,8}\d{1,5}[\0\s]{1,8}R\b|<<)"
)
_TAIL: Final = 4 * 1024
_LONG_TAIL: Final = 64 * 1024
_VERY_LONG_TAIL: Final = 1024 * 1024
# Only its attachments have a password.
_ATTACHMENTS_ONLY: Final = re.compile(rb"/AuthEvent\s{0,8}/EFOpen\b")
_OF_DOCUMENT: Final = re.compile(rb"/AuthEvent\s{0,8}/DocOpen\b|/StmF\s{0,8}/StdCF\b")
# Without `startxref` readers look for these and make the table anew.
_TRAILER: Final = re.compile(rb"trailer\s{0,8}<<[^>]{0,2000}/Root\b")

_TABLE: Final = re.compile(rb"[\0\s]{0,64}xref[\0\s]")
_OBJECT: Final = re.compile(rb"[\0\s]{0,64}\d{1,10}[\0\s]{1,8}\d{1,5}[\0\s]{1,8}obj\b")
_NEXT: Final = re.compile(rb"/(?:Prev|XRefStm)[\0\s]{0,8}(\d{1,10})(?!\d)")
_BEHIND_END: Final = 1024
_LENGTH: Final = re.compile(rb"/L[\0\s]{1,8}(\d{1,10})(?!\d)")
_MOST_TABLES: Final = 128
_DICTIONARY: Final = 16 * 1024
_TABLE_PIECE: Final = 64 * 1024
_LONGEST_TABLE: Final = 24 * 1024 * 1024
_HEX: Final = re.compile(rb"#([0-9A-Fa-f]{2})")

_BUDGET: Final = 96 * 1024 * 1024
_PIECE: Final = 1024 * 1024
_OVERLAP: Final = 8 * 1024
_DICTIONARY_BEFORE: Final = 2 * 1024
_MOST_STREAMS: Final = 20_000
_FIRST: Final = 512
_START: Final = 64 * 1024
_HELD_WHOLE: Final = 16 * 1024 * 1024
_CONTAINERS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_FILTERS: Final = re.compile(
    rb"/(FlateDecode|Fl|ASCIIHexDecode|AHx|ASCII85Decode|A85|LZWDecode|LZW|RunLengthDecode|RL"
    rb"|DCTDecode|DCT|JPXDecode|JBIG2Decode|CCITTFaxDecode|CCF|Crypt)\b"
)


def header_offset(source: Source) -> int | None:
    """Where a PDF header stands within the first 1,024 bytes."""
    found = _HEADER.search(source.head, 0, _HEADER_WITHIN + 8)
    if found:
        return found.start()
    return 0 if source.head.startswith(_ODD_HEADER) else None


def pdf(source: Source) -> Content | None:
    """A text may mention a header further in: away from the start the end must fit too."""
    start = header_offset(source)
    if start is None:
        return None
    tail, end = _ending(source)
    has_trailer = _TRAILER.match(tail, max(0, tail.rfind(b"trailer"))) is not None
    is_odd = _HEADER.match(source.head, start) is None
    if end is None and (start > 0 or (is_odd and not has_trailer)):
        return None
    findings = []
    if (end is None and not has_trailer) or _is_cut_web_file(source, start, tail, end):
        findings.append(Finding(Note.DAMAGED, "its end is missing"))
    if _is_encrypted(source, start, tail, end):
        findings.append(Finding(Note.ENCRYPTED, "it has a password, or limits what may be done"))
    else:
        findings += _attached(source)
    return Content("pdf", tuple(findings))


def _ending(source: Source) -> tuple[bytes, re.Match[bytes] | None]:
    """The last part with the last `startxref`; mail gateways append to it, so look twice."""
    tail, ends = b"", list[re.Match[bytes]]()
    for size in (_TAIL, _LONG_TAIL, _VERY_LONG_TAIL):
        tail = source.tail(size)
        ends = list(_END.finditer(tail))
        if ends or size >= source.size:
            break
    return tail, ends[-1] if ends else None


def _is_cut_web_file(source: Source, start: int, tail: bytes, end: re.Match[bytes] | None) -> bool:
    """A file made for the web has an end of its own near its beginning, and says how long it is."""
    if end is not None and len(tail) - end.end() < _BEHIND_END:
        return False
    first = source.head[start : start + 1024]
    said = _LENGTH.search(first) if b"/Linearized" in first else None
    return said is not None and start + int(said[1]) > source.size


def _is_encrypted(source: Source, start: int, tail: bytes, end: re.Match[bytes] | None) -> bool:
    places = [_plain_names(source.head[: 2 * _TAIL]), _plain_names(tail)]
    with suppress(LookEnded):
        places += _trailers(source.second_look(_BUDGET), start, end)
    # Only where nothing speaks of another password.
    is_open = any(_ATTACHMENTS_ONLY.search(place) for place in places) and not any(
        _OF_DOCUMENT.search(place) for place in places
    )
    return not is_open and any(_ENCRYPTED.search(place) for place in places)


def _trailers(source: Source, start: int, end: re.Match[bytes] | None) -> Iterator[bytes]:
    """What stands with each table of the file: by the way that readers go, or by looking."""
    todo, seen = [int(end[1])] if end else [], set[int]()
    is_whole = bool(todo)
    while todo and len(seen) < _MOST_TABLES:
        place = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        found = _trailer(source, start + place) or (start and _trailer(source, place))
        if not found:
            is_whole = False
            continue
        yield found
        todo += [int(number) for number in _NEXT.findall(found)]
    if not is_whole:
        yield from _any_trailers(source)


def _trailer(source: Source, place: int) -> bytes | None:
    head = source.at(place, 512)
    if _TABLE.match(head):
        behind = _find(source, b"trailer", place, place + _LONGEST_TABLE)
        found = source.at(behind, _DICTIONARY) if behind is not None else None
        return None if found is None else _plain_names(found.partition(b"startxref")[0])
    if _OBJECT.match(head):
        return _plain_names(source.at(place, _DICTIONARY).partition(b"stream")[0])
    return None


def _find(source: Source, words: bytes, place: int, end: int) -> int | None:
    while place < min(end, source.size):
        piece = source.at(place, _TABLE_PIECE)
        within = piece.find(words)
        if within >= 0:
            return place + within
        place += max(1, len(piece) - len(words))
    return None


def _any_trailers(source: Source) -> Iterator[bytes]:
    """Where a table is not at its place readers look for them in all of the file."""
    for piece in _pieces(source):
        for word, stop in ((b"trailer", b"startxref"), (b"/XRef", b"stream")):
            place = piece.find(word)
            while place >= 0:
                first = piece.rfind(b"obj", 0, place) if word == b"/XRef" else place
                yield _plain_names(piece[max(0, first) : place + _OVERLAP].partition(stop)[0])
                place = piece.find(word, place + 1)


def _pieces(source: Source) -> Iterator[bytes]:
    place = 0
    while place < source.size:
        yield source.at(place, _PIECE)
        place += _PIECE - _OVERLAP


def _plain_names(content: bytes) -> bytes:
    """Any letter of a name may be written by its number."""
    if b"#" not in content:
        return content
    return _HEX.sub(lambda found: bytes([int(found[1], 16)]), content)


def _attached(source: Source) -> list[Finding]:
    """Programs among the streams, by their bytes: which of them are attachments does not matter."""
    look, left = source.second_look(_BUDGET), _MOST_STREAMS
    with suppress(LookEnded):
        for number, piece in enumerate(_pieces(look)):
            place = piece.find(b"stream")
            while place >= 0 and left:
                if piece[place - 3 : place] != b"end" or place < 3:
                    left -= 1
                    at = number * (_PIECE - _OVERLAP) + place
                    found = _program(look, piece, place, at)
                    if found:
                        return [Finding(Note.PROGRAM_INSIDE, found[:200])]
                place = piece.find(b"stream", place + 6)
    return []


def _program(source: Source, piece: bytes, place: int, at: int) -> str | None:
    """The program in the stream whose word stands at `place` of the piece, at `at` of the file."""
    skipped = {b"\r\n": 8, b"\n": 7, b"\r": 7}
    skip = skipped.get(piece[place + 6 : place + 8]) or skipped.get(piece[place + 6 : place + 7])
    if skip is None:
        return None
    before = piece[max(0, place - _DICTIONARY_BEFORE) : place]
    filters = [bytes(name) for name in _FILTERS.findall(_plain_names(before.rpartition(b"obj")[2]))]
    first = piece[place + skip : place + skip + _FIRST]
    if len(first) < _FIRST:
        first = source.at(at + skip, _FIRST)
    start = _decoded(first, filters, 64)
    if not start or not _is_suspicious(start):
        return None
    start = _decoded(source.at(at + skip, 2 * _START), filters, _START)
    if is_program(start):
        return "an attachment"
    if start.startswith(_CONTAINERS):
        whole = _decoded(source.at(at + skip, _HELD_WHOLE), filters, _HELD_WHOLE)
        return program_within(whole)
    return None


_SUSPICIOUS: Final = (
    *(b"MZ", b"ZM", b"\x7fELF", b"\0asm", b"dex\n", b"\xca\xfe\xba", b"\xfe\xed\xfa"),
    *(b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"L\0\0\0\x01\x14", b"\xed\xab\xee\xdb"),
    *(b"!<arch>\ndebian", b"xar!", b"Cr24", b"ITSF", b"X5O!", *_CONTAINERS),
)  # fmt: skip


def _is_suspicious(start: bytes) -> bool:
    return start.startswith(_SUSPICIOUS)


def _decoded(content: bytes, filters: list[bytes], limit: int) -> bytes:
    """The first bytes of a stream; none where it is packed in another way."""
    for name in filters:
        try:
            if name in (b"FlateDecode", b"Fl"):
                content = zlib.decompressobj().decompress(content, limit)
            elif name in (b"ASCIIHexDecode", b"AHx"):
                content = _of_hex(content)
            elif name in (b"ASCII85Decode", b"A85"):
                content = _of_85(content)
            else:
                return b""
        except (zlib.error, ValueError, binascii.Error):
            return b""
    return content[:limit]


def _of_hex(content: bytes) -> bytes:
    digits = b"".join(content.partition(b">")[0].split())
    return bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))


def _of_85(content: bytes) -> bytes:
    letters = b"".join(content.partition(b"~>")[0].split()).replace(b"z", b"!!!!!")
    return base64.a85decode(letters[: len(letters) // 5 * 5])
