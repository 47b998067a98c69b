"""The accounts in use: their lanes, their provider clients, and what is wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from exai_desktop.core.accounts.accounts import (
    Account,
    AccountStatus,
)
from exai_desktop.core.accounts.health import BreakerStatus, HealthStatus
from exai_desktop.core.accounts.ports import AccountBook, Credentials
from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import FileProvider, KeepsConnections, ProviderFactory
from exai_desktop.core.copies.queries import DAY_S
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, ErrorView
from exai_desktop.core.events import EventBus, ProblemRaised
from exai_desktop.core.jobs.line import LinePlaces
from exai_desktop.core.machine import Clock
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.routing.routing import Limits, limits_of
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.identity import namesakes, principal
from exai_desktop.engine.accounts.timing import Limiter
from exai_desktop.engine.scheduling.lanes import Lane

T = TypeVar("T")


class Gate:
    """Each attempt to send begins inside, with the client that is in use; it is closed while the
    account's key changes. So an attempt begins before the change or after it, never during it.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._open, self._empty = asyncio.Event(), asyncio.Event()
        self._open.set()
        self._empty.set()

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Wait until it is open; it is not closed before the end of the block."""
        while not self._open.is_set():
            await self._open.wait()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Let nobody in until the end of the block, which begins when all have left.

        One caller at a time.
        """
        self._open.clear()
        try:
            await self._empty.wait()
            yield
        finally:
            self._open.set()


@dataclass(slots=True)
class _Desk:
    account: Account
    lane: Lane
    limiter: Limiter
    gate: Gate = field(default_factory=Gate)
    provider: FileProvider | None = None
    # Of earlier keys: what was under way with them is finished.
    former: list[FileProvider] = field(default_factory=list)
    problem: AppError | None = None
    leaving: bool = False

    @property
    def clients(self) -> list[FileProvider]:
        return [*self.former, *([self.provider] if self.provider is not None else [])]


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
        # Of the jobs in all lanes, that of the preparation among them.
        self.places = LinePlaces()

    async def load(self) -> None:
        for account in await self._read(self._book.load):
            self.open(account)

    def open(self, account: Account) -> None:
        """Take an account into use."""
        lane = Lane(account.name, account.max_in_flight, self._clock, self.places)
        lane.pause(self.paused)
        limiter = Limiter(account.uploads_per_minute, self._clock, account.bytes_per_s)
        self._desks[account.name] = _Desk(account, lane, limiter)

    def change(self, account: Account) -> None:
        """Use it as it is now; its client is made anew when next needed."""
        desk = self._desk(account.name)
        desk.account = account
        desk.lane.allow(account.max_in_flight)
        desk.limiter.limit(account.uploads_per_minute)
        desk.limiter.bandwidth.limit(account.bytes_per_s)
        if desk.provider is not None:
            desk.former.append(desk.provider)
            desk.provider = None

    async def drop(self, name: str) -> None:
        """Use it no more."""
        await self._close(self._desks.pop(name))

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

    def gate(self, name: str) -> Gate:
        return self._desk(name).gate

    def pause(self, paused: bool) -> None:
        self.paused = paused
        for desk in self._desks.values():
            desk.lane.pause(paused)

    # -- clients

    async def provider(self, name: str) -> FileProvider:
        """The client of an account, made when first needed. Raises KEY_MISSING and the like.

        A key for another address makes the account wait for the user, whoever asked.
        """
        desk = self._desk(name)
        if desk.provider is None:
            account = desk.account
            try:
                key = await self._read(self._credentials.get, account)
            except AccountError as error:
                if error.code is ErrorCode.ADDRESS_CHANGED:
                    self.raise_problem(name, error)
                raise
            if key is None:
                raise AccountError(ErrorCode.KEY_MISSING, name)
            if desk.account is not account:
                return await self.provider(name)  # it was changed while the keyring was read
            return self._client(desk, key)
        return desk.provider

    def _client(self, desk: _Desk, key: str) -> FileProvider:
        """Another task may have been quicker while the keyring was read."""
        if desk.provider is None:
            desk.provider = self._factory(desk.account, key)
        return desk.provider

    async def close(self, *, unused_only: bool = False) -> None:
        """`unused_only`: connections that nobody has used since the last such call; the clients
        stay."""
        for desk in list(self._desks.values()):
            if not unused_only:
                await self._close(desk)
                continue
            for client in desk.clients:
                if isinstance(client, KeepsConnections):
                    await client.close_unused()

    async def _close(self, desk: _Desk) -> None:
        clients = desk.clients
        desk.provider, desk.former = None, []
        for client in clients:
            await client.close()

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

    # -- names

    def principal(self, name: str) -> Account:
        """The account under whose name its files go: several names may be one account."""
        return principal(self.all(), self.get(name))

    def namesakes(self, name: str) -> list[Account]:
        """All names of this account, itself included."""
        return namesakes(self.all(), self.get(name))

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
                same_as=self._other_name(desk.account),
            )
            for name, desk in self._desks.items()
        )

    def _other_name(self, account: Account) -> str:
        name = principal(self.all(), account).name
        return "" if name == account.name else name

    async def _read(self, call: Callable[..., T], *args: object) -> T:
        """Settings file and keyring block: never in the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, call, *args)


def purpose_to_ask(account: Account, table: ProviderTable) -> str:
    """The purpose whose list is asked for when any will do; the account may not be in use yet."""
    info = table.of(account)
    assert info is not None
    return info.purposes_in(account.region)[0].name


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
