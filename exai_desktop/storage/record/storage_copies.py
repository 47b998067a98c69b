"""Which contents are to be copied to Storage; see `m0019_storage_copies`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import (
    CopyWork,
    RoomEnd,
    StorageCopy,
    StorageState,
    StorageStatus,
)
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.signed_in import keep_copies
from exai_desktop.storage.sqlite.driver import Connection, Row

# What is begun comes first, then in the order of asking.
_NEXT: Final = """
SELECT * FROM storage_copies WHERE target = ? AND (settle IN ('committed', 'released', 'returned')
    OR state = 'deleting' OR (state = 'waiting' AND ?))
ORDER BY state = 'waiting', upload = '', added_at, sha256 LIMIT 1"""

_SAVE: Final = """
UPDATE storage_copies SET state = ?, upload = ?, source = ?, sent = ?, hold = ?, settle = ?,
    code = ?, detail = ? WHERE target = ? AND sha256 = ?"""

_ADD: Final = """
INSERT INTO storage_copies (target, sha256, size, job_id, added_at)
SELECT ?, sha256, size, max(id), max(updated_at) FROM jobs
WHERE id IN (SELECT value FROM json_each(?)) AND sha256 IS NOT NULL
    AND state IN ('done', 'duplicate') GROUP BY sha256, size
ON CONFLICT DO UPDATE SET job_id = excluded.job_id, code = '', detail = '',
    state = iif(state = 'refused', 'waiting', state)"""

_COUNTS: Final = """
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
    count(*) FILTER (WHERE state = 'copied') AS copied,
    count(*) FILTER (WHERE state = 'refused') AS refused,
    coalesce(sum(size) FILTER (WHERE state = 'copied'), 0) AS bytes
FROM storage_copies WHERE target = ?"""

_ROWS: Final = """
SELECT c.*, j.name FROM storage_copies AS c LEFT JOIN jobs AS j ON j.id = c.job_id
WHERE c.target = ? AND (? = '[]' OR c.sha256 IN (SELECT value FROM json_each(?)))
    AND (? = '[]' OR iif(c.state = 'waiting' AND c.upload <> '', 'copying', c.state)
        IN (SELECT value FROM json_each(?)))
ORDER BY c.added_at, c.sha256 LIMIT ?"""


class SqliteStorageCopies:
    """`core.mirror.storage_copies.CopyBook` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def switch(self, *, is_on: bool) -> None:
        await keep_copies(self._database, is_on=is_on)

    async def next(self, target: MirrorTarget, *, only_ends: bool = False) -> CopyWork | None:
        def read(connection: Connection) -> CopyWork | None:
            row = connection.execute(_NEXT, (target.id, int(not only_ends))).fetchone()
            return None if row is None else _work(row)

        return await self._database.read(read)

    async def find(self, target: MirrorTarget, sha256: str) -> CopyWork | None:
        def read(connection: Connection) -> CopyWork | None:
            sql = "SELECT * FROM storage_copies WHERE target = ? AND sha256 = ?"
            row = connection.execute(sql, (target.id, sha256)).fetchone()
            return None if row is None else _work(row)

        return await self._database.read(read)

    async def save(self, target: MirrorTarget, work: CopyWork) -> None:
        values = (
            *(work.state.value, work.upload, work.source, work.sent, work.hold, work.settle.value),
            *(work.code, work.detail, target.id, work.sha256),
        )
        await self._database.write(lambda connection: connection.execute(_SAVE, values))

    async def add(self, target: MirrorTarget, job_ids: Sequence[int]) -> int:
        ids = json.dumps(list(job_ids))

        def write(connection: Connection) -> int:
            connection.execute(_ADD, (target.id, ids))
            sql = (
                "SELECT count(*) FROM storage_copies WHERE target = ? AND state = 'waiting'"
                " AND sha256 IN (SELECT sha256 FROM jobs"
                " WHERE id IN (SELECT value FROM json_each(?)))"
            )
            (count,) = connection.execute(sql, (target.id, ids)).fetchone()
            return int(count)

        return await self._database.write(write)

    async def remove(self, target: MirrorTarget, sha256: str) -> None:
        sql = "DELETE FROM storage_copies WHERE target = ? AND sha256 = ?"
        await self._database.write(lambda connection: connection.execute(sql, (target.id, sha256)))

    async def retry(self, target: MirrorTarget) -> int:
        sql = (
            "UPDATE storage_copies SET state = 'waiting', code = '', detail = ''"
            " WHERE target = ? AND state = 'refused'"
        )
        return await self._database.write(
            lambda connection: connection.execute(sql, (target.id,)).rowcount
        )

    async def status(self, target: MirrorTarget) -> StorageStatus:
        def read(connection: Connection) -> StorageStatus:
            row = connection.execute(_COUNTS, (target.id,)).fetchone()
            return StorageStatus(
                waiting=row["waiting"],
                copied=row["copied"],
                refused=row["refused"],
                copied_bytes=row["bytes"],
            )

        return await self._database.read(read)

    async def rows(
        self,
        target: MirrorTarget,
        states: Sequence[StorageState],
        sha256: Sequence[str],
        limit: int,
    ) -> list[StorageCopy]:
        hashes, wanted = json.dumps(list(sha256)), json.dumps([each.value for each in states])

        def read(connection: Connection) -> list[StorageCopy]:
            given = (target.id, hashes, hashes, wanted, wanted, limit)
            return [_shown(row) for row in connection.execute(_ROWS, given)]

        return await self._database.read(read)


def _work(row: Row) -> CopyWork:
    return CopyWork(
        *(row["sha256"], row["size"], row["job_id"], StorageState(row["state"]), row["upload"]),
        *(row["source"], row["sent"], row["hold"], RoomEnd(row["settle"])),
        *(row["code"], row["detail"]),
    )


def _shown(row: Row) -> StorageCopy:
    is_begun = row["state"] == "waiting" and row["upload"]
    return StorageCopy(
        sha256=row["sha256"],
        name=row["name"] or "",
        size=row["size"],
        state=StorageState.COPYING if is_begun else StorageState(row["state"]),
        sent=row["sent"],
        code=row["code"],
        detail=row["detail"],
    )
