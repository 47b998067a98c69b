"""The copies as files at the providers: pages of them, imports, and the looks at each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyState, check_copy
from exai_desktop.core.copies.queries import (
    KEPT_LOOKS,
    CopyCheck,
    FilePage,
    FileQuery,
    FileSort,
    Sight,
)
from exai_desktop.storage.audit.trail import AuditTrail, entry_of_import
from exai_desktop.storage.record.rows import Value, copy_of, storable
from exai_desktop.storage.sqlite.driver import HASH_START, Connection, literal

_SORT: Final = {
    FileSort.STORED: "recorded_at",
    FileSort.NAME: "remote_name COLLATE NOCASE",
    FileSort.STATE: "state",
    FileSort.SIZE: "size",
    FileSort.ACCOUNT: "account",
    # What never expires comes last when the soonest comes first.
    FileSort.EXPIRES: "coalesce(expires_at, 9e18)",
}

_PRUNE: Final = f"""
DELETE FROM looks WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY copy_id ORDER BY id DESC) AS place
        FROM looks WHERE copy_id IN (SELECT value FROM json_each(?)))
    WHERE place > {KEPT_LOOKS})"""  # noqa: S608 - a number of ours


def page(connection: Connection, query: FileQuery) -> FilePage:
    where, values = _conditions(query)
    total = connection.execute(f"SELECT count(*) FROM copies{where}", values).fetchone()[0]  # noqa: S608 - our own texts
    way = "DESC" if query.descending else "ASC"
    rows = connection.execute(
        f"SELECT * FROM copies{where} ORDER BY {_SORT[query.sort]} {way}, id {way}"  # noqa: S608
        " LIMIT ? OFFSET ?",
        (*values, query.limit, query.offset),
    )
    return FilePage(tuple(map(copy_of, rows)), total)


def _conditions(query: FileQuery) -> tuple[str, list[Value]]:
    terms = ["state IN (SELECT value FROM json_each(?))"]
    values: list[Value] = [json.dumps(query.states)]
    if query.account is not None:
        terms.append("account = ?")
        values.append(query.account)
    if wanted := storable(query.search.strip()):
        either = [r"remote_name LIKE ? ESCAPE '\'", r"remote_id LIKE ? ESCAPE '\'"]
        values += [f"%{literal(wanted)}%"] * 2
        if HASH_START.fullmatch(wanted.lower()):
            either.append("sha256 LIKE ?")
            values.append(f"{wanted.lower()}%")
        if query.also:
            either.append("id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(query.also))
        terms.append(f"({' OR '.join(either)})")
    return f" WHERE {' AND '.join(terms)}", values


def adopt(
    connection: Connection,
    account: str,
    expiries: Mapping[str, float | None],
    at: float,
    trail: AuditTrail,
) -> list[Copy]:
    check_copy(CopyState.FOREIGN, CopyState.PRESENT)
    adopted = []
    for remote_id, expires_at in expiries.items():
        row = connection.execute(
            "UPDATE copies SET state = 'present', origin = 'imported', verified_at = ?,"
            " expires_at = ? WHERE account = ? AND remote_id = ? AND state = 'foreign' RETURNING *",
            (at, expires_at, account, storable(remote_id)),
        ).fetchone()
        if row is not None:
            adopted.append(copy_of(row))
    trail.append(connection, [entry_of_import(copy, at) for copy in adopted])
    note_looks(connection, [CopyCheck(c.id, at, Sight.SEEN, c.size) for c in adopted])
    return adopted


def note_looks(connection: Connection, looks: Sequence[CopyCheck]) -> None:
    connection.executemany(
        "INSERT INTO looks (copy_id, at, sight, bytes) SELECT id, ?, ?, ? FROM copies WHERE id = ?",
        [(look.at, look.sight, look.bytes, look.copy_id) for look in looks],
    )
    connection.execute(_PRUNE, (json.dumps(sorted({look.copy_id for look in looks})),))


def looks_at(connection: Connection, copy_id: int) -> list[CopyCheck]:
    return [
        CopyCheck(row["copy_id"], row["at"], Sight(row["sight"]), row["bytes"])
        for row in connection.execute(
            "SELECT * FROM looks WHERE copy_id = ? ORDER BY id DESC", (copy_id,)
        )
    ]


def seen(connection: Connection, copy_ids: Sequence[int], at: float) -> None:
    """The provider has these."""
    rows = connection.execute(
        "UPDATE copies SET verified_at = ?"
        " WHERE id IN (SELECT value FROM json_each(?)) AND state = 'present' RETURNING id, size",
        (at, json.dumps(list(copy_ids))),
    ).fetchall()
    note_looks(connection, [CopyCheck(row["id"], at, Sight.SEEN, row["size"]) for row in rows])
