"""What other devices of the user have told, as it was fetched; see `m0016_other_devices`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from exai_desktop.core.mirror.operations import (
    NO_ACCOUNT,
    Change,
    ChangePage,
    MirrorTarget,
    RecordKind,
    Waiting,
)
from exai_desktop.core.mirror.status import OtherFile, OtherFilePage, RefusedRow
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations.supabase.m0014_mirror import TOLD
from exai_desktop.storage.record.shared_quota import quota_use
from exai_desktop.storage.record.signed_in import signed_in
from exai_desktop.storage.sqlite.driver import Connection, Row

_LONGEST: Final = 1_024

_PUT_NAME: Final = """
INSERT INTO remote_names (target, uuid, provider, name) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET provider = excluded.provider, name = excluded.name"""

_PUT_COPY: Final = """
INSERT INTO remote_copies (target, uuid, account_id, device_id, purpose, sha256, size, remote_id,
    name, state, usable, recorded_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (target, uuid) DO UPDATE SET account_id = excluded.account_id,
    device_id = excluded.device_id, purpose = excluded.purpose, sha256 = excluded.sha256,
    size = excluded.size, remote_id = excluded.remote_id, name = excluded.name,
    state = excluded.state, usable = excluded.usable, recorded_at = excluded.recorded_at,
    expires_at = excluded.expires_at"""

# Our own come back as well: what this profile has in its record is not another's.
_OURS: Final = "SELECT 1 FROM mirror_ids WHERE target = ? AND kind = 'copy' AND uuid = ?"
_OTHERS: Final = """
remote_copies AS c WHERE c.target = ? AND c.device_id IS NOT ?
    AND NOT EXISTS (SELECT 1 FROM mirror_ids AS m
        WHERE m.target = c.target AND m.kind = 'copy' AND m.uuid = c.uuid)"""
_MATCHES: Final = """
    AND (? = '' OR c.name LIKE ? ESCAPE '!' OR c.remote_id LIKE ? ESCAPE '!' OR c.sha256 = ?)"""

_PAGE: Final = f"""
SELECT c.*, a.provider, a.name AS account, d.name AS device FROM
    (SELECT c.* FROM {_OTHERS} {_MATCHES} ORDER BY recorded_at DESC, id DESC LIMIT ? OFFSET ?) AS c
    LEFT JOIN remote_names AS a ON a.target = c.target AND a.uuid = c.account_id
    LEFT JOIN remote_names AS d ON d.target = c.target AND d.uuid = c.device_id
ORDER BY c.recorded_at DESC, c.id DESC"""  # noqa: S608 - our own names

_STORED: Final = """
SELECT c.remote_id FROM remote_copies AS c JOIN mirror_targets AS t ON t.id = c.target
WHERE t.active = 1 AND c.device_id IS NOT NULL AND c.device_id <> t.device_id
    AND c.account_id = ? AND c.purpose = ? AND c.sha256 = ? AND c.size = ?
    AND c.state = 'present' AND c.usable = 1
    AND (c.expires_at IS NULL OR c.expires_at > unixepoch() + 3600)
    AND NOT EXISTS (SELECT 1 FROM mirror_ids AS m
        WHERE m.target = c.target AND m.kind = 'copy' AND m.uuid = c.uuid)
ORDER BY c.recorded_at LIMIT 3"""

# Sent and fetched anew, from the beginning.
_RESTART: Final = """
UPDATE mirror_targets SET pulled_to = 0, witness = NULL, jobs_filled = 0, copies_filled = 0,
    audit_sent = 0 WHERE id = ?"""

_WAITING: Final = f"""
SELECT (SELECT count(*) FROM outbox WHERE target = t.id AND parked_code IS NULL)
    + (SELECT count(*) FROM jobs WHERE id > t.jobs_filled AND state IN ({TOLD})
        AND NOT EXISTS (SELECT 1 FROM outbox
            WHERE target = t.id AND kind = 'file' AND local_id = jobs.id))
    + (SELECT count(*) FROM copies WHERE id > t.copies_filled
        AND NOT EXISTS (SELECT 1 FROM outbox
            WHERE target = t.id AND kind = 'copy' AND local_id = copies.id)) AS rows,
    (SELECT count(*) FROM audit WHERE seq > t.audit_sent) AS audit_rows, t.synced_at
FROM mirror_targets AS t WHERE t.id = ?"""  # noqa: S608 - our own names


class SqliteOtherRecords:
    """`core.mirror.operations.OtherRecords` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursor(self, target: MirrorTarget) -> tuple[int, str | None]:
        def read(connection: Connection) -> tuple[int, str | None]:
            row = connection.execute(
                "SELECT pulled_to, witness FROM mirror_targets WHERE id = ?", (target.id,)
            ).fetchone()
            return row["pulled_to"], row["witness"]

        return await self._database.read(read)

    async def answered(self, target: MirrorTarget, op_id: str) -> None:
        await self._set(target, "witness", op_id)

    async def completed(self, target: MirrorTarget, at: float) -> None:
        await self._set(target, "synced_at", at)

    async def _set(self, target: MirrorTarget, column: str, value: object) -> None:
        sql = f"UPDATE mirror_targets SET {column} = ? WHERE id = ?"  # noqa: S608 - ours
        await self._database.write(lambda connection: connection.execute(sql, (value, target.id)))

    async def note(self, target: MirrorTarget, page: ChangePage) -> None:
        def write(connection: Connection) -> None:
            for change in page.changes:
                _take_in(connection, target, change)
            connection.execute(
                "UPDATE mirror_targets SET pulled_to = ? WHERE id = ?", (page.next, target.id)
            )

        await self._database.write(write)

    async def restart(self, target: MirrorTarget) -> None:
        def write(connection: Connection) -> None:
            for table in ("remote_names", "remote_copies"):
                connection.execute(f"DELETE FROM {table} WHERE target = ?", (target.id,))  # noqa: S608 - ours
            connection.execute(_RESTART, (target.id,))

        await self._database.write(write)

    async def stored(self, account_id: str, purpose: str, sha256: str, size: int) -> Sequence[str]:
        def read(connection: Connection) -> list[str]:
            rows = connection.execute(_STORED, (account_id, purpose, sha256, size))
            return [row["remote_id"] for row in rows if row["remote_id"]]

        if await signed_in(self._database) is None:
            return []
        return await self._database.read(read)

    async def page(self, target: MirrorTarget, text: str, limit: int, offset: int) -> OtherFilePage:
        read = partial(_page, target=target, text=text, limit=limit, offset=offset)
        return await self._database.read(read)


def counted(connection: Connection, target: MirrorTarget | None) -> Waiting:
    """What waits for this target, and for all others."""
    target_id = -1 if target is None else target.id
    (elsewhere,) = connection.execute(
        "SELECT count(*) FROM outbox WHERE target <> ?", (target_id,)
    ).fetchone()
    row = connection.execute(_WAITING, (target_id,)).fetchone()
    if target is None or row is None:
        return Waiting(elsewhere=elsewhere)
    codes = connection.execute(
        "SELECT parked_code, count(*) FROM outbox WHERE target = ? AND parked_code IS NOT NULL"
        " GROUP BY parked_code",
        (target_id,),
    )
    others = f"SELECT count(*) FROM {_OTHERS}"  # noqa: S608 - ours
    (other_files,) = connection.execute(others, (target_id, target.device_id)).fetchone()
    refused = dict(codes)
    return Waiting(
        *(row["rows"], row["audit_rows"], refused, elsewhere, other_files, row["synced_at"]),
        quota=quota_use(connection),
    )


def refused_rows(connection: Connection, target: MirrorTarget, limit: int) -> list[RefusedRow]:
    """With the names that they have here."""
    rows = connection.execute(
        "SELECT kind, local_id, parked_code, CASE kind"
        " WHEN 'file' THEN (SELECT name FROM jobs WHERE id = local_id)"
        " ELSE (SELECT remote_name FROM copies WHERE id = local_id) END AS name"
        " FROM outbox WHERE target = ? AND parked_code IS NOT NULL AND parked_code <> ?"
        " ORDER BY kind, local_id LIMIT ?",
        (target.id, NO_ACCOUNT, limit),
    )
    return [
        RefusedRow(row["kind"], row["local_id"], row["name"] or "", row["parked_code"])
        for row in rows
    ]


def _take_in(connection: Connection, target: MirrorTarget, change: Change) -> None:
    data = change.data
    if change.kind in (RecordKind.DEVICE, RecordKind.ACCOUNT):
        label = data.get("name") or data.get("label")
        row = (target.id, change.key, _text(data, "provider"), _text({"label": label}, "label"))
        connection.execute(_PUT_NAME, row)
    if change.kind != RecordKind.COPY:
        return
    is_ours = connection.execute(_OURS, (target.id, change.key)).fetchone() is not None
    if is_ours or data.get("deleted"):
        connection.execute(
            "DELETE FROM remote_copies WHERE target = ? AND uuid = ?", (target.id, change.key)
        )
        return
    connection.execute(_PUT_COPY, (target.id, change.key, *_values(data)))


def _values(data: Mapping[str, Any]) -> Sequence[object]:
    size = data.get("size")
    return (
        _text(data, "account_id"),
        data.get("sent_by") if isinstance(data.get("sent_by"), str) else None,
        _text(data, "purpose"),
        _text(data, "sha256"),
        size if isinstance(size, int) and 0 <= size < 2**63 else 0,
        _text(data, "platform_file_id"),
        _text(data, "platform_name"),
        _text(data, "status"),
        int(bool(data.get("usable"))),
        _moment(data.get("recorded_at")),
        _moment(data.get("expires_at")),
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        return ""
    # Half a surrogate pair, which JSON can hold, is no text for SQLite.
    return value[:_LONGEST].encode("utf-8", "replace").decode("utf-8")


def _moment(text: object) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def _page(
    connection: Connection, target: MirrorTarget, text: str, limit: int, offset: int
) -> OtherFilePage:
    plain = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    like = f"%{plain}%"
    given = (target.id, target.device_id, text, like, like, text.lower())
    rows = connection.execute(_PAGE, (*given, limit, offset)).fetchall()
    total = f"SELECT count(*) FROM {_OTHERS} {_MATCHES}"  # noqa: S608 - ours
    (count,) = connection.execute(total, given).fetchone()
    return OtherFilePage(tuple(_other_file(row) for row in rows), count)


def _other_file(row: Row) -> OtherFile:
    return OtherFile(
        uuid=row["uuid"],
        name=row["name"],
        size=row["size"],
        remote_id=row["remote_id"],
        provider=row["provider"] or "",
        account=row["account"] or "",
        purpose=row["purpose"],
        sha256=row["sha256"],
        status=row["state"],
        usable=bool(row["usable"]),
        device=row["device"] or "",
        recorded_at=row["recorded_at"],
        expires_at=row["expires_at"],
    )
