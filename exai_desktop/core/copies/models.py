"""What lies at a provider, as the record and the provider's list tell it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exai_desktop.core.copies.words import (
    CopyOrigin,
    CopyState,
)
from exai_desktop.core.errors.tree import ErrorView, IllegalMoveError

# Their place is a module that loads nothing else; they are known here as well.
__all__ = ["CopyOrigin", "CopyState"]

C = CopyState

COPY_MOVES: Final[dict[CopyState, frozenset[CopyState]]] = {
    C.PRESENT: frozenset({C.DELETING, C.MISSING, C.EXPIRED}),
    C.DELETING: frozenset({C.DELETED, C.PRESENT}),
    C.DELETED: frozenset(),
    # Back again: what was foreign before is so still.
    C.MISSING: frozenset({C.PRESENT, C.FOREIGN}),
    C.EXPIRED: frozenset(),
    C.FOREIGN: frozenset({C.PRESENT, C.DELETING, C.MISSING}),
}


# In these the id works.
VALID_STATES: Final = frozenset({C.PRESENT, C.FOREIGN})


def check_copy(old: CopyState, new: CopyState) -> None:
    """Raise `IllegalMoveError` unless a copy may go `old → new`."""
    if new not in COPY_MOVES[old]:
        raise IllegalMoveError(f"copy {old} → {new} is not allowed")


class RemoteStatus(StrEnum):
    """What the provider says of a stored file, folded from its many words."""

    READY = "ready"
    PENDING = "pending"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the provider describes it; `created_at` in seconds whatever the provider sent."""

    id: str
    name: str
    bytes: int
    created_at: float
    purpose: str
    status: RemoteStatus = RemoteStatus.READY
    status_text: str = ""
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """What we recorded of a file at a provider."""

    id: int
    provider: str
    account: str
    purpose: str
    sha256: str
    size: int
    remote_id: str
    remote_name: str
    state: CopyState
    usable: bool
    recorded_at: float
    job_id: int | None = None
    verified_at: float | None = None
    expires_at: float | None = None
    origin: CopyOrigin = CopyOrigin.SENT


@dataclass(frozen=True, slots=True)
class RemoteListing:
    """One list of a provider held against the record. `missing`, `expired` and `damaged` (of
    another size) are ids of ours that were believed to be there; `foreign` nobody here sent."""

    account: str
    purpose: str
    present: int = 0
    missing: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    foreign: tuple[RemoteFile, ...] = ()
    error: ErrorView | None = None
