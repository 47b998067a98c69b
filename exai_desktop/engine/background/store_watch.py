"""The key store over time: what was held because it did not answer goes on when it does again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from exai_desktop.core.accounts.secret_store import STORE_CODES, ProfileSecrets
from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.core.audit.ports import AuditStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, ErrorView
from exai_desktop.core.events import Event, EventBus, ProblemRaised, ProblemSolved
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.upload.failures import AccountHold
from exai_desktop.engine.waiting import Readers, Wakeup

log = logging.getLogger(__name__)

EVERY_S: Final = 10.0
_NO_PASSPHRASE: Final = "no passphrase was given"  # noqa: S105 - a sentence


@dataclass(frozen=True, slots=True)
class StoreParts:
    """The key store, the accounts whose keys it has, and the trail of what is done to it."""

    secrets: ProfileSecrets
    accounts: Accounts
    audit: AuditStore
    readers: Readers
    clock: Clock


class StoreWatch:
    """Looks every ten seconds while something waits for the store; a look may take seconds."""

    def __init__(
        self, parts: StoreParts, account_hold: AccountHold, problems: Problems, bus: EventBus
    ) -> None:
        self.parts = parts
        self._accounts = parts.accounts
        self._hold = account_hold
        self._problems = problems
        self._bus = bus
        self._changed = Wakeup(parts.clock)
        # Accounts with files that were held in an earlier run.
        self._earlier: set[str] = set()
        self._to_audit: list[ProblemRaised] = []
        bus.subscribe(self._heard)

    def _heard(self, event: Event) -> None:
        if not isinstance(event, ProblemRaised) or event.account is None:
            return
        if event.error.code == ErrorCode.ADDRESS_CHANGED:
            self._to_audit.append(event)
            self._changed.set()
        elif event.error.code in STORE_CODES:
            self._changed.set()

    def wake(self) -> None:
        """The store was changed or opened by the user: look at once."""
        self._changed.set()

    async def run(self) -> None:
        try:
            self._earlier = set((await self._hold.held(None, STORE_CODES)).values())
        except AppError as error:
            log.warning("files on hold were not looked at: %s", error.code)
        while True:
            self._changed.clear()
            try:
                is_waiting = await self.look()
            except AppError as error:
                log.warning("the key store was not looked at: %s", error.code)
                is_waiting = True
            await self._changed.wait(EVERY_S if is_waiting else None)

    async def look(self) -> bool:
        """Once; returns whether something waits for the store."""
        await self.finish()
        is_locked = bool(self._accounts.all()) and await self.parts.readers.read(
            self.parts.secrets.is_vault_locked
        )
        locked = AccountError(ErrorCode.VAULT_LOCKED, _NO_PASSPHRASE)
        self._problems.of_keys(locked if is_locked else None)
        for account in self._affected():
            await self._try(account)
        return bool(self._affected()) or is_locked

    def _affected(self) -> list[str]:
        names = [account.name for account in self._accounts.all()]
        return [name for name in names if name in self._earlier or self._waits(name)]

    def _waits(self, account: str) -> bool:
        problem = self._accounts.problem(account)
        return problem is not None and problem.code in STORE_CODES

    async def _try(self, account: str) -> None:
        before = self._accounts.problem(account)
        try:
            await self._accounts.provider(account)
        except AppError as error:
            if error.code in STORE_CODES:
                self._accounts.raise_problem(account, error)
                return
            # The store answers: what is wrong now is another matter, for the next file to tell.
            log.info("the key of %s: %s", account, error.code)
        self._earlier.discard(account)
        await self._hold.release(account, STORE_CODES, "the key store answers again")
        if before is not None and self._accounts.problem(account) is None:
            self._bus.publish(ProblemSolved(ErrorView.of(before), account))

    async def finish(self) -> None:
        """Write what the audit trail still lacks."""
        while self._to_audit:
            await self._note(self._to_audit.pop(0))

    async def _note(self, event: ProblemRaised) -> None:
        assert event.account is not None
        try:
            account = self._accounts.get(event.account)
            await self.parts.audit.note(
                AuditEntry(
                    self.parts.clock.now(),
                    "account.address_changed",
                    "refused",
                    account=account.name,
                    provider=account.provider,
                    error_code=event.error.code,
                    detail={"base_url": account.base_url, "reason": event.error.detail},
                )
            )
        except AppError as error:
            log.warning("a changed address is not in the audit trail: %s", error.code)
