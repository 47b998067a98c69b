"""What the engine asks of the record after it was recovered: see docs/adr/0006-recovery.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from exai_desktop.core.copies.models import Copy, RemoteFile


class RecoveryLog(Protocol):
    """What a recovered record may lack. All calls wait for the writer thread."""

    async def since(self) -> float | None:
        """What was sent after this may be missing from the record; None: it is whole."""
        ...

    async def not_compared(self, account: str, purpose: str) -> float | None:
        """The same, while this list of the provider has not been compared; then None."""
        ...

    async def compared(
        self, provider: str, account: str, purpose: str, files: Sequence[RemoteFile], at: float
    ) -> int:
        """Note that the list was compared; its unknown files become foreign copies."""
        ...

    async def record_foreign(self, provider: str, account: str, files: Sequence[RemoteFile]) -> int:
        """Files that no record knows become foreign copies; returns how many were new."""
        ...

    async def foreign(self, account: str, purpose: str, size: int) -> list[Copy]:
        """Foreign copies of this size; `verified_at` is when a job was held up by one."""
        ...

    async def asked(self, copy_ids: Sequence[int], at: float) -> None:
        """A job was held up because of these."""
        ...

    async def has_look_alike(self, job_id: int, name: str, size: int, sha256: str) -> bool:
        """Whether another job has this name and size, but not this content for certain."""
        ...
