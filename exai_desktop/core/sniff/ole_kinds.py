"""What an OLE compound file is, whether it has a password, and whether it has macros."""

from __future__ import annotations

import struct
from typing import Final

from exai_desktop.core.sniff.look import Content, Damage, Finding, Note, Source
from exai_desktop.core.sniff.ole_directory import STORAGE, CompoundFile, OleEntry
from exai_desktop.core.sniff.ole_objects import LookInside, object_findings

# Class of the root of installers, patches and transforms.
_INSTALLERS: Final = frozenset(
    struct.pack("<IHH", number, 0, 0) + b"\xc0\0\0\0\0\0\0F"
    for number in (0x000C1084, 0x000C1086, 0x000C1082)
)
# Installers pack their table names into this range of characters.
_PACKED_NAMES: Final = range(0x3800, 0x4841)
_MACRO_NAMES: Final = frozenset({"macros", "_vba_project_cur", "vba", "_vba_project"})
# Word 97 and later, Word 6 and 95, and Word 95 of the Far East.
_WORD_STARTS: Final = (b"\xec\xa5", b"\xdc\xa5", b"\x97\xa6", b"\x98\xa6", b"\x99\xa6")
_WORD_ENCRYPTED: Final = 0x0100
_PPT_ENCRYPTED: Final = b"\xdf\xc4\xd1\xf3"
_PPT_MACROS: Final = b"\x02\0\0\x04\x0c\0\0\0"
_PPT_LOOK: Final = 256 * 1024
_SHEET_LOOK: Final = 64 * 1024
_FILE_PASS: Final = 0x2F
_BOUND_SHEET: Final = 0x85
_MACRO_SHEET: Final = 1
_END_OF_PART: Final = 0x0A
_PASSWORD: Final = Finding(Note.ENCRYPTED, "it has a password")


def ole_content(source: Source, inside: LookInside = lambda _: None) -> Content:
    """Never raises: damage is a finding. `inside`: looks into containers within."""
    kind = "ole"
    findings: list[Finding] = []
    try:
        file = CompoundFile(source)
        top = file.children()
        kind = _kind(file, top)
        findings += _inside(file, kind, top)
        findings += object_findings(file, inside)
    except Damage as error:
        findings.append(Finding(Note.DAMAGED, str(error)))
    return Content(kind, tuple(findings))


def _kind(file: CompoundFile, top: dict[str, OleEntry]) -> str:
    if file.root.clsid in _INSTALLERS or _has_packed_names(top):
        return "msi"
    if "encryptedpackage" in top:
        return "ooxml-encrypted"
    if "worddocument" in top:
        return "doc"
    if "powerpoint document" in top:
        return "ppt"
    if "workbook" in top or "book" in top:
        return "xls"
    if "visiodocument" in top:
        return "vsd"
    return "msg" if "__properties_version1.0" in top else "ole"


def _has_packed_names(top: dict[str, OleEntry]) -> bool:
    packed = [name for name in top if name and all(ord(c) in _PACKED_NAMES for c in name)]
    return len(packed) >= 3


def _inside(file: CompoundFile, kind: str, top: dict[str, OleEntry]) -> list[Finding]:
    findings = []
    macros = any(entry.name.lower() in _MACRO_NAMES for entry in file.entries if entry.type)
    if kind == "ooxml-encrypted":
        findings.append(_PASSWORD)
    elif kind == "doc":
        start = file.read(top["worddocument"], 32)
        if len(start) < 12 or start[:2] not in _WORD_STARTS:
            raise Damage("its text is missing")
        if int.from_bytes(start[10:12], "little") & _WORD_ENCRYPTED:
            findings.append(_PASSWORD)
    elif kind == "xls":
        has_password, has_macro_sheets = _workbook(file.read(_book(top), _SHEET_LOOK))
        findings += [_PASSWORD] if has_password else []
        macros = macros or has_macro_sheets
    elif kind == "ppt":
        user = top.get("current user")
        if "encryptedsummary" in top or (user and _PPT_ENCRYPTED in file.read(user, 64)[12:16]):
            findings.append(_PASSWORD)
        macros = macros or _has_slide_macros(file.read(top["powerpoint document"], _PPT_LOOK))
    if macros:
        findings.append(Finding(Note.MACROS, "macros"))
    return findings


def _book(top: dict[str, OleEntry]) -> OleEntry:
    book = top.get("workbook") or top["book"]
    if book.type == STORAGE:
        raise Damage("its sheets are missing")
    return book


def _workbook(content: bytes) -> tuple[bool, bool]:
    """Whether the first part of a workbook says it is encrypted, and has Excel 4 macro sheets."""
    if content[:1] != b"\x09":
        raise Damage("its sheets are missing")
    place, has_macros = 0, False
    while place + 4 <= len(content):
        number, length = struct.unpack_from("<HH", content, place)
        if number == _FILE_PASS:
            return True, has_macros
        if number == _END_OF_PART:
            break
        if number == _BOUND_SHEET and content[place + 9 : place + 10] == bytes([_MACRO_SHEET]):
            has_macros = True
        place += 4 + length
    return False, has_macros


def _has_slide_macros(content: bytes) -> bool:
    """Slides keep macros in their one stream; a record of 12 bytes says whether there are any."""
    place = content.find(_PPT_MACROS)
    while place >= 0:
        if content[place + 12 : place + 16] == b"\x01\0\0\0":
            return True
        place = content.find(_PPT_MACROS, place + 1)
    return False
