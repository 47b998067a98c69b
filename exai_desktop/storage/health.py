"""The history of how each account's provider has answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exai_desktop.core.health import Check, HealthSample
from exai_desktop.storage.database import Database
from exai_desktop.storage.driver import Connection
from exai_desktop.storage.rows import storable

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


class SqliteHealthBook:
    """`core.health.HealthBook` on the profile's database."""

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
