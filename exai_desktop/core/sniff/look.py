"""A look into a file: what it may read of it, and what it can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

HEAD: Final = 64 * 1024
# A zip directory of 10,000 entries and a compound file's directory fit; a whole large file never.
BUDGET: Final = 12 * 1024 * 1024


class SniffStopped(Exception):  # noqa: N818 - what follows is decided by the two below
    """Looking further is not possible or not worth it; the text says why."""


class Damage(SniffStopped):
    """The container's own structure does not hold."""


class LookEnded(Damage):
    """The allowance for bytes or time is used up: it says nothing about the file."""


class Bomb(SniffStopped):
    """The container would unpack to far more than it should."""


class Source:
    """A file as `read_at(offset, size)` and its size. Raises `Damage` past its budget."""

    def __init__(
        self,
        read_at: Callable[[int, int], bytes],
        size: int,
        budget: int = BUDGET,
        is_late: Callable[[], bool] = lambda: False,
        head: bytes | None = None,
    ) -> None:
        """`is_late`: what need not be looked at is left out from now on."""
        self.size = size
        self._read_at = read_at
        self._left = budget
        self._is_late = is_late
        self.head = self._read(0, min(size, HEAD)) if head is None else head

    def second_look(self, budget: int) -> Source:
        """The same file with an allowance of its own, for what may be left out.

        It ends with `LookEnded` as soon as the file takes long; the first look goes on.
        """

        def read_at(offset: int, size: int) -> bytes:
            if self._is_late():
                raise LookEnded("there is no time for it")
            return self._read_at(offset, size)

        return Source(read_at, self.size, budget, self._is_late, self.head)

    @classmethod
    def of(cls, content: bytes) -> Source:
        return cls(lambda offset, size: content[offset : offset + size], len(content))

    def at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer or none where the file ends."""
        size = min(size, self.size - offset)
        if offset < 0 or size <= 0:
            return b""
        if offset + size <= len(self.head):
            return self.head[offset : offset + size]
        return self._read(offset, size)

    def exactly(self, offset: int, size: int) -> bytes:
        """As `at`, but raises `Damage` when the file ends before."""
        found = self.at(offset, size)
        if len(found) != size:
            raise Damage("it ends too early")
        return found

    def tail(self, size: int) -> bytes:
        return self.at(max(0, self.size - size), size)

    def _read(self, offset: int, size: int) -> bytes:
        if size > self._left:
            raise LookEnded("its structure is too large to be checked")
        self._left -= size
        pieces = []
        while size:
            # Network file systems may give less than was asked for.
            piece = self._read_at(offset, size)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            size -= len(piece)
        return b"".join(pieces)


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
    """What was noticed; `core.sniff.verdict` decides what follows."""

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
