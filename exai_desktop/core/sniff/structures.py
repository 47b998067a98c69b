"""Kinds told by how they are built: pictures, sound, film, and PDF."""

from __future__ import annotations

import re
from typing import Final

from exai_desktop.core.sniff.look import Content, Finding, Note, Source

_RIFF: Final = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}
# What programs write that do not know the length yet.
_OPEN_LENGTHS: Final = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000})
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
_OLD_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_MAX_BOXES: Final = 64
_BOXES: Final = _OLD_QUICKTIME | {b"moof", b"meta", b"ftyp", b"uuid", b"sidx", b"mfra", b"styp"}
_FILM: Final = frozenset({"mp4", "mov", "3gp", "m4a"})
_PACKET: Final = 188
_CUT: Final = (Finding(Note.DAMAGED, "it is shorter than its header says"),)

# Bits per second of MPEG layer III by its header's index, then samples per second.
_RATES_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLES: Final = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}


def media(source: Source) -> Content | None:
    head = source.head
    if head.startswith((b"RIFF", b"RF64")) and head[8:12] in _RIFF:
        return _riff(source)
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return Content("aiff")
    if head[4:8] == b"ftyp":
        return _base_media(source)
    if head[4:8] in _OLD_QUICKTIME:
        return _old_quicktime(source)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(head)
    if head[:1] == b"\x47" and head[_PACKET : _PACKET + 1] == head[376:377] == b"\x47":
        return Content("mpegts")
    return _sound(source)


def _riff(source: Source) -> Content:
    head = source.head
    kind, said = _RIFF[head[8:12]], int.from_bytes(head[4:8], "little")
    is_cut = head[:4] == b"RIFF" and said not in _OPEN_LENGTHS and said + 8 > source.size + 1
    return Content(kind, _CUT if is_cut else ())


def _base_media(source: Source) -> Content | None:
    length = int.from_bytes(source.head[:4], "big")
    if length < 16 or length > 4096:
        return None
    brands = source.head[8:length]
    # The major brand first, then the compatible ones; the minor version between is no brand.
    listed = [brands[:4]] + [brands[i : i + 4] for i in range(8, len(brands), 4)]
    # Cameras write HEIC as "mif1" with the true codec behind it.
    if listed[0] in (b"mif1", b"msf1") and (b"avif" in listed or b"avis" in listed):
        return Content("avif", _missing_boxes(source, "avif"))
    for brand in listed:
        for pattern, kind in _BRANDS:
            if pattern.fullmatch(brand):
                return Content(kind, _missing_boxes(source, kind))
    return None


def _old_quicktime(source: Source) -> Content | None:
    length = int.from_bytes(source.head[:4], "big")
    following = source.at(length + 4, 4)
    known = following in _OLD_QUICKTIME or following == b"moov"
    return Content("mov") if length >= 8 and (known or length == source.size) else None


def _missing_boxes(source: Source, kind: str) -> tuple[Finding, ...]:
    """Walk the outermost boxes: a film without its index, or cut in one, plays nowhere."""
    offset, seen = 0, set()
    for _ in range(_MAX_BOXES):
        header = source.at(offset, 16)
        if len(header) < 8:
            break
        length = int.from_bytes(header[:4], "big")
        if length == 1 and len(header) == 16:
            length = int.from_bytes(header[8:], "big")
        if length == 0:
            seen.add(header[4:8])
            break
        if length < 8 or offset + length > source.size:
            # Cameras put data of their own behind the last box; a cut box is one of these.
            if header[4:8] in _BOXES or not seen & {b"moov", b"moof", b"meta"}:
                return _CUT
            break
        seen.add(header[4:8])
        offset += length
    else:
        return ()
    index = {b"moov", b"moof"} if kind in _FILM else {b"meta", b"moov"}
    return () if seen & index else (Finding(Note.DAMAGED, "its index is missing"),)


def _matroska(head: bytes) -> Content | None:
    document = re.search(rb"\x42\x82[\x80-\x90](webm|matroska)", head[:4096])
    if document is None:
        return None
    return Content("webm" if document[1] == b"webm" else "mkv")


