"""What waits to be told to the user's Supabase project: taken, fixed, answered.

Rows are marked by triggers; see `m0014_mirror`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from exai_desktop.core.mirror.operations import (
    BATCH,
    GONE_HERE,
    NO_ACCOUNT,
    AnswerStatus,
    MirrorTarget,
    Operation,
    OperationAnswer,
    RecordKind,
    TrailPage,
    Waiting,
    WaitingRow,
    derived_id,
    outcome,
)
from exai_desktop.core.mirror.status import RefusedRow
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations.supabase.m0014_mirror import TOLD
from exai_desktop.storage.record.other_devices import counted, refused_rows
from exai_desktop.storage.record.signed_in import sign_out, signed_in
from exai_desktop.storage.record.told_rows import (
    TELL,
    Accounts,
    UnknownAccountError,
    new_id,
    told_audit_row,
)
from exai_desktop.storage.sqlite.driver import Connection, Row

_TARGET: Final = """
INSERT INTO mirror_targets (url, user_id, device_id, active) VALUES (?, ?, ?, 1)
ON CONFLICT (url, user_id) DO UPDATE SET active = 1,
    jobs_filled = iif(active = 1, jobs_filled, 0), copies_filled = iif(active = 1, copies_filled, 0)
RETURNING id, url, user_id, device_id"""

# Nobody has marked them: they were removed while nobody was signed in.
_REMOVED: Final = """
INSERT INTO outbox (target, kind, local_id)
SELECT target, kind, local_id FROM mirror_ids WHERE target = ? AND rev IS NOT NULL AND NOT (
    kind = 'file' AND EXISTS (SELECT 1 FROM jobs WHERE id = local_id)
    OR kind = 'copy' AND EXISTS (SELECT 1 FROM copies WHERE id = local_id))
ON CONFLICT DO NOTHING"""

_FILL: Final = """
INSERT INTO outbox (target, kind, local_id)
SELECT ?, ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"""

# Copies first: a file names the copy it stands for. What was fixed goes before all others.
_NEXT: Final = """
SELECT outbox.*, mirror_ids.uuid, mirror_ids.rev FROM outbox
LEFT JOIN mirror_ids USING (target, kind, local_id)
WHERE target = ? AND parked_code IS NULL
ORDER BY op_id IS NULL, kind, local_id LIMIT ?"""

_FIX: Final = """
UPDATE outbox SET op_id = ?, payload = ?, sent_generation = generation
WHERE target = ? AND kind = ? AND local_id = ?"""

_NOTE_ID: Final = """
INSERT INTO mirror_ids (target, kind, local_id, uuid) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING"""

_PARK: Final = """
UPDATE outbox SET parked_code = ?, op_id = NULL, payload = NULL, sent_generation = NULL
WHERE target = ? AND kind = ? AND local_id = ?"""


class SqliteOutbox:
    """`core.mirror.operations.Outbox` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sign_in(
        self, url: str, user_id: str, new_device_id: str, profile: str = ""
    ) -> MirrorTarget:
        target = (url, user_id, new_device_id)
        return await self._database.write_change(partial(_sign_in, target=target, profile=profile))

    async def active(self) -> MirrorTarget | None:
        found = await signed_in(self._database)
        return None if found is None else found.target

    async def sign_out(self) -> None:
        await sign_out(self._database)

    async def fill(self, target: MirrorTarget, limit: int) -> bool:
        return await self._database.write(partial(_fill, target=target, limit=limit))

    async def take(
        self, target: MirrorTarget, accounts: Accounts, limit: int = BATCH
    ) -> Sequence[WaitingRow]:
        return await self._database.write(
            partial(_take, target=target, accounts=accounts, limit=limit)
        )

    async def settle(
        self,
        target: MirrorTarget,
        sent: Sequence[WaitingRow],
        answers: Mapping[str, OperationAnswer],
    ) -> None:
        def write(connection: Connection) -> None:
            for waiting in sent:
                answer = answers.get(waiting.op_id)
                if answer is not None:
                    _settle(connection, target, waiting, answer)

        await self._database.write(write)

    async def audit_rows(self, target: MirrorTarget, limit: int = BATCH) -> TrailPage:
        def read(connection: Connection) -> TrailPage:
            rows = connection.execute(
                "SELECT * FROM audit WHERE seq >"
                " (SELECT audit_sent FROM mirror_targets WHERE id = ?) ORDER BY seq LIMIT ?",
                (target.id, limit),
            )
            told = [told_audit_row(target, row) for row in rows]
            return TrailPage(_trail_id(connection, target), told)

        return await self._database.read(read)

    async def audit_sent(self, target: MirrorTarget, seq: int) -> None:
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE mirror_targets SET audit_sent = max(audit_sent, ?) WHERE id = ?",
                (seq, target.id),
            )
        )

    async def counts(self, target: MirrorTarget | None) -> Waiting:
        return await self._database.read(partial(counted, target=target))

    async def refused(self, target: MirrorTarget, limit: int) -> Sequence[RefusedRow]:
        return await self._database.read(partial(refused_rows, target=target, limit=limit))

    async def retry_refused(self, target: MirrorTarget) -> int:
        sql = "UPDATE outbox SET parked_code = NULL WHERE target = ? AND parked_code IS NOT NULL"
        return await self._database.write(
            lambda connection: connection.execute(sql, (target.id,)).rowcount
        )


