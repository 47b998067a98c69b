"""Copies of the files themselves in the user's Supabase project: off until the user wants them.

A copy is named by its content, in a folder of the user: the same content is never there twice.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from exai_desktop.core.mirror.operations import MirrorTarget, derived_id

BUCKET: Final = "exai"
# Storage takes pieces of this size, and a last one of what is left.
PIECE: Final = 6 * 1024 * 1024
# Said whenever copies are switched on.
MEANING: Final = "The content of your files then also lies in your Supabase project."


class StorageState(StrEnum):
    WAITING = "waiting"
    COPYING = "copying"
    COPIED = "copied"
    REFUSED = "refused"
    DELETING = "deleting"


class RoomEnd(StrEnum):
    """What is still to be told of a reservation; the values are those of the server."""

    NOTHING = ""
    # Asked for, and not at its end yet.
    HELD = "held"
    COMMITTED = "committed"
    RELEASED = "released"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class CopyWork:
    """A copy on its way. `upload` is the number Storage gave it, `source` the file it began with.

    `hold` counts the reservations for this content: one that has ended is never taken up again.
    """

    sha256: str
    size: int
    job_id: int
    state: StorageState = StorageState.WAITING
    upload: str = ""
    source: str = ""
    sent: int = 0
    hold: int = 0
    settle: RoomEnd = RoomEnd.NOTHING
    code: str = ""
    detail: str = ""

    def key(self, target: MirrorTarget) -> str:
        return key_of(target, self.sha256)

    def reservation(self, target: MirrorTarget, hold: int | None = None) -> str:
        """The same on every device of the user: the same bytes are counted once."""
        number = self.hold if hold is None else hold
        return derived_id(uuid.NAMESPACE_URL, f"{target.user_id} {self.sha256} {number}")


def key_of(target: MirrorTarget, sha256: str) -> str:
    """Where it lies in the bucket. ASCII: Storage takes no other names."""
    return f"{target.user_id}/{sha256}"


@dataclass(frozen=True, slots=True)
class StorageCopy:
    """A copy as people see it. `code` and `detail`: why it was refused."""

    sha256: str
    name: str
    size: int
    state: StorageState
    sent: int = 0
    code: str = ""
    detail: str = ""

    @property
    def percent(self) -> int:
        return self.sent * 100 // self.size if self.size else 0

    @property
    def words(self) -> str:
        """For people, without the reason."""
        is_begun = self.state is StorageState.COPYING
        return f"copying {self.percent} %" if is_begun else self.state.value


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """`code` and `detail`: what keeps all copies from being made, "" for nothing."""

    is_on: bool = False
    waiting: int = 0
    copied: int = 0
    refused: int = 0
    copied_bytes: int = 0
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CopyRoom:
    """`state` None: nothing was reserved. Sizes in bytes."""

    granted: bool
    state: str | None = None
    left: int | None = None
    largest: int | None = None


class CopyBook(Protocol):
    """Which contents are to be copied, and how far that is; on the profile's database."""

    async def switch(self, *, is_on: bool) -> None:
        """Whether each stored job is noted here from now on, for who is signed in."""
        ...

    async def next(self, target: MirrorTarget, *, only_ends: bool = False) -> CopyWork | None:
        """`only_ends`: reservations to settle and copies to delete."""
        ...

    async def find(self, target: MirrorTarget, sha256: str) -> CopyWork | None: ...

    async def save(self, target: MirrorTarget, work: CopyWork) -> None: ...

    async def add(self, target: MirrorTarget, job_ids: Sequence[int]) -> int:
        """Note the contents of these stored jobs; returns how many are to be copied now."""
        ...

    async def remove(self, target: MirrorTarget, sha256: str) -> None: ...

    async def retry(self, target: MirrorTarget) -> int: ...

    async def status(self, target: MirrorTarget) -> StorageStatus:
        """The counts only."""
        ...

    async def rows(
        self,
        target: MirrorTarget,
        states: Sequence[StorageState],
        sha256: Sequence[str],
        limit: int,
    ) -> list[StorageCopy]:
        """Without `states` and without `sha256`: of all."""
        ...


class ContentStorage(Protocol):
    """Storage of the user's project, as its user.

    Raises COPY_TOO_LARGE, COPY_REFUSED, STORAGE_NOT_READY, STORAGE_FORBIDDEN, SESSION_ENDED,
    NOT_SIGNED_IN, PROJECT_UNREACHABLE and what stands in the way.
    """

    async def reserve(self, number: str, size: int) -> CopyRoom: ...

    async def settle(self, number: str, to: RoomEnd) -> str | None:
        """Returns the state of the reservation behind it; None: there is none."""
        ...

    async def size_of(self, key: str) -> int | None:
        """None: it is not there."""
        ...

    async def create(self, key: str, size: int, mime: str) -> str:
        """Begin an upload; returns its number. "": the content is there already."""
        ...

    async def offset(self, upload: str) -> int | None:
        """How much of it has arrived. None: it is known no more."""
        ...

    async def send(self, upload: str, offset: int, piece: bytes, pace: PiecePace) -> int | None:
        """Returns how much has arrived; None: look again, it was not what we thought."""
        ...

    async def abandon(self, upload: str) -> None:
        """Forget what has arrived, if the project answers."""
        ...

    async def delete(self, key: str) -> None: ...

    def content(self, key: str) -> AsyncIterator[bytes]:
        """Raises NO_COPY."""
        ...


# Storage as this user. Raises NOT_SIGNED_IN, SESSION_ENDED, one of `STORE_CODES`.
StorageDoor = Callable[[MirrorTarget], Awaitable[ContentStorage]]


class PiecePace(Protocol):
    """How fast a piece may leave."""

    def blocks(self, piece: bytes) -> AsyncIterator[bytes]: ...


class StorageService(Protocol):
    """Copies of the files in the user's Supabase project. Uploads never wait for them."""

    async def status(self) -> StorageStatus:
        """As it is known here; asks nobody."""

    async def rows(
        self,
        states: tuple[StorageState, ...] = (),
        sha256: tuple[str, ...] = (),
        limit: int = 100,
    ) -> list[StorageCopy]:
        """Copies in these states, or of these contents."""

    async def copy(self, job_ids: tuple[int, ...]) -> int:
        """Copy what these jobs have sent, also what was sent before copies were switched on.
        Returns how many contents are to be copied. Raises NOT_SIGNED_IN, COPIES_OFF."""

    async def copy_now(self) -> StorageStatus:
        """Work until nothing waits. Raises what keeps all copies from being made."""

    async def retry_refused(self) -> int:
        """Try these again; returns how many. Raises NOT_SIGNED_IN."""

    async def fetch(self, sha256: str, path: str) -> int:
        """Write the content to this new file; returns its size. Raises NO_COPY, COPY_DAMAGED."""

    async def delete(self, sha256: str) -> None:
        """Delete the copy in the project. Raises NO_COPY, NOT_SIGNED_IN."""
