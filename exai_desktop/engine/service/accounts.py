"""Accounts, as the engine shows and changes them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from exai_desktop.core.accounts.accounts import AccountDraft, AccountStatus, ConnectionReport
from exai_desktop.core.accounts.health import HealthSample
from exai_desktop.core.copies.models import RemoteListing
from exai_desktop.core.copies.provider import ReportsBalance
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.core.events import AccountsChanged, EventBus
from exai_desktop.core.jobs.states import JobState
from exai_desktop.engine.accounts.draft import report_of
from exai_desktop.engine.background.runner import Runner
from exai_desktop.engine.context import Context
from exai_desktop.engine.provider_files import remote_lists
from exai_desktop.engine.service.audit import Audit
from exai_desktop.engine.service.job_commands import Commands
from exai_desktop.engine.upload.admission import ask


class AccountChanges:
    """Meets `core.service.AccountService`.

    `check_key` cleans a key or refuses it, `fingerprint` names it without telling it.
    """

    def __init__(
        self,
        ctx: Context,
        bus: EventBus,
        runner: Runner,
        commands: Commands,
        audit: Audit,
        check_key: Callable[[str], str],
        fingerprint: Callable[[str], str],
    ) -> None:
        self._ctx = ctx
        self._bus = bus
        self._runner = runner
        self._commands = commands
        self._audit = audit
        self._changing = asyncio.Lock()
        self._check_key = check_key
        self._fingerprint = fingerprint

    async def all(self) -> list[AccountStatus]:
        return list(await self._statuses())

    async def _statuses(self) -> tuple[AccountStatus, ...]:
        usage = await self._ctx.copies.usage()
        sending, breaker = self._runner.sending(), self._ctx.breakers.status
        health = self._ctx.health.status
        statuses = self._ctx.accounts.statuses(sending, usage, breaker, health)
        return await with_balances(self._ctx, statuses)

    async def announce(self) -> None:
        self._bus.publish(AccountsChanged(await self._statuses()))

    async def _status(self, name: str) -> AccountStatus:
        return next(s for s in await self._statuses() if s.account.name == name)

    async def add(self, draft: AccountDraft, key: str) -> AccountStatus:
        clean = self._check_key(key)
        async with self._changing:
            name = await self._ctx.accounts.add(draft, clean, self._fingerprint(clean))
            self._runner.serve_account(name)
        await self._audit.note_account("added", self._ctx.accounts.get(name))
        await self.announce()
        return await self._status(name)

    async def remove(self, name: str) -> None:
        """Finished jobs and the files at the provider stay; open jobs forbid it."""
        async with self._changing:
            account = self._ctx.accounts.get(name)
            # From here on no file is routed to it.
            self._ctx.accounts.leave(name, leaving=True)
            try:
                open_states = [s for s in JobState if not s.is_final]
                if any(owner == name for _, owner in await self._ctx.jobs.ids(open_states)):
                    raise AccountError(ErrorCode.ACCOUNT_IN_USE, name)
                await self._ctx.accounts.remove(name)
            except AppError:
                self._ctx.accounts.leave(name, leaving=False)
                raise
            self._runner.end_lane(name)
            await self._ctx.breakers.forget(name)
            await self._ctx.health.forget(name)
        await forget_balance(self._ctx, name)
        await self._audit.note_account("removed", account)
        await self.announce()

    async def test(self, name: str) -> ConnectionReport:
        """The user's wish is also a probe of an account that is left alone."""
        account, began = self._ctx.accounts.get(name), time.perf_counter()
        try:
            files = await ask(self._ctx, name, wanted=True)
        except AppError as error:
            report = report_of(account, time.perf_counter() - began, error=error)
        else:
            report = report_of(account, time.perf_counter() - began, files=files)
        report = await with_balance(self._ctx, report)
        if report.ok:
            await self._commands.resume_account(name)
            await self.announce()
        return report

    async def health(self, account: str | None, limit: int) -> list[HealthSample]:
        if account is not None:
            self._ctx.accounts.get(account)
        return await self._ctx.health.history(account, limit)

    async def reconcile(self, name: str) -> list[RemoteListing]:
        listings = await remote_lists.compare(self._ctx, self._ctx.accounts.get(name))
        if any(listing.missing or listing.expired for listing in listings):
            await self._commands.resume_full(name)
        await self.announce()
        return listings

    async def test_draft(self, draft: AccountDraft, key: str) -> ConnectionReport:
        return await self._ctx.accounts.test_draft(draft, self._check_key(key))


log = logging.getLogger(__name__)


async def with_balance(ctx: Context, report: ConnectionReport) -> ConnectionReport:
    """The report of a good test with the balance; a provider that does not tell it is no fault."""
    if not report.ok:
        return report
    try:
        provider = await ctx.accounts.provider(report.account)
        if not isinstance(provider, ReportsBalance):
            return report
        balance = replace(await provider.balance(), at=ctx.clock.now())
        if ctx.balances is not None:
            await ctx.balances.note(report.account, balance)
    except AppError as error:
        log.warning("the balance of %s: %s", report.account, error.code)
        return report
    return replace(report, balance=balance)


async def with_balances(
    ctx: Context, statuses: tuple[AccountStatus, ...]
) -> tuple[AccountStatus, ...]:
    """The accounts with the last balance of each."""
    known = await ctx.balances.all() if ctx.balances is not None else {}
    return tuple(replace(s, balance=known.get(s.account.name)) for s in statuses)


async def forget_balance(ctx: Context, account: str) -> None:
    """Another account may get the name."""
    if ctx.balances is not None:
        await ctx.balances.note(account, None)
