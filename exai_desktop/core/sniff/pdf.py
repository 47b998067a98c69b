"""PDF by its header, its end and what can be seen without reading its objects."""

from __future__ import annotations

import re
from typing import Final

from exai_desktop.core.sniff.source import Source
from exai_desktop.core.sniff.verdict import Content, Finding, Note

# Readers accept junk before the header; the specification of old says 1,024 bytes.
_HEADER_WITHIN: Final = 1024
_HEADER: Final = re.compile(rb"%PDF-[12]\.\d")
_END: Final = re.compile(rb"startxref\s{1,8}(\d{1,10})(?!\d)")
_ENCRYPTED: Final = re.compile(rb"/Encrypt\s{0,8}(?:\d{1,10}\s{1,8}\d{1,5}\s{1,8}R\b|<<)")
_TAIL: Final = 4 * 1024
_LONG_TAIL: Final = 64 * 1024
_INDEX: Final = 4 * 1024


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
    if end is None:
        findings.append(Finding(Note.DAMAGED, "its end is missing"))
    places = [source.head[: 2 * _INDEX], tail]
    if end is not None:
        places.append(source.at(start + int(end[1]), _INDEX))
    if any(_ENCRYPTED.search(place) for place in places):
        findings.append(Finding(Note.ENCRYPTED, "it has a password, or limits what may be done"))
    return Content("pdf", tuple(findings))


def _ending(source: Source) -> tuple[bytes, re.Match[bytes] | None]:
    """The last part with the last `startxref`; mail gateways append to it, so look twice."""
    tail, ends = b"", list[re.Match[bytes]]()
    for size in (_TAIL, _LONG_TAIL):
        tail = source.tail(size)
        ends = list(_END.finditer(tail))
        if ends or size >= source.size:
            break
    return tail, ends[-1] if ends else None
