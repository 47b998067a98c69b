"""What a look into a file can say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    TEXT = "text"
    DOCUMENT = "document"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    ARCHIVE = "archive"
    PROGRAM = "program"
    UNKNOWN = "unknown"


class Agreement(StrEnum):
    """Whether the name's ending is one of those the content goes by."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Note(StrEnum):
    """What was noticed; `core.sniff.policy` decides what follows."""

    BOMB = "bomb"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    ENCRYPTED = "encrypted"
    RESTRICTED = "restricted"
    MACROS = "macros"
    POLYGLOT = "polyglot"
    PROGRAM_INSIDE = "program_inside"
    PROGRAM_NAME = "program_name"
    DOUBLE_ENDING = "double_ending"
    DECEPTIVE_NAME = "deceptive_name"
    RESERVED_NAME = "reserved_name"


@dataclass(frozen=True, slots=True)
class Finding:
    note: Note
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A kind by its bytes alone: a key of `core.sniff.kinds.KINDS`."""

    kind: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Content and name together. `is_program`: it must not be sent, whatever it is called."""

    kind: str
    family: Family
    is_program: bool
    agrees_with_name: Agreement
    findings: tuple[Finding, ...] = ()

    def finding(self, note: Note) -> Finding | None:
        return next((f for f in self.findings if f.note is note), None)
