"""The receipt for a drop, or for some files of the list: what has an ID, where, and what has none.

Sums are calculated in the record; what is copied or saved comes in pieces of text, so that neither
window nor command line holds all files of a large drop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.ranges import JobRange
from exai_desktop.core.jobs.reasons import ReasonGroup


@dataclass(frozen=True, slots=True)
class ReceiptScope:
    """The files of a batch, these files, or those of a selection; nothing: the newest batch."""

    batch: int | None = None
    ids: tuple[int, ...] | None = None
    jobs: JobRange | None = None


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """What was added at once, as far as its files are still in the list."""

    id: int
    created_at: float
    files: int


@dataclass(frozen=True, slots=True)
class ReceiptPlace:
    """What one account has got. `company` and region are for people. `reused` were there already;
    `bytes` are of the others."""

    account: str
    provider: str
    company: str
    sent: int
    reused: int
    bytes: int

    @property
    def files(self) -> int:
        return self.sent + self.reused


@dataclass(frozen=True, slots=True)
class Receipt:
    """`sharing`: files whose ID other files of the list have too. `missing`: what has no valid ID,
    by reason. `open`: files that still go on by themselves. `ended_at` None: there are such."""

    batch: int | None
    began_at: float
    ended_at: float | None
    files: int
    sharing: int
    open: int
    places: tuple[ReceiptPlace, ...]
    missing: tuple[ReasonGroup, ...]

    @property
    def with_id(self) -> int:
        return sum(place.files for place in self.places)

    @property
    def reused(self) -> int:
        return sum(place.reused for place in self.places)

    @property
    def bytes(self) -> int:
        return sum(place.bytes for place in self.places)


class ReceiptForm(StrEnum):
    """The first four hold the valid IDs, the last two every file with its reason."""

    TABLE = "table"
    JSON = "json"
    PYTHON = "python"
    CURL = "curl"
    CSV = "csv"
    REPORT = "report"

    @property
    def is_complete(self) -> bool:
        return self in (ReceiptForm.CSV, ReceiptForm.REPORT)


@dataclass(frozen=True, slots=True)
class ReceiptText:
    """A piece with `files` of them. `last` is where the next one goes on; None: there is none."""

    text: str
    files: int
    last: int | None


@dataclass(frozen=True, slots=True)
class ReceiptSum:
    """Files that have all of this in common. `error_code` is that of the reason, if there is one;
    `first_at` and `last_at` tell when the first was added and the last one settled."""

    state: JobState
    error_code: str | None
    account: str | None
    provider: str | None
    files: int
    bytes: int
    first_at: float
    last_at: float
    example: str


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One file. `file_id` None: it has no ID that works. `sharing`: how many files have this ID."""

    id: int
    path: str
    name: str
    state: JobState
    size: int
    provider: str | None
    account: str | None
    purpose: str | None
    file_id: str | None
    sha256: str | None
    error_code: str | None
    settled_at: float | None
    sharing: int = 1


class ReceiptService(Protocol):
    """Receipts. Raises UNKNOWN_BATCH when a batch has no file in the list."""

    async def batches(self, most: int) -> list[BatchInfo]:
        """The newest first."""

    async def receipt(self, scope: ReceiptScope) -> Receipt: ...

    async def text(
        self, scope: ReceiptScope, form: ReceiptForm, after: int = 0, most: int | None = None
    ) -> ReceiptText:
        """The first piece, or the one behind file number `after`; `most` files at most."""

    async def reasons(self) -> list[ReasonGroup]:
        """Of the whole list, by reason: what is refused, failed or held by an error."""

    async def save(self, scope: ReceiptScope, form: ReceiptForm, file: str) -> int:
        """Write all of it into this file, which only the user can read; a file that is there is
        replaced as a whole. Returns how many files are in it. Raises RECEIPT_NOT_WRITTEN."""


class ReceiptStore(Protocol):
    """The part of the record that receipts and groups are calculated from."""

    async def batches(self, most: int) -> list[BatchInfo]:
        """Those with files, the newest first."""
        ...

    async def sums(self, scope: ReceiptScope) -> list[ReceiptSum]: ...

    async def sharing(self, scope: ReceiptScope) -> int:
        """How many of these files have an ID that other files of the list have, too."""
        ...

    async def rows(
        self, scope: ReceiptScope, after: int, most: int, *, with_id: bool
    ) -> Sequence[ReceiptRow]:
        """By number, those behind `after`; `with_id`: only those with a valid ID."""
        ...

    async def reasons(self) -> list[ReasonGroup]:
        """Of the whole list: what is refused, failed or held by an error."""
        ...
