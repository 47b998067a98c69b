"""The states of accounts in the profile's database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from exai_desktop.storage.database import Database
from exai_desktop.storage.sqlite.driver import Connection

T = TypeVar("T")

_PUT: Final = """
INSERT INTO account_states (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value"""


class SqliteStateStore:
    """`core.accounts.ports.StateStore` for one profile: all who write go through its one writer."""

    is_shared = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, key: str) -> str | None:
        value: str | None = await self._database.read(lambda connection: _value(connection, key))
        return value

    async def update(self, key: str, change: Callable[[str | None], tuple[str | None, T]]) -> T:
        def carry_out(connection: Connection) -> T:
            old = _value(connection, key)
            new, result = change(old)
            if new is None:
                connection.execute("DELETE FROM account_states WHERE key = ?", (key,))
            elif new != old:
                connection.execute(_PUT, (key, new))
            return result

        result: T = await self._database.write(carry_out)
        return result


def _value(connection: Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM account_states WHERE key = ?", (key,)).fetchone()
    return None if row is None else row["value"]
