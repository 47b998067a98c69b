"""Accounts and what they need from outside: keys, the settings list, state that is shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from exai_desktop.core.accounts.accounts import Account


class Credentials(Protocol):
    """API keys, each for one address. Calls block for up to seconds: use a reader thread.

    Raise `AccountError` with one of `core.accounts.secret_store.STORE_CODES`.
    """

    @property
    def kind(self) -> str:
        """What holds the keys, for people: "Secret Service", "vault", "this session only"."""
        ...

    def available(self) -> bool:
        """Whether the store can be used now. Looks anew each time."""
        ...

    def get(self, account: Account) -> str | None:
        """Raises ADDRESS_CHANGED when there is a key, but for another address."""
        ...

    def set(self, account: Account, key: str) -> None:
        """The key belongs to the address that the account has now."""
        ...

    def delete(self, account: Account) -> None: ...


class AccountBook(Protocol):
    """The list of accounts in the settings file, without keys. Writes are atomic.

    What somebody else has written there meanwhile stays.
    """

    def load(self) -> tuple[Account, ...]: ...

    def put(self, account: Account, before: Account | None = None) -> None:
        """Add the account, or write what is different from `before`.

        Raises INVALID_ACCOUNT, ACCOUNT_EXISTS, UNUSABLE_SETTING.
        """
        ...

    def remove(self, name: str) -> None: ...


T = TypeVar("T")


class StateStore(Protocol):
    """Small texts about accounts, kept for the next run and shared by all who use the store."""

    @property
    def is_shared(self) -> bool:
        """Whether others may change them too: then what was read ages."""
        ...

    async def load(self, key: str) -> str | None: ...

    async def update(self, key: str, change: Callable[[str | None], tuple[str | None, T]]) -> T:
        """Read, change and write as one step; returns what `change` gives besides the new text.

        `change` may be called more than once. A new text of None forgets the key.
        """
        ...


class SharedTurns(Protocol):
    async def take(self, key: str, most: int, window_s: float) -> float:
        """One turn of at most so many in any window; 0.0 when it is ours.

        Otherwise the seconds until one may be free, and nothing was taken. Raises
        FLEET_UNREACHABLE.
        """
        ...
