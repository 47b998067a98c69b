"""Copies in a project that a test tells of: for the pages *Records* and *Files*."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.mirror.storage_copies import StorageCopy, StorageState, StorageStatus

if TYPE_CHECKING:
    from .scripted_service import ScriptedService


@dataclass
class ScriptedStorage:
    """Meets `StorageService`."""

    script: ScriptedService
    now: StorageStatus = field(default_factory=StorageStatus)
    copies: list[StorageCopy] = field(default_factory=list)
    failure: AppError | None = None  # what `fetch` raises

    async def status(self) -> StorageStatus:
        is_on = self.script.settings.kept.copy_to_storage
        refused = [copy for copy in self.copies if copy.state is StorageState.REFUSED]
        return replace(self.now, is_on=is_on, refused=len(refused))

    async def rows(
        self,
        states: tuple[StorageState, ...] = (),
        sha256: tuple[str, ...] = (),
        limit: int = 100,
    ) -> list[StorageCopy]:
        found = [copy for copy in self.copies if not states or copy.state in states]
        return [copy for copy in found if not sha256 or copy.sha256 in sha256][:limit]

    async def copy(self, job_ids: tuple[int, ...]) -> int:
        self.script.note("storage.copy", job_ids)
        return len(job_ids)

    async def copy_now(self) -> StorageStatus:
        self.script.note("storage.copy_now")
        return await self.status()

    async def retry_refused(self) -> int:
        self.script.note("storage.retry_refused")
        count = len(self.copies)
        self.copies.clear()
        return count

    async def fetch(self, sha256: str, path: str) -> int:
        self.script.note("storage.fetch", sha256, path)
        if self.failure is not None:
            raise self.failure
        return 0

    async def delete(self, sha256: str) -> None:
        self.script.note("storage.delete", sha256)
