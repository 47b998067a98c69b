"""What lies at the providers: what is asked of the record, what it answers, in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from exai_desktop.core.copies.lights import IdFacts
from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.words import (
    COPY_WORDS,
    ORIGIN_WORDS,
    SIGHT_WORDS,
    Sight,
)
from exai_desktop.core.errors.tree import ErrorView

# Their place is a module that loads nothing else; they are known here as well.
__all__ = ["COPY_WORDS", "ORIGIN_WORDS", "SIGHT_WORDS", "Sight"]

DAY_S: Final = 86_400

# What a list of files shows unless it is asked for others: all but what is deleted.
LISTED: Final = tuple(state for state in CopyState if state is not CopyState.DELETED)

# So many looks at each file are kept, the newest.
KEPT_LOOKS: Final = 20


@dataclass(frozen=True, slots=True)
class CopyCheck:
    """One look at one file; `bytes` is the size the provider told, if it told one."""

    copy_id: int
    at: float
    sight: Sight
    bytes: int | None = None


class FileSort(StrEnum):
    STORED = "stored"
    NAME = "name"
    STATE = "state"
    SIZE = "size"
    ACCOUNT = "account"
    EXPIRES = "expires"


@dataclass(frozen=True, slots=True)
class FileQuery:
    """`search` matches name, file id and hash; `also` are files that match it in another way."""

    account: str | None = None
    states: tuple[CopyState, ...] = LISTED
    search: str = ""
    also: tuple[int, ...] = ()
    sort: FileSort = FileSort.STORED
    descending: bool = True
    offset: int = 0
    limit: int = 200


@dataclass(frozen=True, slots=True)
class FilePage:
    rows: tuple[Copy, ...]
    total: int


@dataclass(frozen=True, slots=True)
class FileDetail:
    """`looks`: the newest first."""

    copy: Copy
    looks: tuple[CopyCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Files taken into the record. `not_found` lie there no more, or never did; `errors` are
    lists that could not be had."""

    account: str
    imported: tuple[Copy, ...] = ()
    not_found: tuple[str, ...] = ()
    errors: tuple[ErrorView, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A kept text that holds what was searched for; `snippet` is the place, on one line."""

    account: str
    remote_id: str
    snippet: str


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A file whose name or id matches, or (with a snippet) its text."""

    copy: Copy
    snippet: str = ""


def days_left(expires_at: float | None, now: float) -> int | None:
    """Whole days until the provider deletes the file by itself; None: it does not."""
    return None if expires_at is None else max(0, int((expires_at - now) // DAY_S))


def id_facts(copy: Copy) -> IdFacts:
    """For its light. It was there when it was recorded; an import may never have been looked at."""
    seen_at = copy.recorded_at if copy.verified_at is None else copy.verified_at
    return IdFacts(copy.state, seen_at, copy.expires_at)


class FileRecord(Protocol):
    """The part of the copy store that lists, imports and remembers looks."""

    async def get(self, copy_id: int) -> Copy | None: ...

    async def page(self, query: FileQuery) -> FilePage: ...

    async def adopt(
        self, account: str, expiries: Mapping[str, float | None], at: float
    ) -> list[Copy]:
        """Foreign copies become imported ones; by id, with the time each expires at.

        One that is not foreign any more is left out.
        """
        ...

    async def looked(self, looks: Sequence[CopyCheck]) -> None:
        """Remember looks at the provider; of each file only the newest are kept."""
        ...

    async def looks(self, copy_id: int) -> list[CopyCheck]:
        """The newest first."""
        ...


class TextCache(Protocol):
    """Texts that providers have read from files, kept on this computer so that they can be
    searched. It may lose any of them at any time: a text can be fetched again."""

    async def get(self, account: str, remote_id: str) -> str | None: ...

    async def put(self, account: str, remote_id: str, text: str, at: float) -> None: ...

    async def drop(self, account: str, remote_id: str) -> None:
        """Forget it, and leave nothing of it on the disk."""
        ...

    async def keys(self) -> list[tuple[str, str]]:
        """Account and file id of every text that is kept."""
        ...

    async def search(self, text: str, limit: int) -> list[TextMatch]:
        """Texts that hold this, whatever the case of its letters; the newest first."""
        ...
