"""What follows a verdict: taken, asked about, or refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.settings import Settings
from exai_desktop.core.sniff.kinds import KINDS
from exai_desktop.core.sniff.name_rules import ending_of
from exai_desktop.core.sniff.verdict import Agreement, Family, Note, Verdict

C = ErrorCode


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

    def is_question(self, code: ErrorCode) -> bool:
        """Whether the user may answer this objection; what is always refused is none."""
        rules = {
            C.CONTENT_MISMATCH: self.mismatch,
            C.MACROS_FOUND: self.macros,
            C.ENCRYPTED_DOCUMENT: self.encrypted,
            C.DECEPTIVE_NAME: self.deceptive,
        }
        return rules.get(code) is Rule.ASK


DEFAULT_POLICY = ContentPolicy()


def policy_of(settings: Settings) -> ContentPolicy:
    return ContentPolicy(
        mismatch=Rule(settings.content_mismatch),
        macros=Rule(settings.content_macros),
        encrypted=Rule(settings.content_encrypted),
        deceptive=Rule(settings.content_deceptive),
    )


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
        if detail is None or rule is Rule.ALLOW:
            continue
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