def _sign_in(connection: Connection, target: tuple[str, str, str], profile: str) -> MirrorTarget:
    url, user_id, _ = target
    _part_from_copy(connection, target, profile)
    was_active = connection.execute(
        "SELECT 1 FROM mirror_targets WHERE active = 1 AND url = ? AND user_id = ?", (url, user_id)
    ).fetchone()
    connection.execute(
        "UPDATE mirror_targets SET active = 0 WHERE active = 1 AND (url <> ? OR user_id <> ?)",
        (url, user_id),
    )
    row = connection.execute(_TARGET, target).fetchone()
    connection.execute("UPDATE mirror_targets SET profile = ? WHERE id = ?", (profile, row["id"]))
    found = MirrorTarget(row["id"], row["url"], row["user_id"], row["device_id"])
    if was_active is None:
        connection.execute(_REMOVED, (found.id,))
    connection.execute(
        "UPDATE outbox SET parked_code = NULL WHERE target = ? AND parked_code = ?",
        (found.id, NO_ACCOUNT),
    )
    return found


def _part_from_copy(connection: Connection, target: tuple[str, str, str], profile: str) -> None:
    """The folder was copied or restored: the other one lives on as the device that this was. With
    its id, two jobs of one number would be one row."""
    url, user_id, new_device_id = target
    row = connection.execute(
        "SELECT id FROM mirror_targets WHERE url = ? AND user_id = ? AND profile NOT IN ('', ?)",
        (url, user_id, profile),
    ).fetchone()
    if row is None:
        return
    for table in ("outbox", "mirror_ids", "quota_reservations"):
        connection.execute(f"DELETE FROM {table} WHERE target = ?", (row["id"],))  # noqa: S608 - ours
    connection.execute(
        "UPDATE mirror_targets SET device_id = ?, jobs_filled = 0, copies_filled = 0,"
        " audit_sent = 0, witness = NULL WHERE id = ?",
        (new_device_id, row["id"]),
    )


def _fill(connection: Connection, target: MirrorTarget, limit: int) -> bool:
    """A page of each: the writer is not held up for long."""
    more = False
    for kind, table, filled, told in (
        ("file", "jobs", "jobs_filled", f"state IN ({TOLD})"),
        ("copy", "copies", "copies_filled", "true"),
    ):
        rows = connection.execute(
            f"SELECT id, {told} AS told FROM {table} WHERE id >"  # noqa: S608 - our own names
            f" (SELECT {filled} FROM mirror_targets WHERE id = ?) ORDER BY id LIMIT ?",
            (target.id, limit),
        ).fetchall()
        if rows:
            ids = json.dumps([row["id"] for row in rows if row["told"]])
            connection.execute(_FILL, (target.id, kind, ids))
            connection.execute(
                f"UPDATE mirror_targets SET {filled} = ? WHERE id = ?",  # noqa: S608 - ours
                (rows[-1]["id"], target.id),
            )
        more = more or len(rows) == limit
    return more


