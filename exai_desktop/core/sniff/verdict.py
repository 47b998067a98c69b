"""From bytes and a name to a verdict, and what follows: taken, asked about, or refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.sniff.kinds import (
    KINDS,
    KNOWN_ENDINGS,
    PROGRAM_ENDINGS,
    SOURCE_ENDINGS,
    TEXT_ENDINGS,
    agreement,
)
from exai_desktop.core.sniff.look import Agreement, Content, Family, Finding, Note, Source, Verdict
from exai_desktop.core.sniff.media import attached_archive, book_findings, media, walk
from exai_desktop.core.sniff.ole_directory import MAGIC as OLE_MAGIC
from exai_desktop.core.sniff.ole_kinds import ole_content
from exai_desktop.core.sniff.pdf import header_offset, pdf
from exai_desktop.core.sniff.signatures import SHORT_MARKS, fixed, program
from exai_desktop.core.sniff.text import (
    LegacyEncoding,
    compressed_drawing,
    encoding_of,
    is_plain_text,
    starts_with_shebang,
    text_content,
)
from exai_desktop.core.sniff.zip_kinds import zip_content
from exai_desktop.core.sniff.zip_members import program_within

C = ErrorCode

# These turn text around: "cod.exe" can be made to look like "exe.doc".
_TURNING: Final = frozenset(chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³])(?:\.|$)", re.IGNORECASE)
# Windows writes to a stream beside the file's content: "a.txt:b", "a.txt::$DATA".
_STREAM: Final = re.compile(r"(?P<base>.*\.(?P<ending>\w{1,8})|.*(?=:[^:]*:\$)):(?P<stream>.+)")
_SHOWN_ENDINGS: Final = frozenset().union(
    *(kind.endings for kind in KINDS.values() if kind.family is not Family.PROGRAM)
)


def plain_name(path: str) -> str:
    """The last part as a system would read it: no look-alike letters, nothing invisible."""
    name = unicodedata.normalize("NFKC", PurePath(path).name)
    seen = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return seen.strip().rstrip(". ")


def ending_of(path: str) -> str:
    """The ending that counts, lower-case, without a stream's name."""
    return _endings(_without_stream(plain_name(path)))[-1]


def _without_stream(name: str) -> str:
    found = _STREAM.fullmatch(name)
    if found and (found["ending"] is None or found["ending"].lower() in KNOWN_ENDINGS):
        return found["base"].rstrip(". ")
    return name


def _endings(name: str) -> tuple[str, str]:
    """The last two endings, "" for what is not there. A dot in front is part of the name."""
    parts = [part.strip().lower() for part in name.lstrip(".").split(".")]
    if len(parts) < 2:
        return "", ""
    return (parts[-2] if len(parts) > 2 else ""), parts[-1]


def name_findings(path: str) -> tuple[Finding, ...]:
    name = PurePath(path).name
    plain = plain_name(path)
    bare = _without_stream(plain)
    first, last = _endings(bare)
    findings = []
    # The name of a stream runs as well as the name of a file.
    if last in PROGRAM_ENDINGS or _endings(plain)[1] in PROGRAM_ENDINGS:
        ending = last if last in PROGRAM_ENDINGS else _endings(plain)[1]
        findings.append(Finding(Note.PROGRAM_NAME, f".{ending}"))
        if first in _SHOWN_ENDINGS:
            findings.append(Finding(Note.DOUBLE_ENDING, f".{first}.{ending}"))
    if bare != plain:
        findings.append(Finding(Note.DECEPTIVE_NAME, "it is the name of a hidden file stream"))
    if any(c in _TURNING for c in name):
        findings.append(Finding(Note.DECEPTIVE_NAME, "hidden characters reverse parts of its name"))
    if _RESERVED.match(plain):
        findings.append(Finding(Note.RESERVED_NAME, "Windows reserves this name"))
    return tuple(findings)


_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")
# Programs that are texts; what makes a system run them is their name.
_WRITTEN_PROGRAMS: Final = frozenset({"script", "launcher", "registry"})


