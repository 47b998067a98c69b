"""Whether a file is text, in which encoding, and of which kind where that matters."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable
from typing import Final

from exai_desktop.core.sniff.kinds import words
from exai_desktop.core.sniff.look import HEAD, Content, Finding, Note, Source
from exai_desktop.core.sniff.xml_rules import PROLOG_LIMIT, entity_findings, xml_text

# Names the encoding of bytes that are neither UTF-8 nor UTF-16, None when they are no text.
LegacyEncoding = Callable[[bytes], str | None]

_READ_WHOLE: Final = 256 * 1024
_SAMPLES: Final = 15
_SAMPLE: Final = 8 * 1024
_LEGACY_SAMPLE: Final = 1024
_MOSTLY: Final = 3

# Tab, line ends, page break, escape (colours of terminals) and backspace belong to texts.
_CONTROLS: Final = bytes(sorted({*range(32), 127} - {8, 9, 10, 11, 12, 13, 27}))
_NOT_CONTROLS: Final = bytes(set(range(256)) - set(_CONTROLS))
# What separates fields and records, in exports of databases and of finance for example.
_SEPARATORS: Final = bytes([0, 1, 2, 3, 4, *range(0x1C, 0x20)])
# Korean and Chinese for old mail: it shifts between two sets of letters.
_SHIFTING: Final = (b"\x1b$)", b"\x1b$*", b"\x1b$+")
_SHIFTS: Final = b"\x0e\x0f"
_EUC_TW: Final = re.compile(
    rb"(?:[\x09\x0a\x0d\x20-\x7e]|[\xa1-\xfe]{2}|\x8e[\xa1-\xb0][\xa1-\xfe]{2})+.{0,3}\Z", re.DOTALL
)
_EAST: Final = re.compile(
    "[\u3000-\u30ff\u3100-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
    "\u2010-\u2027\U00020000-\U0003ffff]"
)
# Of the West and the Near East, and what stands in all texts.
_OTHERS: Final = re.compile("[\t\n\r\x20-\x7e\xa0-\u024f\u0370-\u06ff\u0900-\u097f\u0e00-\u0e7f]")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(source: Source, legacy: LegacyEncoding | None = None) -> str | None:
    """A codec's name, None when it is no text."""
    head = source.head
    for bom, name in _BOMS:
        # UTF-16 of an empty first character is not UTF-32: only lengths tell them apart.
        if head.startswith(bom) and (name[:6] != "utf-32" or source.size % 4 == 0):
            return name if _reads_as(head[len(bom) :], name) else None
    pieces = _pieces(source)
    if any(b"\0" in piece for piece in pieces):
        wide = _wide(pieces)
        if wide is not None:
            return wide
    if any(mark in head for mark in _SHIFTING):
        pieces = [piece.translate(None, _SHIFTS) for piece in pieces]
    return _narrow(_without_separators(pieces), legacy) or _wide_letters(pieces[0])


def _narrow(pieces: list[bytes], legacy: LegacyEncoding | None) -> str | None:
    if any(_too_many_controls(piece) for piece in pieces):
        return None
    if all(_is_utf8(piece, is_first=not index) for index, piece in enumerate(pieces)):
        return "utf-8"
    # A file sampled at its start may look like text that turns into something else later.
    lines = _foreign_lines(pieces)
    found = legacy(lines) if legacy else None
    # Python has no codec of EUC-TW; its letters are not needed, only its plain ones.
    return found or ("latin-1" if legacy and _EUC_TW.match(lines) else None)


def _without_separators(pieces: list[bytes]) -> list[bytes]:
    """Exports and lists separate their fields by some controls; what is left must be letters."""
    left = [piece.translate(None, _SEPARATORS) for piece in pieces]
    whole, letters = (sum(map(len, found)) for found in (pieces, left))
    return left if letters > 8 and 4 * letters >= _MOSTLY * whole else pieces


def is_plain_text(source: Source, legacy: LegacyEncoding | None = None) -> bool:
    """Whether all that is looked at is letters: no format for machines is without other bytes."""
    if any(piece.translate(None, _NOT_CONTROLS) for piece in _pieces(source)):
        return False
    return encoding_of(source, legacy) is not None


