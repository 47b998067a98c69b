"""What a recovered record may lack, and the lists it has been compared with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from exai_desktop.core.copies.models import Copy, RemoteFile
from exai_desktop.core.jobs.jobs import FORGOTTEN
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.rows import copy_of, storable
from exai_desktop.storage.sqlite.driver import Connection, Error, as_engine_error, open_writer

_OPEN: Final = """
SELECT min(since) FROM recoveries WHERE NOT EXISTS (SELECT 1 FROM compared_lists
    WHERE recovery = recoveries.id AND account = ? AND purpose = ?)"""

# `usable` is no matter for a foreign file; `recorded_at` is when the provider got it.
_FOREIGN: Final = """
INSERT INTO copies (provider, account, purpose, sha256, size, remote_id, remote_name, state,
    usable, recorded_at, expires_at, origin)
VALUES (?, ?, ?, '', ?, ?, ?, 'foreign', 0, ?, ?, 'found')
ON CONFLICT (account, remote_id) DO NOTHING"""

# Whatever the user has imported may be what a job has forgotten to have sent.
_NOT_SENT: Final = "(state = 'foreign' OR state = 'present' AND origin = 'imported')"

_CANDIDATES: Final = (
    f"SELECT * FROM copies WHERE account = ? AND purpose = ? AND size = ? AND {_NOT_SENT}"  # noqa: S608 - a constant
)
_ASKED: Final = f"UPDATE copies SET verified_at = ? WHERE id = ? AND {_NOT_SENT}"  # noqa: S608

_LOOK_ALIKE: Final = """
SELECT 1 FROM jobs WHERE name = ? AND size = ? AND id <> ?
    AND (sha256 IS NULL OR sha256 <> ?) AND state NOT IN ('refused', 'cancelled') LIMIT 1"""


def begin(path: Path, at: float, since: float, cause: str) -> None:
    """Note a recovery, once, before anybody works with the database. Blocks."""
    try:
        with closing(open_writer(path)) as connection:
            begin_in(connection, at, since, cause)
    except Error as error:
        raise as_engine_error(error) from error


def begin_in(connection: Connection, at: float, since: float, cause: str) -> None:
    """The same in an open database."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO recoveries (at, since, cause) VALUES (?, ?, ?)", (at, since, cause)
    )
    # Looked for after an earlier recovery is not looked for after this one.
    connection.execute(
        "UPDATE attempts SET outcome = 'interrupted' WHERE outcome = ?", (FORGOTTEN,)
    )
    connection.execute("COMMIT")


class SqliteRecoveryLog:
    """`core.jobs.store.RecoveryLog` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self) -> float | None:
        # A recovery is noted before anybody works with the database.
        return await self._database.read_kept(_since)

    async def not_compared(self, account: str, purpose: str) -> float | None:
        return await self._database.read(
            lambda connection: connection.execute(_OPEN, (account, purpose)).fetchone()[0]
        )

    async def compared(
        self, provider: str, account: str, purpose: str, files: Sequence[RemoteFile], at: float
    ) -> int:
        write = partial(_compared, provider, account, purpose, files, at)
        return await self._database.write(write)

    async def record_foreign(self, provider: str, account: str, files: Sequence[RemoteFile]) -> int:
        return await self._database.write(partial(_record, provider, account, files))

    async def foreign(self, account: str, purpose: str, size: int) -> list[Copy]:
        return await self._database.read(
            lambda connection: [
                copy_of(row) for row in connection.execute(_CANDIDATES, (account, purpose, size))
            ]
        )

    async def asked(self, copy_ids: Sequence[int], at: float) -> None:
        await self._database.write(
            lambda connection: (
                connection.executemany(
                    _ASKED,
                    [(at, copy_id) for copy_id in copy_ids],
                ).rowcount
            )
        )

    async def has_look_alike(self, job_id: int, name: str, size: int, sha256: str) -> bool:
        values = (storable(name), size, job_id, sha256)
        return await self._database.read(
            lambda connection: connection.execute(_LOOK_ALIKE, values).fetchone() is not None
        )


def _since(connection: Connection) -> float | None:
    found: float | None = connection.execute("SELECT min(since) FROM recoveries").fetchone()[0]
    return found


def _compared(
    provider: str,
    account: str,
    purpose: str,
    files: Sequence[RemoteFile],
    at: float,
    connection: Connection,
) -> int:
    added = _record(provider, account, files, connection)
    connection.execute(
        "INSERT INTO compared_lists (recovery, account, purpose, at)"
        " SELECT id, ?, ?, ? FROM recoveries WHERE true ON CONFLICT DO NOTHING",
        (account, purpose, at),
    )
    return added


def _record(
    provider: str, account: str, files: Sequence[RemoteFile], connection: Connection
) -> int:
    rows = [
        (
            provider,
            account,
            file.purpose,
            file.bytes,
            storable(file.id),
            storable(file.name),
            file.created_at,
            file.expires_at,
        )
        for file in files
    ]
    return connection.executemany(_FOREIGN, rows).rowcount
