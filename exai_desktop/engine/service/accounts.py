"""Accounts, as the engine shows and changes them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from exai_desktop.core.accounts.accounts import (
    HERE,
    Account,
    AccountDraft,
    AccountEdit,
    AccountStatus,
    BalanceBook,
    ConnectionReport,
    KeyPlace,
)
from exai_desktop.core.accounts.health import HealthSample
from exai_desktop.core.copies.models import RemoteListing
from exai_desktop.core.copies.provider import ReportsBalance
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.core.events import AccountsChanged, EventBus
from exai_desktop.core.jobs.jobs import IN_FLIGHT, JobState
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.draft import report_of
from exai_desktop.engine.accounts.editor import AccountEditor
from exai_desktop.engine.accounts.health import Breakers, Health
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.provider_files.remote_lists import RemoteLists
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.service.audit import Audit
from exai_desktop.engine.service.job_commands import Commands
from exai_desktop.engine.upload.admission import AccountCheck
from exai_desktop.engine.waiting import uninterrupted

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccountLanes:
    """Begins and ends the work for one account."""

    serve: Callable[[str], None]
    end: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Balances:
    """What is left to spend at the providers that tell it. `book` None: it is not kept."""

    book: BalanceBook | None
    accounts: Accounts
    clock: Clock

    async def with_current(self, report: ConnectionReport) -> ConnectionReport:
        """The report of a good test with the balance; not telling it is no fault."""
        if not report.ok:
            return report
        try:
            provider = await self.accounts.provider(report.account)
            if not isinstance(provider, ReportsBalance):
                return report
            balance = replace(await provider.balance(), at=self.clock.now())
            if self.book is not None:
                await self.book.note(report.account, balance)
        except AppError as error:
            log.warning("the balance of %s: %s", report.account, error.code)
            return report
        return replace(report, balance=balance)

    async def with_last(self, statuses: tuple[AccountStatus, ...]) -> tuple[AccountStatus, ...]:
        """The accounts with the last balance of each."""
        known = await self.book.all() if self.book is not None else {}
        return tuple(replace(s, balance=known.get(s.account.name)) for s in statuses)

    async def forget(self, account: str) -> None:
        """Another account may get the name."""
        if self.book is not None:
            await self.book.note(account, None)


@dataclass(frozen=True, slots=True)
class AccountBoard:
    """How all accounts are now, for people."""

    accounts: Accounts
    breakers: Breakers
    health: Health
    copies: CopyStore
    balances: Balances
    scheduler: Scheduler
    bus: EventBus

    async def statuses(self) -> tuple[AccountStatus, ...]:
        usage = await self.copies.usage()
        sending = dict(Counter(self.scheduler.accounts_in_flight()))
        statuses = self.accounts.statuses(sending, usage, self.breakers.status, self.health.status)
        return await self.balances.with_last(statuses)

    async def status(self, name: str) -> AccountStatus:
        return next(s for s in await self.statuses() if s.account.name == name)

    async def announce(self) -> None:
        self.bus.publish(AccountsChanged(await self.statuses()))


class AccountChanges:
    """Meets `core.service.AccountService`."""

    def __init__(
        self,
        board: AccountBoard,
        editor: AccountEditor,
        jobs: JobStore,
        lanes: AccountLanes,
        check: AccountCheck,
        lists: RemoteLists,
        commands: Commands,
        audit: Audit,
    ) -> None:
        self._board = board
        self._accounts = board.accounts
        self._editor = editor
        self._jobs = jobs
        self._lanes = lanes
        self._check = check
        self._lists = lists
        self._commands = commands
        self._audit = audit
        self._changing = asyncio.Lock()

    async def all(self) -> list[AccountStatus]:
        return list(await self._board.statuses())

    async def add(self, draft: AccountDraft, key: str) -> AccountStatus:
        return await uninterrupted(self._add(draft, key))

    async def _add(self, draft: AccountDraft, key: str) -> AccountStatus:
        async with self._changing:
            name = await self._editor.add(draft, key)
            self._lanes.serve(name)
        await self._audit.note_account("added", self._accounts.get(name))
        await self._board.announce()
        return await self._board.status(name)

    async def remove(self, name: str) -> None:
        """Finished jobs and the files at the provider stay; open jobs forbid it."""
        await uninterrupted(self._remove(name))

    async def _remove(self, name: str) -> None:
        async with self._changing:
            account = self._accounts.get(name)
            # From here on no file is routed to it.
            self._accounts.leave(name, leaving=True)
            try:
                await self._refuse_if_in_use(name, [s for s in JobState if not s.is_final])
                heirs = [a.name for a in self._accounts.namesakes(name) if a.name != name]
                await self._editor.remove(name)
                if heirs:
                    await self._board.copies.hand_over(name, heirs[0])
            except AppError:
                self._accounts.leave(name, leaving=False)
                raise
            self._lanes.end(name)
            await self._board.breakers.forget(name)
            await self._board.health.forget(name)
        await self._board.balances.forget(name)
        await self._audit.note_account("removed", account)
        await self._board.announce()

    async def _refuse_if_in_use(self, name: str, states: Collection[JobState]) -> None:
        if any(owner == name for _, owner in await self._jobs.ids(list(states))):
            raise AccountError(ErrorCode.ACCOUNT_IN_USE, name)

    async def set_key(
        self, name: str, key: str, place: KeyPlace = HERE, *, untested: bool = False
    ) -> AccountStatus:
        """What is held for the account goes on afterwards; no upload begins there meanwhile."""
        async with self._changing, self._accounts.gate(name).closed():
            new, clean = self._editor.with_key(name, key, place)
            if new.base_url != self._accounts.get(name).base_url:
                # Only the old address can tell what became of these.
                await self._refuse_if_in_use(name, IN_FLIGHT)
            if not untested:
                await self._editor.try_key(new, clean)
            # Half a change would be a key that counts as the old one.
            await uninterrupted(self._replace_key(new, clean))
        await self._board.announce()
        return await self._board.status(name)

    async def _replace_key(self, new: Account, key: str) -> None:
        await self._editor.replace_key(new, key)
        # In a fleet another key is another account.
        await self._board.breakers.refresh(new.name)
        await self._audit.note_account("key_replaced", new)
        await self._commands.resume_account(new.name)

    async def edit(self, name: str, changes: AccountEdit) -> AccountStatus:
        """The new limits hold at once."""
        async with self._changing:
            account = await uninterrupted(self._editor.edit(name, changes))
        await self._audit.note_account("edited", account)
        await self._board.announce()
        return await self._board.status(name)

    async def test(self, name: str) -> ConnectionReport:
        """The user's wish is also a probe of an account that is paused."""
        account, began = self._accounts.get(name), time.perf_counter()
        try:
            files = await self._check.ask(name, wanted=True)
        except AppError as error:
            report = report_of(account, time.perf_counter() - began, error=error)
        else:
            report = report_of(account, time.perf_counter() - began, files=files)
        report = await self._board.balances.with_current(report)
        if report.ok:
            await self._commands.resume_account(name)
            await self._board.announce()
        return report

    async def health(self, account: str | None, limit: int) -> list[HealthSample]:
        if account is not None:
            self._accounts.get(account)
        return await self._board.health.history(account, limit)

    async def reconcile(self, name: str) -> list[RemoteListing]:
        # All names of an account have one list.
        account = self._accounts.principal(name)
        listings = await self._lists.compare(account)
        if any(listing.missing or listing.expired for listing in listings):
            await self._commands.resume_full(account.name)
        await self._board.announce()
        return listings

    async def test_draft(self, draft: AccountDraft, key: str) -> ConnectionReport:
        return await self._editor.test_draft(draft, key)