def _pieces(source: Source) -> list[bytes]:
    """All of a small file; of a large one its head and samples at even distances."""
    if source.size <= len(source.head):
        return [source.head]
    if source.size <= _READ_WHOLE:
        return [source.head, source.at(HEAD, source.size - HEAD)]
    step = (source.size - HEAD - _SAMPLE) // _SAMPLES
    places = [HEAD + number * step for number in range(_SAMPLES)] + [source.size - _SAMPLE]
    return [source.head, *(source.at(place, _SAMPLE) for place in places)]


def _too_many_controls(piece: bytes) -> bool:
    return len(piece.translate(None, _NOT_CONTROLS)) > max(2, len(piece) // 50)


def _is_utf8(piece: bytes, *, is_first: bool) -> bool:
    """A sample may begin and end within a character."""
    start = 0
    while not is_first and start < min(3, len(piece)) and piece[start] & 0xC0 == 0x80:
        start += 1
    try:
        codecs.getincrementaldecoder("utf-8")().decode(piece[start:])
    except UnicodeDecodeError:
        return False
    return True


def _reads_as(content: bytes, encoding: str) -> bool:
    """It decodes, and to letters, not to controls."""
    try:
        text = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))().decode(content)
    except UnicodeDecodeError:
        return False
    separators = sum(text.count(chr(c)) for c in _SEPARATORS)
    controls = sum(text.count(chr(c)) for c in _CONTROLS if c not in _SEPARATORS)
    return "\0" not in text and 4 * separators <= len(text) and controls <= max(2, len(text) // 50)


def _wide(pieces: list[bytes]) -> str | None:
    """UTF-16 and UTF-32 without a mark."""
    head = pieces[0][:_SAMPLE]
    if len(head) % 4 == 0:
        for name in ("utf-32-le", "utf-32-be"):
            if _is_lettered(head, name, 1):
                return name
    return _wide_by_zeros(head[: len(head) & ~1]) or _wide_letters(head)


def _wide_letters(head: bytes) -> str | None:
    """UTF-16 of the Far East has zeros in few letters, or none: most letters are of the East."""
    head = head[:_SAMPLE]
    head = head[: len(head) & ~1]
    for name in ("utf-16-le", "utf-16-be"):
        if _is_lettered(head, name, 0.5) and not _is_ascii_in_pairs(head):
            return name
    return None


def _is_lettered(content: bytes, encoding: str, east: float) -> bool:
    """It decodes to letters alone. `east`: so many at least of the Far East; 1: or of others."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return False
    eastern, others = len(_EAST.findall(text)), len(_OTHERS.findall(text))
    if len(text) < 8 or eastern + others < 0.97 * len(text):
        return False
    return east == 1 or eastern >= east * len(text)


def _wide_by_zeros(head: bytes) -> str | None:
    """Zeros, most of them in the upper halves, and letters around them."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    # The lower half is zero in a few frequent letters only: 一 (one), and the Chinese space.
    if odd > _MOSTLY * even:
        name = "utf-16-le"
    elif even > _MOSTLY * odd:
        name = "utf-16-be"
    else:
        return None
    if not _reads_as(head, name) or _is_ascii_in_pairs(head):
        return None
    text = head.decode(name, "replace")
    letters = sum(c.isprintable() or c in "\r\n\t\f\u3000" for c in text)
    # Chinese has few zeros, numbers in tables have many but make no words: ask for a word break.
    has_breaks = any(c in text for c in " \r\n\t")
    return name if letters >= 0.97 * len(text) and (has_breaks or len(text) < 64) else None


def _is_ascii_in_pairs(content: bytes) -> bool:
    """Two plain letters side by side read as Chinese: then it was plain text with some zeros."""
    pairs = [p for p in zip(content[::2], content[1::2], strict=True) if p[0] and p[1]]
    # 0x30 is the upper half of all Japanese syllables.
    plain = sum(min(pair) >= 32 and max(pair) < 127 and 0x30 not in pair for pair in pairs)
    return 2 * plain > len(pairs)


def _foreign_lines(pieces: list[bytes]) -> bytes:
    """The part that is not UTF-8, cut at line ends: a manual in English may have one word late."""
    for piece in pieces:
        if not _is_utf8(piece, is_first=False):
            try:
                piece.decode("utf-8")
            except UnicodeDecodeError as error:
                start = piece.rfind(b"\n", 0, error.start) + 1
                start = max(start, error.start - 200)
                end = piece.rfind(b"\n", start, start + _LEGACY_SAMPLE)
                return piece[start : end if end > error.start else start + _LEGACY_SAMPLE]
    return pieces[0][:_LEGACY_SAMPLE]


_LOOK: Final = 16 * 1024
# "#!/bin/sh", "#! /usr/bin/env x", "#!python" and what Windows launchers read.
_SHEBANG: Final = re.compile(r"#![ \t]{0,8}(/|python|perl|ruby|node|env |[A-Za-z]:\\)")
_TAG: Final = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?([A-Za-z][\w-]{0,40})")
_WEB_TAGS: Final = words("html head body script iframe frameset title meta base link")
_MAX_PREAMBLES: Final = 40
_SCRIPTED: Final = re.compile(
    rb"<(?:\w{1,20}:)?script\b|\bon[a-z]{3,20}\s{0,4}=|javascript:|<foreignObject", re.IGNORECASE
)
_SCRIPTS: Final = (Finding(Note.MACROS, "scripts"),)
_INFLATED: Final = 64 * 1024


def starts_with_shebang(text: str) -> bool:
    return _SHEBANG.match(text.lstrip("\ufeff")) is not None


def text_content(source: Source, encoding: str) -> Content:
    text = source.head[:_LOOK].decode(encoding, "replace").lstrip("\ufeff")
    kind = _root(text)
    if kind == "svg":
        return Content("svg", _drawing_findings(source.head, source.at(0, PROLOG_LIMIT)))
    return Content(kind or "text")


def compressed_drawing(source: Source) -> Content | None:
    """A gzip that holds an SVG, as browsers take it."""
    try:
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        start = unpacker.decompress(source.head[:_LOOK], _INFLATED)
    except zlib.error:
        return None
    if _root(start[:_LOOK].decode("utf-8", "replace").lstrip("\ufeff")) != "svg":
        return None
    return Content("svgz", _drawing_findings(start, start))


def _drawing_findings(start: bytes, more: bytes) -> tuple[Finding, ...]:
    scripts = _SCRIPTS if _SCRIPTED.search(start) else ()
    text = xml_text(more) if b"<!" in start or b"\0" in start else None
    return (*scripts, *(entity_findings(text, is_office=False) if text else ()))


def _root(text: str) -> str | None:
    """`html` or `svg` by the first tag behind declarations and comments."""
    place = 0
    for _ in range(_MAX_PREAMBLES):
        while place < len(text) and text[place].isspace():
            place += 1
        start = text[place : place + 10].lower()
        if start.startswith("<!doctype"):
            if text[place + 9 : place + 20].strip().lower().startswith("html"):
                return "html"
            place = _behind_doctype(text, place)
        elif start.startswith("<!--"):
            place = _behind(text, "-->", place)
        elif start.startswith("<?") and not start.startswith("<?php"):
            place = _behind(text, "?>", place)
        else:
            break
        if place < 0:
            return None
    tag = _TAG.match(text, place)
    if tag is None:
        return None
    name = tag[1].lower()
    return "html" if name in _WEB_TAGS else ("svg" if name == "svg" else None)


def _behind(text: str, end: str, place: int) -> int:
    found = text.find(end, place)
    return found + len(end) if found >= 0 else -1


def _behind_doctype(text: str, place: int) -> int:
    """A document type may carry its own rules in brackets."""
    bracket, end = text.find("[", place), text.find(">", place)
    if 0 <= bracket < end:
        close = text.find("]", bracket)
        return _behind(text, ">", close) if close >= 0 else -1
    return end + 1 if end >= 0 else -1
