"""How each account is: the history of its provider's answers, and its state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from exai_desktop.core.accounts.accounts import Balance
from exai_desktop.core.accounts.health import Check, HealthSample
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.rows import storable
from exai_desktop.storage.sqlite.driver import Connection

T = TypeVar("T")

# Newest of each account: at one question in a quarter of an hour, more than a week.
KEPT: Final = 1_000

_PUT: Final = """
INSERT INTO health (account, at, kind, outcome, took_ms, code, is_fault)
VALUES (?, ?, ?, ?, ?, ?, ?)"""

_TRIM: Final = """
DELETE FROM health WHERE account = :account AND id <= (
    SELECT id FROM health WHERE account = :account ORDER BY id DESC LIMIT 1 OFFSET :kept)"""

_HISTORY: Final = """
SELECT * FROM health WHERE :account IS NULL OR account = :account ORDER BY id DESC LIMIT :most"""

_PUT_STATE: Final = """
INSERT INTO account_states (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value"""


class SqliteHealthBook:
    """`core.accounts.health.HealthBook` on the profile's database."""

    def __init__(self, database: Database, kept: int = KEPT) -> None:
        self._database = database
        self._kept = kept

    async def add(self, samples: Sequence[HealthSample]) -> None:
        def put(connection: Connection) -> None:
            connection.executemany(_PUT, map(_values, samples))
            for account in {storable(sample.account) for sample in samples}:
                connection.execute(_TRIM, {"account": account, "kept": self._kept})

        if samples:
            await self._database.write(put)

    async def history(self, account: str | None, limit: int) -> list[HealthSample]:
        values = {"account": None if account is None else storable(account), "most": limit}
        return await self._database.read(
            lambda connection: [_sample(row) for row in connection.execute(_HISTORY, values)]
        )

    async def forget(self, account: str) -> None:
        name = storable(account)
        await self._database.write(
            lambda connection: (
                connection.execute("DELETE FROM health WHERE account = ?", (name,)).rowcount
            )
        )


def _values(sample: HealthSample) -> tuple[str | float | int, ...]:
    return (
        storable(sample.account),
        sample.at,
        sample.check.value,
        sample.outcome,
        sample.took_ms,
        sample.code,
        int(sample.is_fault),
    )


def _sample(row: dict[str, object]) -> HealthSample:
    return HealthSample(
        account=str(row["account"]),
        at=float(str(row["at"])),
        check=Check(str(row["kind"])),
        outcome=str(row["outcome"]),
        took_ms=int(str(row["took_ms"])),
        code=str(row["code"]),
        is_fault=bool(row["is_fault"]),
    )


_PUT_BALANCE: Final = """
INSERT INTO balances (account, available, currency, at) VALUES (?, ?, ?, ?)
ON CONFLICT (account) DO UPDATE SET
    available = excluded.available, currency = excluded.currency, at = excluded.at"""


class SqliteBalances:
    """`core.accounts.accounts.BalanceBook` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, account: str, balance: Balance | None) -> None:
        sql = "DELETE FROM balances WHERE account = ?"
        values: tuple[str | float, ...] = (storable(account),)
        if balance is not None:
            sql, values = _PUT_BALANCE, (*values, balance.available, balance.currency, balance.at)
        await self._database.write(lambda connection: connection.execute(sql, values).rowcount)

    async def all(self) -> dict[str, Balance]:
        return await self._database.read(
            lambda connection: {
                row["account"]: Balance(row["available"], row["currency"], row["at"])
                for row in connection.execute("SELECT * FROM balances")
            }
        )


class SqliteStateStore:
    """`core.accounts.ports.StateStore` for one profile: all who write go through its one writer."""

    is_shared = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, key: str) -> str | None:
        value: str | None = await self._database.read(lambda connection: _state_of(connection, key))
        return value

    async def update(self, key: str, change: Callable[[str | None], tuple[str | None, T]]) -> T:
        def carry_out(connection: Connection) -> T:
            old = _state_of(connection, key)
            new, result = change(old)
            if new is None:
                connection.execute("DELETE FROM account_states WHERE key = ?", (key,))
            elif new != old:
                connection.execute(_PUT_STATE, (key, new))
            return result

        result: T = await self._database.write(carry_out)
        return result


def _state_of(connection: Connection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM account_states WHERE key = ?", (key,)).fetchone()
    return None if row is None else row["value"]
