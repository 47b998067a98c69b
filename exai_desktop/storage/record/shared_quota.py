"""The limit over all devices of the user who is signed in; see `m0018_quotas`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Sequence
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.mirror.quota import Quota, QuotaUse, Reservation
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations.m0001_first import IN_FLIGHT
from exai_desktop.storage.record.signed_in import signed_in
from exai_desktop.storage.sqlite.driver import Connection

_MOST: Final = 2**62

_KNOWN: Final = """
SELECT q.*, t.id FROM mirror_targets AS t JOIN mirror_quotas AS q ON q.target = t.id
WHERE t.active = 1"""

# As the project counts it: sent by one of the user's devices, and there.
_TAKES_ROOM: Final = "origin = 'sent' AND state IN ('present', 'deleting')"

# What has changed since: not told yet, or told and not counted yet.
_OPEN: Final = """
SELECT local_id FROM outbox WHERE target = :target AND kind = 'copy'
UNION SELECT local_id FROM mirror_ids WHERE target = :target AND kind = 'copy' AND is_counted = 0"""

_SINCE: Final = f"""
SELECT coalesce(sum(iif({_TAKES_ROOM}, c.size, 0) - coalesce(m.counted_bytes, 0)), 0)
FROM ({_OPEN}) AS o
LEFT JOIN copies AS c ON c.id = o.local_id
LEFT JOIN mirror_ids AS m
    ON m.target = :target AND m.kind = 'copy' AND m.local_id = o.local_id"""  # noqa: S608 - ours

_ON_THE_WAY: Final = f"SELECT coalesce(sum(bytes), 0) FROM job_sums WHERE {IN_FLIGHT}"  # noqa: S608

_COUNT: Final = f"""
UPDATE mirror_ids SET is_counted = 1, counted_bytes =
    coalesce((SELECT size FROM copies WHERE id = local_id AND {_TAKES_ROOM}), 0)
WHERE target = :target AND kind = 'copy' AND is_counted = 0 AND rev IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM outbox AS o
        WHERE o.target = mirror_ids.target AND o.kind = 'copy'
            AND o.local_id = mirror_ids.local_id)"""  # noqa: S608 - our own names

_NOTE: Final = """
INSERT INTO mirror_quotas VALUES (:target, :limit, :file, :used, :reserved, unixepoch())
ON CONFLICT (target) DO UPDATE SET limit_bytes = excluded.limit_bytes,
    file_bytes = excluded.file_bytes, used_bytes = excluded.used_bytes,
    reserved_bytes = excluded.reserved_bytes, counted_at = excluded.counted_at"""

# Room that was asked for just now counts by the answer alone.
_REFUSED: Final = """
UPDATE mirror_quotas SET file_bytes = :file,
    used_bytes = max(used_bytes, limit_bytes - reserved_bytes - :left)
