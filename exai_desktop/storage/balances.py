"""The last balance of each account."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.accounts import Balance
from exai_desktop.storage.database import Database
from exai_desktop.storage.rows import storable

_PUT: Final = """
INSERT INTO balances (account, available, currency, at) VALUES (?, ?, ?, ?)
ON CONFLICT (account) DO UPDATE SET
    available = excluded.available, currency = excluded.currency, at = excluded.at"""


class SqliteBalances:
    """`core.accounts.BalanceBook` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, account: str, balance: Balance | None) -> None:
        sql = "DELETE FROM balances WHERE account = ?"
        values: tuple[str | float, ...] = (storable(account),)
        if balance is not None:
            sql, values = _PUT, (*values, balance.available, balance.currency, balance.at)
        await self._database.write(lambda connection: connection.execute(sql, values).rowcount)

    async def all(self) -> dict[str, Balance]:
        return await self._database.read(
            lambda connection: {
                row["account"]: Balance(row["available"], row["currency"], row["at"])
                for row in connection.execute("SELECT * FROM balances")
            }
        )
