"""What a zip container is: an Office document, a book, a program, or just an archive."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.sniff.kinds import words
from exai_desktop.core.sniff.look import Bomb, Content, Damage, Finding, Note, Source
from exai_desktop.core.sniff.zip_directory import (
    MAX_TOTAL,
    Directory,
    Entry,
    read_directory,
    weigh,
)
from exai_desktop.core.sniff.zip_members import is_locked_book, member_findings, packed_program
from exai_desktop.core.sniff.zip_unpacking import unpack

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_MS: Final = "application/vnd.ms-"
# Content type of the main part -> kind. The ending never decides.
_MAIN_TYPES: Final = {
    _OFFICE + "wordprocessingml.document.main+xml": "docx",
    _OFFICE + "wordprocessingml.template.main+xml": "dotx",
    _OFFICE + "spreadsheetml.sheet.main+xml": "xlsx",
    _OFFICE + "spreadsheetml.template.main+xml": "xltx",
    _OFFICE + "presentationml.presentation.main+xml": "pptx",
    _OFFICE + "presentationml.slideshow.main+xml": "ppsx",
    _OFFICE + "presentationml.template.main+xml": "potx",
    _MS + "word.document.macroEnabled.main+xml": "docm",
    _MS + "word.template.macroEnabledTemplate.main+xml": "dotm",
    _MS + "excel.sheet.macroEnabled.main+xml": "xlsm",
    _MS + "excel.template.macroEnabled.main+xml": "xltm",
    _MS + "excel.sheet.binary.macroEnabled.main": "xlsb",
    _MS + "excel.addin.macroEnabled.main+xml": "xlam",
    _MS + "powerpoint.presentation.macroEnabled.main+xml": "pptm",
    _MS + "powerpoint.slideshow.macroEnabled.main+xml": "ppsm",
    _MS + "powerpoint.template.macroEnabled.main+xml": "potm",
    _MS + "visio.drawing.main+xml": "vsdx",
    _MS + "package.xps-fixeddocumentsequence+xml": "xps",
}
_MACRO_TWINS: Final = {
    "docx": "docm", "dotx": "dotm", "xlsx": "xlsm", "xltx": "xltm",
    "pptx": "pptm", "ppsx": "ppsm", "potx": "potm",
}  # fmt: skip
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument."
_MIMETYPES: Final = {
    _OPEN_DOCUMENT + "text": "odt",
    _OPEN_DOCUMENT + "spreadsheet": "ods",
    _OPEN_DOCUMENT + "presentation": "odp",
    _OPEN_DOCUMENT + "graphics": "odg",
    "application/epub+zip": "epub",
}
# What decides the kind: with two of them, readers disagree which one counts.
_DECIDING: Final = frozenset({"[content_types].xml", "mimetype"})
_SHORT: Final = 256
_TYPES_LIMIT: Final = 512 * 1024
_NESTED_ENDINGS: Final = words("zip docx docm xlsx xlsm xlsb pptx pptm odt ods odp epub jar")
_NESTED_LIMIT: Final = 2 << 20
_NESTED_ALLOWANCE: Final = 12 << 20
_MAX_DEPTH: Final = 3


def zip_content(source: Source) -> Content:
    """Never raises: damage and bombs are findings."""
    try:
        directory = read_directory(source)
    except Damage as error:
        return Content("zip", (Finding(Note.DAMAGED, str(error)),))
    except Bomb as error:
        return Content("zip", (Finding(Note.BOMB, str(error)),))
    findings: list[Finding] = []
    kind = "zip"
    try:
        total = weigh(directory.entries)
        kind = _kind(directory, findings)
        if kind != "zip":
            _Nested(total).look_into(directory)
            findings += member_findings(directory)
    except Damage as error:
        findings.append(Finding(Note.DAMAGED, str(error)))
    except Bomb as error:
        findings.append(Finding(Note.BOMB, str(error)))
    if directory.prefix:
        findings.append(Finding(Note.POLYGLOT, "there is other data before the archive"))
    return Content(kind, tuple(findings))


def _kind(directory: Directory, findings: list[Finding]) -> str:
    names = {e.name.lower(): e for e in reversed(directory.entries)}
    program = packed_program(names)
    if program:
        return program
    if sum(e.name.lower() in _DECIDING for e in directory.entries) > 1:
        findings.append(Finding(Note.POLYGLOT, "it states its type twice"))
    if "[content_types].xml" in names:
        kind = _office(directory, names, findings)
    elif "mimetype" in names:
        kind = _by_mimetype(directory, names, findings)
    elif "meta-inf/container.xml" in names and any(n.endswith(".opf") for n in names):
        kind = "epub"
        _note_lock(directory, names, findings)
    elif "index/document.iwa" in names or "index.zip" in names:
        kind = "iwork"
    else:
        return "zip"
    if kind != "zip" and any(e.encrypted for e in directory.entries):
        findings.append(Finding(Note.ENCRYPTED, "parts of it have a password"))
    return kind


def _office(directory: Directory, names: dict[str, Entry], findings: list[Finding]) -> str:
    types = unpack(directory, names["[content_types].xml"], _TYPES_LIMIT)
    if types.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = types.decode("utf-16", "replace")
    else:
        text = types.decode("utf-8", "replace")
    kind = next((k for name, k in _MAIN_TYPES.items() if f'"{name}"' in text), None)
    if kind is None:
        kind = next((k for name, k in _MAIN_TYPES.items() if f"'{name}'" in text), "zip")
    has_code = any(n.endswith("vbaproject.bin") for n in names) or "ms-office.vbaProject" in text
    has_sheets = any(n.startswith("xl/macrosheets/") for n in names)
    if has_code:
        kind = _MACRO_TWINS.get(kind, kind)
    if has_code or has_sheets:
        findings.append(Finding(Note.MACROS, "macros" if has_code else "Excel 4 macro sheets"))
    return kind


def _by_mimetype(directory: Directory, names: dict[str, Entry], findings: list[Finding]) -> str:
    said = unpack(directory, names["mimetype"], _SHORT).decode("ascii", "replace").strip()
    kind = _MIMETYPES.get(said.removesuffix("-template"), "zip")
    if kind == "epub":
        _note_lock(directory, names, findings)
    elif kind != "zip":
        manifest = names.get("meta-inf/manifest.xml")
        if manifest and b"encryption-data" in unpack(directory, manifest, _TYPES_LIMIT):
            findings.append(Finding(Note.ENCRYPTED, "it has a password"))
        lists = ("script-lc.xml", "script-lb.xml")
        if any(
            n.startswith(("basic/", "scripts/")) and not n.endswith(("/", *lists)) for n in names
        ):
            findings.append(Finding(Note.MACROS, "macros"))
    return kind


def _note_lock(directory: Directory, names: dict[str, Entry], findings: list[Finding]) -> None:
    if is_locked_book(directory, names):
        findings.append(Finding(Note.ENCRYPTED, "it is copy-protected"))


class _Nested:
    """Adds up what embedded containers declare; one allowance for all depths together."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._left = _NESTED_ALLOWANCE

    def look_into(self, directory: Directory, depth: int = 1) -> None:
        """Raises `Bomb` when the sum or the depth is absurd."""
        entries = directory.entries
        nested = [e for e in entries if e.name.lower().rpartition(".")[2] in _NESTED_ENDINGS]
        if nested and depth > _MAX_DEPTH:
            raise Bomb("archives in archives in archives")
        for entry in nested:
            inner = self._inner(directory, entry)
            if inner is None:
                continue
            self._total += weigh(inner.entries)
            if self._total > MAX_TOTAL:
                raise Bomb(f"with everything in it, it would unpack to {self._total:,} bytes")
            self.look_into(inner, depth + 1)

    def _inner(self, directory: Directory, entry: Entry) -> Directory | None:
        """A container within, if it is one, is whole and the allowance lasts."""
        if entry.size > min(_NESTED_LIMIT, self._left) or entry.encrypted:
            return None
        self._left -= entry.size
        try:
            content = unpack(directory, entry, _NESTED_LIMIT)
            return read_directory(Source.of(content)) if content.startswith(b"PK") else None
        except Damage:
            return None
