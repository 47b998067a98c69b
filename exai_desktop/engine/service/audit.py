"""The audit trail for users, and its anchor: noted every hour and at the end of a run."""

from __future__ import annotations

import logging
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.audit.audit import AuditEntry, AuditReport, AuditRow
from exai_desktop.core.audit.ports import AnchorFile, AuditStore
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.waiting import Readers

log = logging.getLogger(__name__)

ANCHOR_EVERY_S: Final = 3_600.0
MOST_ROWS: Final = 1_000


class Audit:
    """Meets `core.service.AuditService`."""

    def __init__(
        self,
        audit: AuditStore,
        anchor_file: AnchorFile,
        readers: Readers,
        clock: Clock,
        *,
        is_read_only: bool,
    ) -> None:
        self._audit, self._anchor_file = audit, anchor_file
        self._readers = readers
        self._clock = clock
        self._is_read_only = is_read_only

    @property
    def protected_by(self) -> str:
        """What keeps the chain from being changed unseen, for people."""
        return self._audit.protected_by

    async def verify(self) -> AuditReport:
        return await self._audit.check(await self._readers.read(self._anchor_file.load))

    async def rows(self, after: int, limit: int, since: float | None = None) -> list[AuditRow]:
        return await self._audit.rows(after, max(1, min(limit, MOST_ROWS)), since)

    async def note_account(self, action: str, account: Account) -> None:
        """Tells later in which region, at which address, this account's files are."""
        await self._audit.note(
            AuditEntry(
                self._clock.now(),
                f"account.{action}",
                "ok",
                account=account.name,
                provider=account.provider,
                detail={
                    "base_url": account.base_url,
                    "key": account.key_fingerprint,
                    "region": account.region,
                },
            )
        )

    async def note_profile(self, choice: str) -> None:
        """What the user has said of a profile that was copied."""
        await self._audit.note(AuditEntry(self._clock.now(), f"profile.{choice}", "ok"))

    async def anchor(self) -> None:
        """An anchor that tells of another chain stays: it is the proof that rows were cut."""
        if self._is_read_only:
            return
        try:
            earlier = await self._readers.read(self._anchor_file.load)
            anchor = await self._audit.anchor(earlier, self._clock.now())
        except AppError as error:
            log.warning("no anchor for the audit trail: %s", error.code)
            return
        if anchor is not None:
            await self._readers.read(self._anchor_file.save, anchor)

    async def anchor_hourly(self) -> None:
        while True:
            await self._clock.sleep(ANCHOR_EVERY_S)
            await self.anchor()