def _take(
    connection: Connection, target: MirrorTarget, accounts: Accounts, limit: int
) -> list[WaitingRow]:
    taken: list[WaitingRow] = []
    room = limit
    for row in connection.execute(_NEXT, (target.id, limit)).fetchall():
        kind = RecordKind(row["kind"])
        is_fixed = row["op_id"] is not None
        try:
            operations = _fixed(row) if is_fixed else _told(connection, target, row, accounts)
        except UnknownAccountError:
            connection.execute(_PARK, (NO_ACCOUNT, target.id, kind, row["local_id"]))
            continue
        if not operations:
            # Never told, and gone again.
            _forget(connection, target, kind, row["local_id"])
            continue
        if len(operations) > room:
            break
        room -= len(operations)
        if not is_fixed:
            _fix(connection, target, row, operations)
        taken.append(WaitingRow(kind, row["local_id"], tuple(operations)))
    return taken


def _fixed(row: Row) -> list[Operation]:
    return [
        Operation(each["id"], RecordKind(each["kind"]), each["key"], each["data"], each["base_rev"])
        for each in json.loads(row["payload"])
    ]


def _told(
    connection: Connection, target: MirrorTarget, row: Row, accounts: Accounts
) -> list[Operation]:
    """The row as it is now, and what goes along with it; nothing when it need not be told."""
    kind, local_id = RecordKind(row["kind"]), row["local_id"]
    tell, along = TELL[kind]
    found = tell(connection, target, local_id, accounts)
    if found is None:
        if row["rev"] is None:
            return []
        return [Operation(new_id(), kind, row["uuid"], GONE_HERE, row["rev"])]
    # Once given, an id stays, also when the account has a new key.
    key = row["uuid"] or found[0]
    return [
        Operation(new_id(), kind, key, found[1], row["rev"]),
        *along(connection, target, local_id, key),
    ]


def _fix(
    connection: Connection, target: MirrorTarget, row: Row, operations: Sequence[Operation]
) -> None:
    own, place = operations[0], (target.id, row["kind"], row["local_id"])
    payload = json.dumps([operation.as_json() for operation in operations])
    connection.execute(_FIX, (own.id, payload, *place))
    connection.execute(_NOTE_ID, (*place, own.key))


def _settle(
    connection: Connection, target: MirrorTarget, waiting: WaitingRow, answer: OperationAnswer
) -> None:
    place = (target.id, waiting.kind, waiting.local_id)
    row = connection.execute(
        "SELECT generation = sent_generation AS is_same FROM outbox"
        " WHERE target = ? AND kind = ? AND local_id = ? AND op_id = ?",
        (*place, waiting.op_id),
    ).fetchone()
    if row is None:
        return
    own = waiting.operations[0]
    rev, is_done = outcome(own, answer)
    if is_done and own.data == GONE_HERE:
        # Its number never comes back.
        connection.execute(
            "DELETE FROM mirror_ids WHERE target = ? AND kind = ? AND local_id = ?", place
        )
    elif answer.status is not AnswerStatus.REFUSED:
        connection.execute(
            "UPDATE mirror_ids SET rev = ?, is_counted = 0"
            " WHERE target = ? AND kind = ? AND local_id = ?",
            (rev, *place),
        )
    if answer.status is AnswerStatus.REFUSED and row["is_same"]:
        connection.execute(_PARK, (answer.code or answer.status.value, *place))
    elif is_done and row["is_same"]:
        _forget(connection, target, waiting.kind, waiting.local_id)
    else:
        connection.execute(_PARK, (None, *place))


def _trail_id(connection: Connection, target: MirrorTarget) -> str:
    (at,) = connection.execute("SELECT max(at) FROM recoveries").fetchone()
    return target.device_id if at is None else derived_id(target.device_id, f"trail since {at!r}")


def _forget(connection: Connection, target: MirrorTarget, kind: RecordKind, local_id: int) -> None:
    connection.execute(
        "DELETE FROM outbox WHERE target = ? AND kind = ? AND local_id = ?",
        (target.id, kind, local_id),
    )
