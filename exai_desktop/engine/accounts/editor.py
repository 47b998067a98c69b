"""The user's changes of accounts: in the key store, the settings file and the accounts in use.

A change that is cut in the middle leaves them apart: the callers let each run to its end.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeVar

from exai_desktop.core.accounts.accounts import (
    Account,
    AccountDraft,
    AccountEdit,
    ConnectionReport,
    KeyPlace,
)
from exai_desktop.core.accounts.ports import AccountBook, Credentials
from exai_desktop.core.copies.provider import ProviderFactory
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.draft import account_of, edited, report_of, with_place
from exai_desktop.engine.accounts.registry import Accounts, purpose_to_ask

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeyRules:
    """`check` cleans a key or refuses it, `fingerprint` names it without telling it."""

    check: Callable[[str], str]
    fingerprint: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class AccountEditor:
    """All calls are made in the engine's loop, one change at a time."""

    accounts: Accounts
    book: AccountBook
    credentials: Credentials
    factory: ProviderFactory
    keys: KeyRules
    settings: Settings
    clock: Clock
    readers: Executor

    def _account_of(self, draft: AccountDraft) -> Account:
        order = max((a.order for a in self.accounts.all()), default=-1) + 1
        return account_of(draft, self.accounts.table, self.settings, order)

    async def add(self, draft: AccountDraft, key: str) -> str:
        """Store key and account, in this order; returns the account's name."""
        key = self.keys.check(key)
        account = self._marked(self._account_of(draft), key)
        if self.accounts.lane(account.name) is not None:
            raise AccountError(ErrorCode.ACCOUNT_EXISTS, account.name)
        await self._check_address(account, key)
        await self._read(self.credentials.set, account, key)
        await self._read(self.book.put, account)
        self.accounts.open(account)
        return account.name

    async def remove(self, name: str) -> None:
        await self._read(self.book.remove, name)
        await self._read(self.credentials.delete, self.accounts.get(name))
        await self.accounts.drop(name)

    def _marked(self, account: Account, key: str) -> Account:
        fingerprint = self.keys.fingerprint(key)
        return replace(account, key_fingerprint=fingerprint, key_since=self.clock.now())

    def with_key(self, name: str, key: str, place: KeyPlace) -> tuple[Account, str]:
        """The account as it will be with the new key, and the key without white space; the key
        counts from its `replace_key` on.

        Raises INVALID_KEY_FORMAT, INVALID_ACCOUNT.
        """
        clean = self.keys.check(key)
        account = with_place(self.accounts.get(name), place, self.accounts.table)
        return self._marked(account, clean), clean

    async def try_key(self, account: Account, key: str) -> None:
        """One question with it. Raises what the provider, or the way there, says against it."""
        provider = self.factory(account, key)
        try:
            await provider.list(purpose_to_ask(account, self.accounts.table))
        finally:
            await provider.close()

    async def replace_key(self, account: Account, key: str) -> None:
        """What is under way is finished with the old key; all else uses the new one.

        The account's gate is closed meanwhile.
        """
        await self._check_address(account, key)
        before = self.accounts.get(account.name)
        old = await self._old_key(before)
        # First, for a crash: an old key that counts as new is asked about once more, a new one
        # that counts as old is trusted.
        announced = replace(account, key_since=self.clock.now())
        await self._read(self.book.put, announced, before)
        try:
            await self._read(self.credentials.set, announced, key)
            # In use at the moment it is dated: what was asked before was asked with the old key.
            account = replace(account, key_since=self.clock.now())
            self.accounts.change(account)
            await self._read(self.book.put, account, announced)
        except Exception:
            self.accounts.change(before)
            await self._undo(before, old, announced)
            raise

    async def _undo(self, before: Account, old: str | None, announced: Account) -> None:
        """The new key must not go to the old address."""
        try:
            if old is not None:
                await self._read(self.credentials.set, before, old)
        finally:
            await self._read(self.book.put, before, announced)

    async def edit(self, name: str, changes: AccountEdit) -> Account:
        """The account with the changes, which hold at once. Raises INVALID_ACCOUNT."""
        before = self.accounts.get(name)
        account = edited(before, changes, self.accounts.table)
        await self._read(self.book.put, account, before)
        self.accounts.change(account)
        return account

    async def test_draft(self, draft: AccountDraft, key: str) -> ConnectionReport:
        """One question for an account that is not saved."""
        key = self.keys.check(key)
        account = self._account_of(draft)
        provider = self.factory(account, key)
        began = time.perf_counter()
        try:
            files = await provider.list(purpose_to_ask(account, self.accounts.table))
        except AppError as error:
            return report_of(account, time.perf_counter() - began, error=error)
        finally:
            await provider.close()
        return report_of(account, time.perf_counter() - began, files=len(files))

    async def _check_address(self, account: Account, key: str) -> None:
        """The client refuses addresses that are neither https nor this machine."""
        await self.factory(account, key).close()

    async def _old_key(self, account: Account) -> str | None:
        """None too when it cannot be read: that may be why it is replaced."""
        try:
            return await self._read(self.credentials.get, account)
        except AppError as error:
            log.warning("the old key of %s cannot be read: %s", account.name, error.code)
            return None

    async def _read(self, call: Callable[..., T], *args: object) -> T:
        """Settings file and keyring block: never in the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.readers, call, *args)
