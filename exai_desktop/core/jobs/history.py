"""The history: every file that came to an end, also after it has left the queue.

A file keeps its number. What is cleared from the queue stays here until it is forgotten, and that
is the only way out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Final, Protocol

from exai_desktop.core.copies.lights import IdFacts
from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.receipts import ReceiptForm, ReceiptText
from exai_desktop.core.jobs.states import JobState


class HistoryKind(StrEnum):
    """How a file ended: what a list is filtered by."""

    SENT = "sent"
    GONE = "gone"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


HISTORY_WORDS: Final[dict[HistoryKind, str]] = {
    HistoryKind.SENT: "Sent",
    HistoryKind.GONE: "Gone at the provider",
    HistoryKind.FAILED: "Failed",
    HistoryKind.REFUSED: "Refused",
    HistoryKind.CANCELLED: "Cancelled",
}

# The others are told apart by their state alone.
SENT_STATES: Final = frozenset({JobState.DONE, JobState.DUPLICATE})
_KIND_OF: Final = {
    JobState.FAILED: HistoryKind.FAILED,
    JobState.REFUSED: HistoryKind.REFUSED,
    JobState.CANCELLED: HistoryKind.CANCELLED,
}


class HistorySort(StrEnum):
    NUMBER = "number"
    ENDED = "ended"
    NAME = "name"
    SIZE = "size"
    ACCOUNT = "account"
    STATE = "state"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """`kinds` empty: all. `search` matches name, folder, file id, hash and error.

    `codes` and `also` are what a search finds besides: error codes, and ids by account.
    `since` and `until` are about the end; `ids` are numbers; `before` and `sort` by number: the
    page that follows a row, however many rows there are.
    """

    kinds: tuple[HistoryKind, ...] = ()
    account: str | None = None
    batch: int | None = None
    ids: tuple[int, ...] | None = None
    search: str = ""
    codes: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()
    since: float | None = None
    until: float | None = None
    before: int | None = None
    sort: HistorySort = HistorySort.NUMBER
    descending: bool = True
    offset: int = 0
    limit: int = 200


@dataclass(frozen=True, slots=True)
class PastFile:
    """`cleared_at` None: it is in the queue, too. `copy_id`, `verified_at` and `expires_at` are
    those of its file at the provider; `sharing` is how many names have this id."""

    id: int
    batch_id: int
    batch_at: float
    path: str
    name: str
    state: JobState
    size: int
    added_at: float
    ended_at: float
    cleared_at: float | None = None
    provider: str | None = None
    account: str | None = None
    purpose: str | None = None
    sha256: str | None = None
    file_id: str | None = None
    file_state: CopyState | None = None
    error: ErrorView | None = None
    attempts: int = 0
    copy_id: int | None = None
    verified_at: float | None = None
    expires_at: float | None = None
    sharing: int = 1

    @property
    def kind(self) -> HistoryKind:
        if self.state in SENT_STATES:
            return HistoryKind.GONE if self.file_state is not None else HistoryKind.SENT
        return _KIND_OF[self.state]

    @property
    def id_facts(self) -> IdFacts | None:
        """None: it never got an id. It was there when its upload ended."""
        if self.state not in SENT_STATES:
            return None
        seen_at = self.ended_at if self.verified_at is None else self.verified_at
        state = self.file_state or CopyState.PRESENT
        return IdFacts(state, seen_at, self.expires_at, self.sharing)

    @property
    def folder(self) -> str:
        """For people; whole, and harmless to show."""
        return plain_text(str(PurePath(self.path).parent), len(self.path) or 1)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    rows: tuple[PastFile, ...]
    total: int


def codes_like(text: str) -> tuple[str, ...]:
    """Error codes whose name, number or title holds this text."""
    wanted = text.strip().casefold()
    if not wanted:
        return ()
    return tuple(
        code.value
        for code, info in CODES.items()
        if wanted in code.casefold()
        or wanted == str(info.number)
        or wanted in info.title.casefold()
    )


class HistoryService(Protocol):
    """Files that came to an end."""

    async def page(self, query: HistoryQuery) -> HistoryPage:
        """A search looks at errors and kept texts, too."""

    async def counts(self) -> Mapping[HistoryKind, int]:
        """How many files there are of each kind."""

    async def text(
        self,
        query: HistoryQuery,
        form: ReceiptForm,
        after: int | None = None,
        most: int | None = None,
    ) -> ReceiptText:
        """Files of a query in a form of `receipt`, the newest first: the first piece, or the one
        behind file number `after`."""

    async def save(self, query: HistoryQuery, form: ReceiptForm, file: str) -> int:
        """Write all of it into this file, which only the user can read; returns how many files
        are in it. Raises RECEIPT_NOT_WRITTEN."""

    async def forget(self, ids: Sequence[int] | None = None, before: float | None = None) -> int:
        """Delete for good what has left the queue: these numbers, what ended before this time, or
        with neither all. Nothing is deleted at a provider, and the audit trail stays. Returns how
        many were forgotten."""


class HistoryStore(Protocol):
    """The part of the record behind it."""

    async def page(self, query: HistoryQuery) -> HistoryPage: ...

    async def counts(self) -> Mapping[HistoryKind, int]: ...

    async def forget(self, ids: Collection[int] | None, before: float | None) -> int: ...
