"""Where the states of accounts are kept: a breaker's, for the next run or for other machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

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
