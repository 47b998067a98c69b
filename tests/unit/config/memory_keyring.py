"""A keyring in memory that can be locked, or fall silent, while the program runs."""

from __future__ import annotations

import time

from keyring.backend import KeyringBackend


class MemoryKeyring(KeyringBackend):
    """`items` is what it holds; `failure` is what it answers with instead."""

    priority: float = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.items: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None
        self.silent_s = 0.0

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(self.silent_s)
        if self.failure is not None:
            raise self.failure
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.items[service, username]
