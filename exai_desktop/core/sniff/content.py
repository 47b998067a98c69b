"""From bytes and a name to a verdict."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.sniff.kinds import KINDS, SOURCE_ENDINGS, agreement
from exai_desktop.core.sniff.markup import compressed_drawing, starts_with_shebang, text_content
from exai_desktop.core.sniff.media import media
from exai_desktop.core.sniff.name_rules import ending_of, name_findings
from exai_desktop.core.sniff.ole_directory import MAGIC as OLE_MAGIC
from exai_desktop.core.sniff.ole_kinds import ole_content
from exai_desktop.core.sniff.pdf import header_offset, pdf
from exai_desktop.core.sniff.programs import program
from exai_desktop.core.sniff.signatures import fixed
from exai_desktop.core.sniff.source import Source
from exai_desktop.core.sniff.text import LegacyEncoding, encoding_of
from exai_desktop.core.sniff.verdict import Content, Family, Finding, Note, Verdict
from exai_desktop.core.sniff.zip_kinds import zip_content

_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")
_PNG_END: Final = b"IEND\xaeB`\x82"
_PICTURE_TAIL: Final = 64 * 1024
# Where another container's end record is looked for behind a picture, a film or a PDF.
_ATTACHED: Final = 1024


def sniff(source: Source, path: str, legacy: LegacyEncoding | None = None) -> Verdict:
    """Judge a file. Raises what `source` raises, and `Damage` when it is out of budget."""
    return verdict_of(recognise(source, legacy), path)


def verdict_of(content: Content, path: str) -> Verdict:
    """Content and name together; a name can make a program of anything."""
    ending = ending_of(path)
    findings = content.findings + name_findings(path)
    family = KINDS[content.kind].family
    is_program = (
        family is Family.PROGRAM
        or any(f.note in (Note.PROGRAM_NAME, Note.PROGRAM_INSIDE) for f in findings)
        or (content.kind == "script" and ending not in SOURCE_ENDINGS)
    )
    return Verdict(content.kind, family, is_program, agreement(content.kind, ending), findings)


def recognise(source: Source, legacy: LegacyEncoding | None = None) -> Content:
    """The kind by content alone."""
    if source.size == 0:
        return Content("empty")
    kind = program(source)
    if kind:
        return Content(kind)
    # A shell reads only the first line, whatever follows it: a PDF, or binary rubbish.
    if starts_with_shebang(source.head[:64].decode("latin-1").removeprefix("ï»¿")):
        return Content("script")
    if source.head.startswith(_ZIP_STARTS):
        return _with_company(source, zip_content(source))
    if source.head.startswith(OLE_MAGIC):
        return _with_company(source, ole_content(source))
    kind = fixed(source)
    if kind:
        return _with_company(source, _fixed_content(source, kind))
    content = media(source) or pdf(source)
    return _with_company(source, content) if content else _text(source, legacy)


def _fixed_content(source: Source, kind: str) -> Content:
    if kind == "gzip":
        return compressed_drawing(source) or Content("gzip")
    if kind == "png" and not (
        source.tail(64).endswith(_PNG_END) or _PNG_END in source.tail(_PICTURE_TAIL)
    ):
        return Content("png", (Finding(Note.DAMAGED, "its end is missing"),))
    return Content(kind)


def _with_company(source: Source, content: Content) -> Content:
    """Add a finding when the file is something else at the same time."""
    other = None
    if content.kind != "pdf" and header_offset(source) is not None and pdf(source) is not None:
        other = "it is also a PDF document"
    # Archives may be packed once more; a picture or a PDF with one behind it is a disguise.
    family = KINDS[content.kind].family
    if not source.head.startswith(b"PK") and family is not Family.ARCHIVE:
        tail = source.tail(_ATTACHED)
        place = tail.rfind(b"PK\x05\x06")
        if place >= 0 and b"PK\x01\x02" in source.tail(_PICTURE_TAIL) and len(tail) - place >= 22:
            other = "a zip archive is attached to it"
    if other is None:
        return content
    return Content(content.kind, (*content.findings, Finding(Note.POLYGLOT, other)))


def _text(source: Source, legacy: LegacyEncoding | None) -> Content:
    encoding = encoding_of(source, legacy)
    return text_content(source, encoding) if encoding else Content("unknown")
