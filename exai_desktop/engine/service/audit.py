"""The audit trail for users, its anchor, and its signatures.

The anchor is noted every hour and at the end of a run. A day is signed as soon as it is over, at
the same moments.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.audit.activity import ActivityQuery, DaySum
from exai_desktop.core.audit.audit import START, AuditEntry, AuditRow, utc_text
from exai_desktop.core.audit.check import NO_ROWS, Anchoring, AuditHead, AuditReport, AuditState
from exai_desktop.core.audit.ports import AnchorFile, AuditStore, Signer
from exai_desktop.core.audit.signing import (
    DAY,
    DAY_SIGNED,
    EXPORT,
    AuditSignature,
    UnsignedDays,
    detail_of_day,
    signed_text,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.waiting import Readers

log = logging.getLogger(__name__)

ANCHOR_EVERY_S: Final = 3_600.0
MOST_ROWS: Final = 1_000
MOST_DAYS: Final = 366
_ALL: Final = 2**63


@dataclass(frozen=True, slots=True)
class AuditParts:
    """The trail, and what is noted and signed outside the database. `signer`: None in tests."""

    trail: AuditStore
    anchor_file: AnchorFile
    signer: Signer | None


class Audit:
    """Meets `core.service.AuditService`."""

    def __init__(
        self, parts: AuditParts, readers: Readers, clock: Clock, *, is_read_only: bool
    ) -> None:
        self._audit, self._anchor_file, self._signer = parts.trail, parts.anchor_file, parts.signer
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

    async def activity(self, query: ActivityQuery) -> list[AuditRow]:
        return await self._audit.newest(replace(query, limit=max(1, min(query.limit, MOST_ROWS))))

    async def days(self, count: int) -> list[DaySum]:
        today = datetime.fromtimestamp(self._clock.now()).astimezone().date()
        wanted = [today - timedelta(days=back) for back in range(min(max(1, count), MOST_DAYS))]
        begin = datetime.combine(wanted[-1], time.min).astimezone().timestamp()
        found = {one.day: one for one in await self._audit.days(begin)}
        days = [day.isoformat() for day in reversed(wanted)]
        return [found.get(day, DaySum(day)) for day in days]

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
            anchoring = await self._readers.read(self._anchor_file.known)
            if anchoring.is_lost:
                return
            await self._sign_days(anchoring)
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

    # -- signatures

    async def public_key(self) -> str:
        return await self._readers.read(self._signing().public_key)

    def _signing(self) -> Signer:
        if self._signer is None:
            raise EngineError(ErrorCode.NOT_SUPPORTED, "nothing is signed here")
        return self._signer

    async def signed_end(self) -> AuditSignature:
        # First: without a key there is nothing to check for.
        public_key = await self.public_key()
        report = await self.verify()
        if not report.ok:
            raise EngineError(ErrorCode.AUDIT_NOT_INTACT, report.words)
        at = utc_text(self._clock.now())
        return await self._signature(EXPORT, at, report, public_key)

    async def _signature(
        self, kind: str, at: str, report: AuditReport, public_key: str
    ) -> AuditSignature:
        text = signed_text(kind, at, report.rows, report.digest)
        made = await self._readers.read(self._signing().sign, text)
        return AuditSignature(at, report.rows, report.digest, public_key, made)

    async def _sign_days(self, anchoring: Anchoring) -> None:
        """Rows of days that are over, once. Without the key store it is done later."""
        if self._signer is None or anchoring.accepted is None:
            return
        days = await self._audit.unsigned(utc_text(self._clock.now())[:10])
        if days is None:
            return
        public_key = await self.public_key()
        begin = await self._readers.read(self._signed_head, self._signer, days)
        whole = await self._audit.check(anchoring, begin)
        if not whole.ok:
            log.warning("days of the audit trail are not signed: %s", whole.problem)
            return
        report = await self._audit.check(Anchoring(taken=anchoring.taken), begin, days.seq)
        signature = await self._signature(DAY, days.day, report, public_key)
        detail = detail_of_day(signature)
        await self._audit.note(AuditEntry(self._clock.now(), DAY_SIGNED, "ok", detail=detail))

    @staticmethod
    def _signed_head(signer: Signer, days: UnsignedDays) -> AuditHead:
        """Where the newest signature ends, if it is ours: all before it is confirmed by it."""
        before = days.before
        if before is None:
            return NO_ROWS
        text = signed_text(DAY, before.at, before.seq, before.digest)
        if not signer.has_signed(text, before.signature):
            return NO_ROWS
        return AuditHead(before.seq, days.mac, before.digest)
