"""What an XML text says of itself before its first tag: entities that grow, and files outside."""

from __future__ import annotations

import codecs
import re
from typing import Final

from exai_desktop.core.sniff.look import Finding, Note

# A text of XML that is longer before its first tag hides something there.
PROLOG_LIMIT: Final = 1024 * 1024

_ENTITY: Final = re.compile(
    r"<!ENTITY\s+(%\s+)?([^\s%&;\"\'<>]{1,200})\s+"
    r"(?:\"([^\"]*)\"|\'([^\']*)\'|(SYSTEM|PUBLIC)\s+[\"\']([^\"\']{0,400}))"
)
_DOCTYPE_SYSTEM: Final = re.compile(r"<!DOCTYPE\s+[^\s>\[]{1,200}\s+SYSTEM\s")
_REFERENCE: Final = re.compile(r"[&%]([^\s%&;#]{1,200});")
_MOST_ENTITIES: Final = 5_000
_MOST_GROWN: Final = 1024 * 1024
_MOST_GROWN_IN_TEXT: Final = 16 * 1024 * 1024
_DEEPEST: Final = 64
# What XHTML of old names for its letters.
_WELL_KNOWN: Final = ("-//W3C//", "-//IETF//", "ISO 8879")

GROWS: Final = Finding(Note.BOMB, "its XML defines entities that grow")
DEFINES: Final = Finding(Note.BOMB, "its XML defines entities of its own")
OUTSIDE: Final = Finding(Note.POLYGLOT, "its XML refers to other files")
HIDDEN: Final = Finding(Note.POLYGLOT, "its XML does not begin as it should")

_ENCODINGS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    # IBM's letters: XML names them where it explains how to guess an encoding.
    (b"\x4c\x6f\xa7\x94", "cp037"),
)


def xml_text(start: bytes) -> str | None:
    """The letters of what begins as XML does, None for all else."""
    encoding = next((name for mark, name in _ENCODINGS if start.startswith(mark)), "utf-8")
    text = start.decode(encoding, "replace")
    return text if text.lstrip()[:1] == "<" else None


def prolog_end(text: str) -> int | None:
    """Where the document type or the first tag stands; None where the text ends before."""
    place = 0
    while True:
        while place < len(text) and text[place].isspace():
            place += 1
        if text.startswith("<?", place):
            end, length = text.find("?>", place), 2
        elif text.startswith("<!--", place):
            end, length = text.find("-->", place + 4), 3
        else:
            return place if place < len(text) else None
        if end < 0:
            return None
        place = end + length


def entity_findings(text: str, *, is_office: bool) -> list[Finding]:
    """`text` from its beginning, past the document type. Office documents have no entities."""
    place = prolog_end(text)
    if place is None:
        return [HIDDEN] if text.strip() else []
    if text[place : place + 9] != "<!DOCTYPE":
        return []
    values: dict[str, str] = {}
    findings: list[Finding] = []
    for found in _ENTITY.finditer(text, place):
        _, name, double, single, outside, public = found.groups()
        if outside is None:
            values.setdefault(name, double if double is not None else single or "")
        elif not (outside == "PUBLIC" and not is_office and public.startswith(_WELL_KNOWN)):
            findings.append(OUTSIDE)
        if len(values) > _MOST_ENTITIES:
            return [GROWS]
    if is_office and _DOCTYPE_SYSTEM.match(text, place):
        findings.append(OUTSIDE)
    if values and is_office:
        return [DEFINES, *findings]
    return [GROWS, *findings] if _grows(values, text) else findings


def _grows(values: dict[str, str], text: str) -> bool:
    sizes: dict[str, int] = {}
    for name in values:
        if _size(name, values, sizes, 0) > _MOST_GROWN:
            return True
    total = 0
    for name, size in sizes.items():
        if size > 100:
            total += size * text.count(f"&{name};")
    return total > _MOST_GROWN_IN_TEXT


def _size(name: str, values: dict[str, str], sizes: dict[str, int], depth: int) -> int:
    """Letters of an entity with all that it refers to; endless ones are too long."""
    if name in sizes:
        return sizes[name]
    if depth > _DEEPEST:
        return _MOST_GROWN + 1
    value = values[name]
    # Until it is known: whoever comes by here again runs in a circle.
    sizes[name] = _MOST_GROWN + 1
    total = len(value)
    for inner in _REFERENCE.findall(value):
        if inner in values:
            total += _size(inner, values, sizes, depth + 1)
        if total > _MOST_GROWN:
            break
    sizes[name] = total
    return total
