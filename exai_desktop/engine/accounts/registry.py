"""The accounts in use: their lanes, their provider clients, and what is wrong with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeVar

from exai_desktop.core.accounts.accounts import (
    Account,
    AccountDraft,
    AccountStatus,
    ConnectionReport,
)
from exai_desktop.core.accounts.health import BreakerStatus, HealthStatus
from exai_desktop.core.accounts.ports import AccountBook, Credentials
from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import FileProvider, ProviderFactory
from exai_desktop.core.copies.queries import DAY_S
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, ErrorView
from exai_desktop.core.events import EventBus, ProblemRaised
from exai_desktop.core.machine import Clock
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.routing import Limits, limits_of
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.draft import account_of, report_of
from exai_desktop.engine.accounts.timing import Limiter
from exai_desktop.engine.scheduling.lanes import Lane

T = TypeVar("T")


@dataclass(slots=True)
class _Desk:
    account: Account
    lane: Lane
    limiter: Limiter
    provider: FileProvider | None = None
    problem: AppError | None = None
    leaving: bool = False


class Accounts:
    """All calls are made in the engine's loop; keys are read in a reader thread."""

    def __init__(
        self,
        book: AccountBook,
        credentials: Credentials,
        factory: ProviderFactory,
        table: ProviderTable,
        settings: Settings,
        clock: Clock,
        bus: EventBus,
        readers: Executor,
    ) -> None:
        self._book = book
        self._credentials = credentials
        self._factory = factory
        self.table = table
        self._settings = settings
        self._clock = clock
        self._bus = bus
        self._readers = readers
        self._desks: dict[str, _Desk] = {}
        self.paused = False

    @property
    def credential_kind(self) -> str:
        return self._credentials.kind

    async def load(self) -> None:
        for account in await self._read(self._book.load):
            self._open(account)

    def _open(self, account: Account) -> Lane:
        lane = Lane(account.name, account.max_in_flight, self._clock)
        lane.pause(self.paused)
        limiter = Limiter(account.uploads_per_minute, self._clock, account.bytes_per_s)
        self._desks[account.name] = _Desk(account, lane, limiter)
        return lane

    def all(self) -> list[Account]:
        return [desk.account for desk in self._desks.values() if not desk.leaving]

    def leave(self, name: str, *, leaving: bool) -> None:
        """An account about to be removed gets no more files."""
        self._desk(name).leaving = leaving

    def get(self, name: str) -> Account:
        return self._desk(name).account

    def _desk(self, name: str) -> _Desk:
        desk = self._desks.get(name)
        if desk is None:
            raise AccountError(ErrorCode.UNKNOWN_ACCOUNT, name)
        return desk

    def lane(self, name: str) -> Lane | None:
        desk = self._desks.get(name)
        return desk.lane if desk else None

    def limiter(self, name: str) -> Limiter:
        return self._desk(name).limiter

    def pause(self, paused: bool) -> None:
        self.paused = paused
        for desk in self._desks.values():
            desk.lane.pause(paused)

    # -- clients

    async def provider(self, name: str) -> FileProvider:
        """The client of an account, made when first needed. Raises KEY_MISSING and the like."""
        desk = self._desk(name)
        if desk.provider is None:
            key = await self._read(self._credentials.get, name)
            if key is None:
                raise AccountError(ErrorCode.KEY_MISSING, name)
            return self._client(desk, key)
        return desk.provider

    def _client(self, desk: _Desk, key: str) -> FileProvider:
        """Another task may have been quicker while the keyring was read."""
        if desk.provider is None:
            desk.provider = self._factory(desk.account, key)
        return desk.provider

    async def close(self) -> None:
        for desk in self._desks.values():
            if desk.provider is not None:
                await desk.provider.close()
                desk.provider = None

    def limits(self, name: str, purpose: str) -> Limits:
        """How much may lie at the account: the provider's word and the user's settings."""
        wanted = self._settings
        return limits_of(
            self.get(name), purpose, self.table, wanted.account_max_files, wanted.account_max_bytes
        )

    # -- problems

    def problem(self, name: str) -> AppError | None:
        return self._desk(name).problem

    def raise_problem(self, name: str, error: AppError) -> None:
        """The account cannot go on without the user: said once until it is mended."""
        desk = self._desk(name)
        is_new = desk.problem is None or desk.problem.code is not error.code
        desk.problem = error
        if is_new:
            self._bus.publish(ProblemRaised(ErrorView.of(error), name))

    def clear_problem(self, name: str) -> None:
        desk = self._desk(name)
        desk.problem = None
        desk.lane.open()
        desk.lane.hurry()

    # -- the user's changes

    def _account_of(self, draft: AccountDraft) -> Account:
        order = max((a.order for a in self.all()), default=-1) + 1
        return account_of(draft, self.table, self._settings, order)

    async def add(self, draft: AccountDraft, key: str, fingerprint: str) -> str:
        """Store key and account, in this order; returns the account's name."""
        account = replace(self._account_of(draft), key_fingerprint=fingerprint)
        if account.name in self._desks:
            raise AccountError(ErrorCode.ACCOUNT_EXISTS, account.name)
        # The client refuses addresses that are neither https nor this machine.
        await self._factory(account, key).close()
        await self._read(self._credentials.set, account.name, key)
        await self._read(self._book.save, [*self.all(), account])
        self._open(account)
        return account.name

    async def remove(self, name: str) -> None:
        desk = self._desk(name)
        await self._read(self._book.save, [a for a in self.all() if a.name != name])
        await self._read(self._credentials.delete, name)
        del self._desks[name]
        if desk.provider is not None:
            await desk.provider.close()

    def identity(self, name: str) -> str:
        """The same on every machine that has this key for this address."""
        account = self.get(name)
        return f"{account.base_url}#{account.key_fingerprint or name}"

    def first_purpose(self, name: str) -> str:
        """The purpose whose list is asked for when any will do."""
        return self._first_purpose(self.get(name))

    def _first_purpose(self, account: Account) -> str:
        info = self.table.of(account)
        assert info is not None
        return info.purposes_in(account.region)[0].name

    async def test_draft(self, draft: AccountDraft, key: str) -> ConnectionReport:
        account = self._account_of(draft)
        provider = self._factory(account, key)
        began = time.perf_counter()
        try:
            files = await provider.list(self._first_purpose(account))
        except AppError as error:
            return report_of(account, time.perf_counter() - began, error=error)
        finally:
            await provider.close()
        return report_of(account, time.perf_counter() - began, files=len(files))

    # -- what others see

    def statuses(
        self,
        sending: dict[str, int],
        usage: dict[str, tuple[int, int]],
        breaker: Callable[[str], BreakerStatus],
        health: Callable[[str], HealthStatus],
    ) -> tuple[AccountStatus, ...]:
        return tuple(
            AccountStatus(
                desk.account,
                desk.lane.closed_until,
                ErrorView.of(desk.problem) if desk.problem else None,
                len(desk.lane),
                sending.get(name, 0),
                *usage.get(name, (0, 0)),
                desk.provider.transport_status if desk.provider else None,
                breaker(name),
                health(name),
            )
            for name, desk in self._desks.items()
        )

    async def _read(self, call: Callable[..., T], *args: object) -> T:
        """Settings file and keyring block: never in the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, call, *args)


def expiry_of(accounts: Accounts, name: str, purpose: str, remote: RemoteFile) -> float | None:
    """When the provider deletes a file by itself: as it says, or as its rules say."""
    if remote.expires_at is not None:
        return remote.expires_at
    account = accounts.get(name)
    provider = accounts.table.of(account)
    if provider is None:
        return None
    days = provider.purpose(account.region, purpose).retention_days
    return remote.created_at + days * DAY_S if days else None
