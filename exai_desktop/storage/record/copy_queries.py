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
from exai_desktop.storage.record.job_pages import along
from exai_desktop.storage.record.rows import Value, copy_of, storable
from exai_desktop.storage.sqlite.driver import (
    HASH_FROM,
    HASH_START,
    Connection,
    hash_range,
    literal,
)

# What to sort by, and the index that holds this order.
_SORT: Final = {
    FileSort.STORED: ("recorded_at", "copies_by_time"),
    FileSort.NAME: ("remote_name COLLATE NOCASE", "copies_by_name"),
    FileSort.STATE: ("state", "copies_by_state"),
    FileSort.SIZE: ("size", "copies_by_size"),
    FileSort.ACCOUNT: ("account", "copies_by_account"),
    # What never expires comes last when the soonest comes first.
    FileSort.EXPIRES: ("coalesce(expires_at, 9e18)", "copies_by_expiry"),
}
# So many results of a search are sorted at once; more are common enough to be met on the way.
_RESULTS: Final = 20_000
# Where a text is looked for: all of an index is a fifth of all of the table. The second one is that
# of UNIQUE (account, remote_id).
_FOUND_BY: Final = {
    "remote_name": "copies_by_name",
    "remote_id": "sqlite_autoindex_copies_1",
    "sha256": "copies_hash",
}

_PRUNE: Final = f"""
DELETE FROM looks WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY copy_id ORDER BY id DESC) AS place
        FROM looks WHERE copy_id IN (SELECT value FROM json_each(?)))
    WHERE place > {KEPT_LOOKS})"""  # noqa: S608 - a number of ours


def page(connection: Connection, query: FileQuery) -> FilePage:
    where, values = _conditions(query)
    key, index = _SORT[query.sort]
    order = along(connection, "copies", index)
    found = _found(connection, query)
    if found is None:
        counted = connection.execute(f"SELECT count(*) FROM copies{where}", values)  # noqa: S608 - our own texts
        total = int(counted.fetchone()[0])
    else:
        total, order = len(found), ""
        where, values = " WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(found)]
    # From the nearer end: what is passed over is counted one by one.
    left = max(0, total - query.offset)
    limit = left if query.limit < 0 else min(query.limit, left)
    behind = total - query.offset - limit
    is_back = behind < query.offset
    way = "DESC" if query.descending is not is_back else "ASC"
    numbers = [
        row["id"]
        for row in connection.execute(
            f"SELECT id FROM copies{order}{where} ORDER BY {key} {way}, id {way}"  # noqa: S608 - our own texts
            " LIMIT ? OFFSET ?",
            (*values, limit, behind if is_back else query.offset),
        )
    ]
    rows = connection.execute(
        "SELECT * FROM copies WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(numbers),)
    )
    copies = {row["id"]: copy_of(row) for row in rows}
    return FilePage(tuple(copies[n] for n in (reversed(numbers) if is_back else numbers)), total)


def _found(connection: Connection, query: FileQuery) -> list[int] | None:
    """The numbers of what a search finds, each way of finding by the index that has it; None: all
    is wanted, or so much is found that it is met on the way."""
    either = _either(query)
    if not either:
        return None
    listed, values = _listed(query)
    found = set[int]()
    for term, own in either:
        index = along(connection, "copies", _FOUND_BY.get(term.partition(" ")[0], ""))
        look = f"SELECT id FROM copies{index} WHERE {term} AND {listed} LIMIT ?"  # noqa: S608 - our own texts
        found.update(row["id"] for row in connection.execute(look, (*own, *values, _RESULTS + 1)))
        if len(found) > _RESULTS:
            return None
    return list(found)


def _either(query: FileQuery) -> list[tuple[str, tuple[Value, ...]]]:
    """What a search may find a file by, and what it looks for there."""
    wanted = storable(query.search.strip())
    if not wanted:
        return []
    text = f"%{literal(wanted)}%"
    either: list[tuple[str, tuple[Value, ...]]] = [
        (r"remote_name LIKE ? ESCAPE '\'", (text,)),
        (r"remote_id LIKE ? ESCAPE '\'", (text,)),
    ]
    if HASH_START.fullmatch(wanted.lower()):
        either.append((HASH_FROM, hash_range(wanted)))
    if query.also:
        either.append(("id IN (SELECT value FROM json_each(?))", (json.dumps(query.also),)))
    return either


def _listed(query: FileQuery) -> tuple[str, list[Value]]:
    terms = ["state IN (SELECT value FROM json_each(?))"]
    values: list[Value] = [json.dumps(query.states)]
    if query.account is not None:
        terms.append("account = ?")
        values.append(query.account)
    return " AND ".join(terms), values


def _conditions(query: FileQuery) -> tuple[str, list[Value]]:
    listed, values = _listed(query)
    either = _either(query)
    if not either:
        return f" WHERE {listed}", values
    searched = " OR ".join(term for term, _ in either)
    return f" WHERE {listed} AND ({searched})", [
        *values,
        *(value for _, own in either for value in own),
    ]


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