def sniff(source: Source, path: str, legacy: LegacyEncoding | None = None) -> Verdict:
    """Judge a file. Raises what `source` raises, and `Damage` when it is out of budget."""
    return verdict_of(recognise(source, legacy), path)


def verdict_of(content: Content, path: str) -> Verdict:
    """Content and name together; a name can make a program of anything."""
    ending = ending_of(path)
    findings = content.findings + name_findings(path)
    kind = content.kind
    # Systems run these by their name: as notes or as a configuration nothing runs them.
    if kind in _WRITTEN_PROGRAMS and ending in TEXT_ENDINGS - SOURCE_ENDINGS:
        kind = "text"
    family = KINDS[kind].family
    is_program = (
        family is Family.PROGRAM
        or any(f.note in (Note.PROGRAM_NAME, Note.PROGRAM_INSIDE) for f in findings)
        or (kind == "script" and ending not in SOURCE_ENDINGS)
    )
    return Verdict(kind, family, is_program, agreement(kind, ending), findings)


def recognise(source: Source, legacy: LegacyEncoding | None = None) -> Content:
    """The kind by content alone."""
    if source.size == 0:
        return Content("empty")
    kind = program(source)
    if kind and not _is_only_text(kind, source, legacy):
        return Content(kind)
    # A shell reads only the first line, whatever follows it: a PDF, or binary rubbish.
    if starts_with_shebang(source.head[:64].decode("latin-1").removeprefix("ï»¿")):
        return Content("script")
    if source.head.startswith(_ZIP_STARTS):
        return _with_company(source, zip_content(source))
    if source.head.startswith(OLE_MAGIC):
        return _with_company(source, ole_content(source, program_within))
    kind = fixed(source)
    if kind and not _is_only_text(kind, source, legacy):
        return _fixed_content(source, kind)
    content = media(source)
    if content is not None and _is_only_text(content.kind, source, legacy):
        content = None
    content = content or pdf(source)
    return _with_company(source, content) if content else _text(source, legacy)


def _is_only_text(kind: str, source: Source, legacy: LegacyEncoding | None) -> bool:
    return kind in SHORT_MARKS and is_plain_text(source, legacy)


def _fixed_content(source: Source, kind: str) -> Content:
    if kind == "gzip":
        return compressed_drawing(source) or Content("gzip")
    whole = walk(source, kind)
    lock = book_findings(source) if kind == "mobi" else ()
    return _with_company(source, Content(kind, whole.findings + lock), whole.end)


def _with_company(source: Source, content: Content, end: int | None = None) -> Content:
    """Add a finding when the file is something else at the same time."""
    other = None
    if content.kind != "pdf" and header_offset(source) is not None and pdf(source) is not None:
        other = "it is also a PDF document"
    # Archives may be packed once more; a picture or a PDF with one behind it is a disguise.
    if not source.head.startswith(b"PK") and KINDS[content.kind].family is not Family.ARCHIVE:
        if content.kind == "webp":
            end = walk(source, content.kind).end
        other = attached_archive(source, content.kind, end) or other
    if other is None:
        return content
    return Content(content.kind, (*content.findings, Finding(Note.POLYGLOT, other)))


def _text(source: Source, legacy: LegacyEncoding | None) -> Content:
    encoding = encoding_of(source, legacy)
    return text_content(source, encoding) if encoding else Content("unknown")


class Rule(StrEnum):
    """`ask`: refused until the user has accepted this code for this file."""

    ALLOW = "allow"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    mismatch: Rule = Rule.ASK
    macros: Rule = Rule.ASK
    encrypted: Rule = Rule.ASK
    deceptive: Rule = Rule.ASK
    secret: Rule = Rule.ASK

    def is_question(self, code: ErrorCode) -> bool:
        """Whether the user may answer this objection; what is always refused is none."""
        rules = {
            C.CONTENT_MISMATCH: self.mismatch,
            C.MACROS_FOUND: self.macros,
            C.ENCRYPTED_DOCUMENT: self.encrypted,
            C.DECEPTIVE_NAME: self.deceptive,
            C.SECRET_INSIDE: self.secret,
        }
        return rules.get(code) is Rule.ASK


DEFAULT_POLICY = ContentPolicy()


