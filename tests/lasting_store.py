"""A key store in memory that the next run finds again, and that may be locked."""

from __future__ import annotations

from exai_desktop.config.secret_store import SessionStore
from exai_desktop.core.errors.tree import AccountError


class LastingStore(SessionStore):
    """`error` is what it answers instead."""

    kind = "test store"
    is_lasting = True
    error: AccountError | None = None

    def get(self, name: str) -> str | None:
        if self.error is not None:
            raise self.error
        return super().get(name)

    def set(self, name: str, value: str) -> None:
        if self.error is not None:
            raise self.error
        super().set(name, value)
