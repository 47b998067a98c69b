"""The audit trail for users, and its anchor: noted every hour and at the end of a run."""

from __future__ import annotations

import logging
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.audit.audit import START, AuditEntry, AuditRow
from exai_desktop.core.audit.check import Anchoring, AuditHead, AuditReport, AuditState
from exai_desktop.core.audit.ports import AnchorFile, AuditStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.waiting import Readers

log = logging.getLogger(__name__)

ANCHOR_EVERY_S: Final = 3_600.0
MOST_ROWS: Final = 1_000
_ALL: Final = 2**63


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
        return await self._audit.check(await self._anchoring())

    async def _anchoring(self) -> Anchoring:
        return await self._readers.read(self._anchor_file.load)

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

    # -- the anchor

    async def anchor(self) -> None:
        """An anchor that tells of another chain stays: it is the proof that rows were cut."""
        if self._is_read_only:
            return
        try:
            anchoring = await self._anchoring()
            if anchoring.is_lost:
                return
            anchor = await self._audit.anchor(anchoring.anchor, self._clock.now())
        except AppError as error:
            log.warning("no anchor for the audit trail: %s", error.code)
            return
        if anchor is not None:
            await self._readers.read(self._anchor_file.save, anchor)

    async def anchor_hourly(self) -> None:
        while True:
            await self._clock.sleep(ANCHOR_EVERY_S)
            await self.anchor()

    async def accept(self) -> AuditReport:
        anchoring = await self._anchoring()
        report = await self._audit.check(anchoring)
        if report.ok:
            return report
        if report.state is AuditState.UNCONFIRMED:
            raise EngineError(ErrorCode.AUDIT_NOT_INTACT, report.words)
        taken = anchoring.taken
        alone = await self._audit.check(Anchoring(taken=taken))
        if alone.state is AuditState.UNCONFIRMED:
            # Rows of a key that stayed on another computer: whatever can be checked must fit.
            alone = await self._audit.check(Anchoring(taken=AuditHead(seq=_ALL)))
            taken = AuditHead(alone.rows, alone.newest_mac or START, alone.digest)
        if not alone.ok:
            raise EngineError(ErrorCode.AUDIT_NOT_INTACT, alone.words)
        detail = {
            "problem": report.problem,
            "row": report.broken_at,
            "anchored": None if anchoring.anchor is None else anchoring.anchor.seq,
        }
        await self._audit.note(AuditEntry(self._clock.now(), "audit.accepted", "ok", detail=detail))
        anchor = await self._audit.anchor(None, self._clock.now())
        if anchor is not None:
            await self._readers.read(self._anchor_file.accept, anchor, self._audit.keys, taken)
        return await self.verify()
