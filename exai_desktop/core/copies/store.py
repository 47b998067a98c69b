"""Where the record keeps copies: files that lie, or lay, at a provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.queries import FileRecord


@dataclass(frozen=True, slots=True)
class NewCopy:
    """A file at a provider to be recorded together with the move of its job."""

    provider: str
    account: str
    purpose: str
    sha256: str
    size: int
    remote_id: str
    remote_name: str
    usable: bool = True
    expires_at: float | None = None
    # When the provider was seen to have it, if that was before the move.
    seen_at: float | None = None


class CopyStore(FileRecord, Protocol):
    async def find_present(self, account: str, purpose: str, sha256: str) -> Copy | None:
        """A usable copy in state present, the oldest if there are several."""
        ...

    async def of_account(self, account: str) -> list[Copy]: ...

    async def of_job(self, job_id: int) -> Copy | None:
        """The copy this job made or, for a duplicate, the one it points to."""
        ...

    async def by_remote_id(self, account: str, remote_id: str) -> Copy | None: ...

    async def move(self, copy_id: int, old: CopyState, new: CopyState, at: float) -> Copy:
        """Raises `StaleJobError` when the copy is not in `old`."""
        ...

    async def verified(self, copy_ids: Sequence[int], at: float) -> None:
        """The provider was seen to have these; that is a look at each, too."""
        ...

    async def hand_over(self, account: str, heir: str) -> None:
        """All copies of an account go to another name of it, and so do their finished jobs."""
        ...

    async def usage(self) -> dict[str, tuple[int, int]]:
        """account → (files, bytes) of copies in state present."""
        ...