WHERE target = (SELECT id FROM mirror_targets WHERE active = 1)"""

# It may still send, or may have sent.
_OPEN_JOBS: Final = (
    "'queued', 'checking', 'hashing', 'waiting', 'sending', 'confirming', 'uncertain',"
    " 'needs_review'"
)
_DUE: Final = f"""
SELECT r.id FROM quota_reservations AS r WHERE r.target = ?
    AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.id = r.job_id AND j.state IN ({_OPEN_JOBS}))
    AND NOT EXISTS (SELECT 1 FROM copies AS c
        LEFT JOIN mirror_ids AS m ON m.target = r.target AND m.kind = 'copy' AND m.local_id = c.id
        WHERE c.job_id = r.job_id AND c.{_TAKES_ROOM} AND m.rev IS NULL)"""  # noqa: S608 - ours


class SqliteQuotaDesk:
    """`core.mirror.quota.QuotaDesk` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_signed_in(self) -> bool:
        return await signed_in(self._database) is not None

    async def use(self) -> QuotaUse | None:
        if await signed_in(self._database) is None:
            return None
        return await self._database.read(quota_use)

    async def counted(self, url: str, user_id: str, quota: Quota) -> None:
        def write(connection: Connection) -> None:
            row = connection.execute(
                "SELECT id FROM mirror_targets WHERE url = ? AND user_id = ?", (url, user_id)
            ).fetchone()
            if row is None:
                return
            target = {"target": row["id"]}
            connection.execute(_NOTE, target | _values(quota))
            connection.execute(_COUNT, target)

        await self._database.write(write)

    async def reserve(self, job_id: int, size: int) -> Reservation | None:
        def write(connection: Connection) -> Reservation | None:
            target = _active(connection)
            if target is None:
                return None
            row = connection.execute(
                "SELECT id, size FROM quota_reservations WHERE target = ? AND job_id = ?",
                (target, job_id),
            ).fetchone()
            if row is not None and row["size"] >= size:
                return Reservation(row["id"], row["size"])
            # A row of a smaller size stays, for the project to be told: under no job's number.
            connection.execute(
                "UPDATE quota_reservations SET job_id = -abs(random() % 4611686018427387904) - 1"
                " WHERE target = ? AND job_id = ?",
                (target, job_id),
            )
            made = Reservation(str(uuid.uuid4()), size)
            connection.execute(
                "INSERT INTO quota_reservations (id, target, job_id, size) VALUES (?, ?, ?, ?)",
                (made.id, target, job_id, size),
            )
            return made

        return await self._database.write(write)

    async def granted(self, reservation: Reservation) -> None:
        sql = "UPDATE quota_reservations SET is_granted = 1 WHERE id = ?"
        await self._database.write(lambda connection: connection.execute(sql, (reservation.id,)))

    async def drop(self, reservation_ids: Collection[str]) -> None:
        sql = "DELETE FROM quota_reservations WHERE id IN (SELECT value FROM json_each(?))"
        given = (json.dumps(list(reservation_ids)),)
        await self._database.write(lambda connection: connection.execute(sql, given))

    async def refused(self, left_bytes: int, file_bytes: int) -> None:
        given = {"left": min(left_bytes, _MOST), "file": min(file_bytes, _MOST)}
        await self._database.write(lambda connection: connection.execute(_REFUSED, given))

    async def due(self, target_id: int) -> Sequence[str]:
        return await self._database.read(
            lambda connection: [row["id"] for row in connection.execute(_DUE, (target_id,))]
        )

    async def held(self, codes: Collection[str]) -> Sequence[tuple[int, int]]:
        sql = (
            "SELECT id, size FROM jobs WHERE state = 'held'"
            " AND error_code IN (SELECT value FROM json_each(?)) ORDER BY id"
        )
        given = (json.dumps(sorted(codes)),)
        return await self._database.read(
            lambda connection: [(row["id"], row["size"]) for row in connection.execute(sql, given)]
        )


def quota_use(connection: Connection) -> QuotaUse | None:
    """Of the user who is signed in, if the project has counted before."""
    row = connection.execute(_KNOWN).fetchone()
    if row is None:
        return None
    (since,) = connection.execute(_SINCE, {"target": row["target"]}).fetchone()
    (coming,) = connection.execute(_ON_THE_WAY).fetchone()
    return QuotaUse(
        row["limit_bytes"],
        row["file_bytes"],
        row["used_bytes"],
        row["reserved_bytes"],
        since + coming,
        row["counted_at"],
    )


def check_shared_room(connection: Connection, job_id: int, size: int) -> None:
    """Raise SHARED_QUOTA_REACHED or SHARED_FILE_LIMIT for a job that is on its way by its row.

    Not when the project itself has given it room: that was asked later than this is known.
    """
    granted = connection.execute(
        "SELECT 1 FROM quota_reservations AS r JOIN mirror_targets AS t ON t.id = r.target"
        " WHERE t.active = 1 AND r.job_id = ? AND r.is_granted = 1",
        (job_id,),
    ).fetchone()
    use = None if granted is not None else quota_use(connection)
    if use is None:
        return
    if use.is_too_large(size):
        raise EngineError(ErrorCode.SHARED_FILE_LIMIT, f"{size:,} of {use.file_bytes:,} bytes")
    total = use.filled_bytes + use.reserved_bytes
    if total > use.limit_bytes:
        reason = f"it would be {total:,} of {use.limit_bytes:,} bytes"
        raise EngineError(ErrorCode.SHARED_QUOTA_REACHED, reason)


def _active(connection: Connection) -> int | None:
    row = connection.execute("SELECT id FROM mirror_targets WHERE active = 1").fetchone()
    return None if row is None else int(row["id"])


def _values(quota: Quota) -> dict[str, int]:
    return {
        "limit": min(quota.limit_bytes, _MOST),
        "file": min(quota.file_bytes, _MOST),
        "used": min(quota.used_bytes, _MOST),
        "reserved": min(quota.reserved_bytes, _MOST),
    }
