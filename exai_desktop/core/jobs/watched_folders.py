"""Watched folders: what is wanted of them, how they are, what of them was passed over.

A file in a watched folder goes to the queue when it has not changed for a while, once for each
content. What was enqueued is remembered, so that a restart does not enqueue it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.files import FileId
from exai_desktop.core.jobs.jobs import JobView

# Rules in a watched folder itself, with the syntax of a .gitignore.
IGNORE_FILE: Final = ".exaiignore"
SETTLE_S: Final = 5.0
SHORTEST_SETTLE_S: Final = 0.1
LONGEST_SETTLE_S: Final = 3_600.0


# A file with one of these was not read, because its folder was away, or another file in its place.
UNREAD: Final = (
    ErrorCode.FILE_NOT_FOUND,
    ErrorCode.WATCHED_FILE_CHANGED,
    ErrorCode.DANGLING_LINK,
    ErrorCode.READ_FAILED,
    ErrorCode.FILE_CHANGED,
)


class WatchState(StrEnum):
    # No program is watching now.
    OFF = "off"
    WATCHING = "watching"
    POLLING = "polling"
    NOT_THERE = "not_there"
    # A network drive hangs.
    NOT_ANSWERING = "not_answering"
    # Another folder, or another disk, is in its place.
    REPLACED = "replaced"
    PAUSED = "paused"
    # An error keeps its files from being sent.
    STOPPED = "stopped"


STATE_WORDS: Final[Mapping[WatchState, str]] = MappingProxyType(
    {
        WatchState.OFF: "Not being watched now",
        WatchState.WATCHING: "Watching",
        WatchState.POLLING: "Looking regularly",
        WatchState.NOT_THERE: "Not there",
        WatchState.NOT_ANSWERING: "Not answering",
        WatchState.REPLACED: "Not there: another folder is in its place",
        WatchState.PAUSED: "Paused",
        WatchState.STOPPED: "Stopped",
    }
)


class SkipReason(StrEnum):
    PATTERN = "pattern"
    SYSTEM = "system"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    KIND = "kind"
    LINK = "link"
    LINK_OUT = "link_out"
    FOLDER = "folder"
    NOT_A_FILE = "not_a_file"
    UNREADABLE = "unreadable"


SKIP_WORDS: Final[Mapping[SkipReason, str]] = MappingProxyType(
    {
        SkipReason.PATTERN: "ignored by a pattern",
        SkipReason.SYSTEM: "system or lock file",
        SkipReason.EMPTY: "empty file",
        SkipReason.TOO_LARGE: "too large",
        SkipReason.KIND: "file type that no account accepts",
        SkipReason.LINK: "link",
        SkipReason.LINK_OUT: "link out of the folder",
        SkipReason.FOLDER: "folder that is always skipped",
        SkipReason.NOT_A_FILE: "not a regular file",
        SkipReason.UNREADABLE: "folder that cannot be read",
    }
)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """`ignore`: patterns as in a .gitignore; they come behind those of the ignore file."""

    account: str | None = None
    purpose: str | None = None
    with_subfolders: bool = True
    ignore: tuple[str, ...] = ()
    settle_s: float = SETTLE_S


@dataclass(frozen=True, slots=True)
class FolderMark:
    """What tells whether a path still leads to the same folder on the same disk."""

    inode: int
    file_system: str


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """As it is saved. `is_listed`: with only new files wanted, those that were there are noted."""

    id: int
    path: str
    mark: FolderMark
    options: WatchOptions
    added_at: float
    is_paused: bool = False
    is_listed: bool = True
    last_path: str | None = None
    last_at: float | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """`path` is relative to the watched folder. `has_inode`: one that is the same tomorrow."""

    path: str
    id: FileId
    changed_at: float
    has_inode: bool = True

    @property
    def memory(self) -> str:
        """What is remembered of it. Without the device: its number may change with each start."""
        inode = self.id.inode if self.has_inode else 0
        return f"{self.id.size} {self.id.mtime_ns} {inode}"


@dataclass(frozen=True, slots=True)
class SkippedFile:
    path: str
    reason: SkipReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SkippedFiles:
    """`files` are the first ones; `counts` are of all."""

    counts: Mapping[SkipReason, int] = field(default_factory=dict)
    files: tuple[SkippedFile, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class WatchCounts:
    """`taken`: files that were ever enqueued. The others are of the jobs in the queue's list, but
    for `settling`, which are seen and may still change, and `skipped`."""

    taken: int = 0
    open: int = 0
    done: int = 0
    same_content: int = 0
    refused: int = 0
    asking: int = 0
    failed: int = 0
    settling: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """`reason` is for people: why it is polled, or why it is not there."""

    folder: WatchedFolder
    state: WatchState
    reason: str = ""
    error: ErrorView | None = None
    counts: WatchCounts = field(default_factory=WatchCounts)

    @property
    def words(self) -> str:
        """The state and its reason."""
        word = STATE_WORDS[self.state]
        return f"{word}: {self.reason}" if self.reason else word


def counts_text(counts: WatchCounts) -> str:
    """For people: what there is, the rest is left out."""
    found = (
        (counts.done, "sent"),
        (counts.open, "in the queue"),
        (counts.settling, "still changing"),
        (counts.same_content, "with the same content as another"),
        (counts.asking, "waiting for your answer"),
        (counts.refused, "refused"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
    )
    return ", ".join(f"{count:,} {words}" for count, words in found if count) or "no files yet"


class WatchStore(Protocol):
    """Watched folders and what was found in them, in the record."""

    async def all(self) -> list[WatchedFolder]: ...

    async def add(
        self, path: str, mark: FolderMark, options: WatchOptions, at: float, *, only_new: bool
    ) -> WatchedFolder: ...

    async def save(self, folder: WatchedFolder) -> None:
        """Its mark, options, pause and whether it is listed."""

    async def remove(self, folder_id: int) -> None:
        """Forget it and what was found in it; jobs stay."""

    async def unknown(self, folder_id: int, files: Sequence[FoundFile]) -> list[FoundFile]:
        """Those that are not remembered as they are now."""

    async def note(self, folder_id: int, files: Sequence[FoundFile]) -> None:
        """Remember them without sending them."""

    async def enqueue(
        self, folder: WatchedFolder, batch_id: int, files: Sequence[FoundFile], at: float
    ) -> list[JobView]:
        """New jobs, and the memory that they were made, in one transaction. A file that is
        remembered as it is now gets none."""

    async def forget_unsent(self, folder_id: int, codes: Sequence[ErrorCode] = UNREAD) -> int:
        """What could not be read, because the folder was away, is found anew. Returns how many."""

    async def counts(self, folder_id: int) -> WatchCounts: ...


class WatchService(Protocol):
    """Watched folders. `which` is the number of one, or its path."""

    async def begin(self) -> bool:
        """From now on, as long as this program runs, its files are enqueued. False: nothing can
        be watched here."""

    async def all(self) -> list[WatchStatus]: ...

    async def one(self, which: str) -> WatchStatus:
        """Raises UNKNOWN_WATCH."""

    async def add(
        self,
        folder: str,
        options: WatchOptions,
        *,
        only_new: bool = False,
        is_confirmed: bool = False,
    ) -> WatchStatus:
        """`folder` is a whole path. `only_new`: what lies there now is not sent.

        Raises WATCH_FOLDER_UNUSABLE, WATCHED_TWICE, WATCHED_NESTED, IGNORE_PATTERN_INVALID,
        WATCH_TOO_WIDE (unless confirmed), and what `queue.add` raises for account and purpose.
        """

    async def edit(self, which: str, options: WatchOptions) -> WatchStatus:
        """Raises UNKNOWN_WATCH, and what `add` raises for options."""

    async def pause(self, which: str) -> WatchStatus: ...

    async def resume(self, which: str, *, is_same: bool = False) -> WatchStatus:
        """`is_same`: the folder that is at its path now is the one to watch from now on."""

    async def remove(self, which: str) -> None:
        """Files that are in the queue stay there."""

    async def skipped(self, which: str, limit: int = 1_000) -> SkippedFiles:
        """Look now; also when nothing is being watched. Raises WATCH_FOLDER_UNUSABLE."""