def _sound(source: Source) -> Content | None:
    """MP3 and AAC have frames but no signature: two frames in a row are asked for."""
    head = source.head
    start = 0
    if head.startswith(b"ID3") and len(head) > 10 and head[3] < 5 and max(head[6:10]) < 0x80:
        start = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
        if source.at(start, 4)[:4] == b"fLaC":
            return Content("flac")
        # Encoders leave padding between the tag and the sound.
        return Content("mp3") if start < source.size else Content("mp3", _CUT)
    length = _frame_length(head[:4])
    if length and _frame_length(source.at(length, 4)):
        return Content("mp3")
    if len(head) > 7 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        following = source.at(length, 2)
        if length > 7 and len(following) == 2 and following == head[:2]:
            return Content("aac")
    return None


def _frame_length(header: bytes) -> int:
    """Bytes of the MPEG layer III frame that begins so, 0 if none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, rate, samples = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or samples == 3 or rate in (0, 15):
        return 0
    kilobits = (_RATES_1 if version == 3 else _RATES_2)[rate]
    scale = 144_000 if version == 3 else 72_000
    return scale * kilobits // _SAMPLES[version][samples] + (header[2] >> 1 & 1)


# Readers accept junk before the header; the specification of old says 1,024 bytes.
_HEADER_WITHIN: Final = 1024
_HEADER: Final = re.compile(rb"%PDF-[12]\.\d")
_END: Final = re.compile(rb"startxref\s{1,8}(\d{1,10})(?!\d)")
_ENCRYPTED: Final = re.compile(rb"/Encrypt\s{0,8}(?:\d{1,10}\s{1,8}\d{1,5}\s{1,8}R\b|<<)")
_TAIL: Final = 4 * 1024
_LONG_TAIL: Final = 64 * 1024
_INDEX: Final = 4 * 1024
_VERY_LONG_TAIL: Final = 1024 * 1024
# Only its attachments have a password.
_ATTACHMENTS_ONLY: Final = re.compile(rb"/AuthEvent\s{0,8}/EFOpen\b")
_OF_DOCUMENT: Final = re.compile(rb"/AuthEvent\s{0,8}/DocOpen\b|/StmF\s{0,8}/StdCF\b")
_TABLE: Final = re.compile(rb"\s{0,8}xref\s{1,8}\d{1,10} (\d{1,7})\s{1,3}")
_ROW: Final = 20
# Without `startxref` readers look for these and make the table anew.
_TRAILER: Final = re.compile(rb"trailer\s{0,8}<<[^>]{0,2000}/Root\b")


def header_offset(source: Source) -> int | None:
    """Where a PDF header stands within the first 1,024 bytes."""
    found = _HEADER.search(source.head, 0, _HEADER_WITHIN + 8)
    return found.start() if found else None


def pdf(source: Source) -> Content | None:
    """A text may mention a header further in: away from the start the end must fit too."""
    start = header_offset(source)
    if start is None:
        return None
    tail, end = _ending(source)
    if end is None and start > 0:
        return None
    findings = []
    if end is None and not _TRAILER.match(tail, max(0, tail.rfind(b"trailer"))):
        findings.append(Finding(Note.DAMAGED, "its end is missing"))
    places = [source.head[: 2 * _INDEX], tail]
    if end is not None:
        index = start + int(end[1])
        places.append(source.at(index, _INDEX))
        table = _TABLE.match(places[-1])
        if table is not None:
            places.append(source.at(index + table.end() + _ROW * int(table[1]), _INDEX))
    # Only where nothing speaks of another password.
    is_open = any(_ATTACHMENTS_ONLY.search(place) for place in places) and not any(
        _OF_DOCUMENT.search(place) for place in places
    )
    if not is_open and any(_ENCRYPTED.search(place) for place in places):
        findings.append(Finding(Note.ENCRYPTED, "it has a password, or limits what may be done"))
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
