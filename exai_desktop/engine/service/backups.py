"""Backups for users: made by the process that has the profile, noted in the audit trail."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.core.audit.ports import AuditStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import BackupContent, BackupMaker, Clock


class Backups:
    """Meets `core.machine.BackupService`."""

    def __init__(
        self, make: BackupMaker | None, audit: AuditStore, clock: Clock, *, is_read_only: bool
    ) -> None:
        """`make` None: there is no profile to keep. `is_read_only`: nothing can be noted."""
        self._make = make
        self._audit = audit
        self._clock = clock
        self._is_read_only = is_read_only
        # Two at once would only take turns on the disk.
        self._making = asyncio.Lock()

    async def create(
        self, file: str, *, texts: bool = False, passphrase: str = ""
    ) -> BackupContent:
        make = self._make
        if make is None:
            raise EngineError(ErrorCode.BACKUP_NOT_WRITTEN, "nothing of the sandbox is kept")
        if not Path(file).is_absolute():
            # The process that carries it out has another working folder than the one that asks.
            raise EngineError(ErrorCode.BACKUP_NOT_WRITTEN, f"{file!r} is not a whole path")
        async with self._making:
            content = await asyncio.to_thread(make, Path(file), texts=texts, passphrase=passphrase)
        if not self._is_read_only:
            await self._note(file, content)
        return content

    async def _note(self, file: str, content: BackupContent) -> None:
        """Where a copy of the record is from now on, and whether the keys are in it."""
        await self._audit.note(
            AuditEntry(
                self._clock.now(),
                "backup.created",
                "ok",
                path=file,
                bytes=content.bytes,
                detail={"keys": int(content.has_keys), "texts": int(content.has_texts)},
            )
        )