def judge_content(
    verdict: Verdict,
    path: str,
    policy: ContentPolicy = DEFAULT_POLICY,
    accepted: Collection[str] = (),
) -> None:
    """Raise `FileError` with the gravest objection; `accepted` lifts codes that only ask."""
    _refuse_always(verdict)
    objections = (
        (policy.deceptive, C.DECEPTIVE_NAME, _detail(verdict, Note.DECEPTIVE_NAME)),
        (policy.mismatch, C.CONTENT_MISMATCH, _mismatch(verdict, path)),
        (policy.encrypted, C.ENCRYPTED_DOCUMENT, _detail(verdict, Note.ENCRYPTED)),
        (policy.macros, C.MACROS_FOUND, _detail(verdict, Note.MACROS)),
    )
    for rule, code, detail in objections:
        if detail is not None:
            _object(rule, code, detail, accepted)


def judge_secrets(
    told: str, policy: ContentPolicy = DEFAULT_POLICY, accepted: Collection[str] = ()
) -> None:
    """As `judge_content`, for what a search for keys and passwords tells."""
    _object(policy.secret, C.SECRET_INSIDE, told, accepted)


def is_searched(
    verdict: Verdict, policy: ContentPolicy = DEFAULT_POLICY, accepted: Collection[str] = ()
) -> bool:
    """Whether keys and passwords are looked for: in plain text, unless it would change nothing.

    Office documents, PDFs and pictures are not searched.
    """
    is_text = verdict.family is Family.TEXT or verdict.kind == "svg"
    is_answered = policy.secret is Rule.ASK and C.SECRET_INSIDE.value in accepted
    return is_text and policy.secret is not Rule.ALLOW and not is_answered


def _object(rule: Rule, code: ErrorCode, detail: str, accepted: Collection[str]) -> None:
    if rule is Rule.ALLOW:
        return
    if rule is Rule.REFUSE:
        raise FileError(code, f"{detail}; the settings always refuse such files".lstrip("; "))
    if code.value not in accepted:
        raise FileError(code, detail)


def _refuse_always(verdict: Verdict) -> None:
    if verdict.kind == "empty":
        raise FileError(C.EMPTY_FILE)
    if verdict.is_program:
        raise FileError(C.MALICIOUS_FILE, _program_detail(verdict))
    bomb = _detail(verdict, Note.BOMB)
    if bomb is not None:
        raise FileError(C.ARCHIVE_BOMB, bomb)
    damage = _detail(verdict, Note.DAMAGED)
    if verdict.family is Family.ARCHIVE and (
        damage is None or verdict.agrees_with_name is Agreement.YES
    ):
        raise FileError(C.ARCHIVE_NOT_TAKEN, f"it is {KINDS[verdict.kind].title}")
    if damage is None:
        damage = _detail(verdict, Note.UNREADABLE)
    if damage is not None:
        raise FileError(C.FILE_DAMAGED, damage)
    if verdict.family is Family.UNKNOWN and verdict.agrees_with_name is not Agreement.NO:
        raise FileError(C.INVALID_FILE_TYPE, f"it is {KINDS[verdict.kind].title}")


def _program_detail(verdict: Verdict) -> str:
    inside = verdict.finding(Note.PROGRAM_INSIDE)
    if inside:
        return plain_text(f"it contains a program: {inside.detail}", 200)
    double = verdict.finding(Note.DOUBLE_ENDING) or verdict.finding(Note.PROGRAM_NAME)
    if verdict.family is Family.PROGRAM or verdict.kind == "script" or double is None:
        return f"it is {KINDS[verdict.kind].title}"
    return f"its name ends in {double.detail}"


def _detail(verdict: Verdict, note: Note) -> str | None:
    found = verdict.finding(note)
    # Names of members come from the file itself.
    return plain_text(found.detail, 200) if found else None


def _mismatch(verdict: Verdict, path: str) -> str | None:
    if verdict.agrees_with_name is Agreement.NO:
        return plain_text(f"named .{ending_of(path)}, but it is {KINDS[verdict.kind].title}", 200)
    return _detail(verdict, Note.POLYGLOT)
