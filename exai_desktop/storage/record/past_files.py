"""The history: jobs that came to an end, in the queue and cleared from it, as one list.

Both tables have an index for each order; SQLite merges them, so a page is read and not sorted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final, NamedTuple

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.jobs.history import (
    SENT_STATES,
    HistoryKind,
    HistoryPage,
    HistoryQuery,
    HistorySort,
    PastFile,
)
from exai_desktop.core.jobs.states import FINAL, JobState
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.job_pages import Terms, along
from exai_desktop.storage.record.rows import folded, search_text, storable
from exai_desktop.storage.sqlite.driver import (
    HASH_FROM,
    HASH_START,
    Connection,
    Row,
    erasing,
    hash_range,
    literal,
)

_TABLES: Final = ("jobs", "past_files")
# What to sort by, and the indexes that hold this order.
_SORT: Final = {
    HistorySort.NUMBER: ("id", "jobs_number", "past_number"),
    HistorySort.ENDED: ("updated_at", "jobs_updated", "past_ended"),
    HistorySort.NAME: ("name COLLATE NOCASE", "jobs_name", "past_name"),
    HistorySort.SIZE: ("size", "jobs_size", "past_size"),
    HistorySort.ACCOUNT: ("account", "jobs_account", "past_account"),
    HistorySort.STATE: ("state", "jobs_state", "past_state"),
    HistorySort.BATCH: ("batch_id", "jobs_batch", "past_batch"),
}
_FOUND_BY: Final = {
    "search_text": ("jobs_text", "past_text"),
    "file_id": ("jobs_file", "past_file"),
    "sha256": ("jobs_hash", "past_hash"),
    "file_state": ("jobs_gone", "past_gone"),
}
# So many results of a search are sorted at once; more are common enough to be met on the way.
_RESULTS: Final = 20_000
_FORGOTTEN_AT_ONCE: Final = 500

_COLUMNS: Final = (
    "id, batch_id, path, name, search_text, state, size, created_at, updated_at, provider,"
    " account, purpose, sha256, file_id, file_state, error_code, error_detail, error_retry_after,"
    " attempts"
)
_KEEP: Final = f"""
INSERT INTO past_files ({_COLUMNS}, cleared_at)
SELECT {_COLUMNS}, ? FROM jobs WHERE id IN (SELECT value FROM json_each(?))"""  # noqa: S608 - ours
_SHARING: Final = """
SELECT file_id, account, sum(files) FROM (
    SELECT file_id, account, count(*) AS files FROM jobs
    WHERE file_id IN (SELECT value FROM json_each(:ids)) AND +state IN ('done', 'duplicate')
    GROUP BY file_id, account
    UNION ALL
    SELECT file_id, account, count(*) FROM past_files
    WHERE file_id IN (SELECT value FROM json_each(:ids)) AND +state IN ('done', 'duplicate')
    GROUP BY file_id, account)
GROUP BY file_id, account"""
_COPIES: Final = """
SELECT account, remote_id, id, verified_at, expires_at FROM copies
WHERE remote_id IN (SELECT value FROM json_each(?))
    AND account IN (SELECT value FROM json_each(?))"""


class _Seen(NamedTuple):
    """What is known of the file at the provider."""

    id: int | None
    verified_at: float | None
    expires_at: float | None


_UNSEEN: Final = _Seen(None, None, None)


def keep_past(connection: Connection, job_ids: Collection[int], at: float) -> None:
    """In the transaction that takes these jobs out of the queue."""
    connection.execute(_KEEP, (at, json.dumps(list(job_ids))))


class SqliteHistory:
    """`core.jobs.history.HistoryStore` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: HistoryQuery) -> HistoryPage:
        return await self._database.read(partial(_page, query=query))

    async def counts(self) -> Mapping[HistoryKind, int]:
        return await self._database.read(_counts)

    async def forget(self, ids: Collection[int] | None, before: float | None) -> int:
        """In pieces; what is not gone before a crash is asked for again."""
        if ids is not None and not ids:
            return 0
        terms = Terms("1")
        if ids is not None:
            terms &= Terms("id IN (SELECT value FROM json_each(?))", (json.dumps(sorted(ids)),))
        if before is not None:
            terms &= Terms("updated_at < ?", (before,))
        forgotten = 0
        while piece := await self._database.write(partial(_forget_some, terms=terms)):
            forgotten += piece
        return forgotten


def _forget_some(connection: Connection, terms: Terms) -> int:
    """With what else is kept of the path, unless another entry has it too."""
    # Whoever forgets wants nothing left to be read from the file.
    with erasing(connection):
        gone = connection.execute(
            f"DELETE FROM past_files WHERE id IN (SELECT id FROM past_files{terms.where} LIMIT ?)"  # noqa: S608 - our own texts
            " RETURNING path",
            (*terms.values, _FORGOTTEN_AT_ONCE),
        ).fetchall()
        connection.executemany(
            "DELETE FROM fingerprints WHERE path = ?1"
            " AND NOT EXISTS (SELECT 1 FROM jobs WHERE search_text = ?2 AND path = ?1)",
            [(row["path"], search_text(os.fsdecode(row["path"]))) for row in gone],
        )
    return len(gone)


def _counts(connection: Connection) -> dict[HistoryKind, int]:
    of_state = dict.fromkeys(FINAL, 0)
    for state, files in connection.execute(
        "SELECT state, jobs FROM job_sums UNION ALL SELECT state, files FROM past_sums"
    ):
        if state in of_state:
            of_state[JobState(state)] += files
    (gone,) = connection.execute(
        "SELECT (SELECT count(*) FROM jobs WHERE file_state IS NOT NULL)"
        " + (SELECT count(*) FROM past_files WHERE file_state IS NOT NULL)"
    ).fetchone()
    stored = sum(of_state[state] for state in SENT_STATES)
    return {
        HistoryKind.SENT: stored - gone,
        HistoryKind.GONE: gone,
        HistoryKind.FAILED: of_state[JobState.FAILED],
        HistoryKind.REFUSED: of_state[JobState.REFUSED],
        HistoryKind.CANCELLED: of_state[JobState.CANCELLED],
    }


def _page(connection: Connection, query: HistoryQuery) -> HistoryPage:
    key, *indexes = _SORT[query.sort]
    found = _found(connection, query)
    if found is not None:
        total = len(found)
        terms = Terms("id IN (SELECT value FROM json_each(?))", (json.dumps(found),))
        each = [(table, "", terms) for table in _TABLES]
    else:
        each = [
            (table, along(connection, table, index), _terms(table, query))
            for table, index in zip(_TABLES, indexes, strict=True)
        ]
        total = _total(connection, query, each)
    # From the nearer end: what is passed over is counted one by one.
    limit = max(0, min(query.limit, total - query.offset))
    behind = total - query.offset - limit
    is_back = behind < query.offset
    way = "DESC" if query.descending is not is_back else "ASC"
    parts = (
        f"SELECT id, {key} FROM {table}{index}{terms.where}"  # noqa: S608 - our own texts
        for table, index, terms in each
    )
    values = [value for _, _, terms in each for value in terms.values]
    numbers = [
        row["id"]
        for row in connection.execute(
            f"{' UNION ALL '.join(parts)} ORDER BY 2 {way}, 1 {way} LIMIT ? OFFSET ?",
            (*values, limit, behind if is_back else query.offset),
        )
    ]
    rows = _files(connection, numbers)
    if is_back:
        numbers.reverse()
    return HistoryPage(tuple(rows[number] for number in numbers), total)


def _total(connection: Connection, query: HistoryQuery, each: list[tuple[str, str, Terms]]) -> int:
    if query.before is not None:
        return query.offset + query.limit  # whoever reads on does not ask how many there are
    narrowed = (query.account, query.batch, query.ids, query.since, query.until)
    if not query.search.strip() and all(one is None for one in narrowed):
        counts = _counts(connection)
        return sum(counts[kind] for kind in query.kinds or HistoryKind)
    total = 0
    is_timed = query.since is not None or query.until is not None
    ended = _SORT[HistorySort.ENDED][1:] if is_timed else ("", "")
    for (table, _, terms), name in zip(each, ended, strict=True):
        index = along(connection, table, name)
        counted = f"SELECT count(*) FROM {table}{index}{terms.where}"  # noqa: S608 - our own texts
        total += connection.execute(counted, terms.values).fetchone()[0]
    return total


def _found(connection: Connection, query: HistoryQuery) -> list[int] | None:
    """The numbers of what few things have in common, each way of finding by the index that has
    it; None: all is wanted, or so much is found that it is met on the way."""
    if query.before is not None:
        return None
    ways = _either(query)
    if not ways and query.kinds == (HistoryKind.GONE,):
        ways = [Terms("file_state IS NOT NULL")]
    if not ways and query.batch is None and query.ids is None:
        return None
    found = set[int]()
    for way in ways or [Terms("")]:
        for number, table in enumerate(_TABLES):
            names = _FOUND_BY.get(way.text.partition(" ")[0], ("", ""))
            terms = way & _listed(table, query)
            look = f"SELECT id FROM {table}{along(connection, table, names[number])}{terms.where} LIMIT ?"  # noqa: E501, S608 - our own texts
            values = (*terms.values, _RESULTS + 1)
            found.update(row["id"] for row in connection.execute(look, values))
            if len(found) > _RESULTS:
                return None
    return list(found)


def _either(query: HistoryQuery) -> list[Terms]:
    """What a search may find a file by."""
    wanted = query.search.strip()
    if not wanted:
        return []
    like = f"%{literal(storable(wanted))}%"
    either = [
        Terms(r"search_text LIKE ? ESCAPE '\'", (f"%{literal(folded(wanted))}%",)),
        Terms(r"file_id LIKE ? ESCAPE '\' AND file_id IS NOT NULL", (like,)),
        # Few files have an error, and the index of reasons has them all.
        Terms(r"error_code IS NOT NULL AND error_detail LIKE ? ESCAPE '\'", (like,)),
    ]
    if query.codes:
        codes = json.dumps(query.codes)
        listed = "error_code IN (SELECT value FROM json_each(?)) AND error_code IS NOT NULL"
        either.append(Terms(listed, (codes,)))
    if HASH_START.fullmatch(wanted.lower()):
        either.append(Terms(HASH_FROM, hash_range(wanted)))
    for account, file_id in query.also:
        named = "file_id = ? AND account = ? AND file_id IS NOT NULL"
        either.append(Terms(named, (storable(file_id), account)))
    return either


def _listed(table: str, query: HistoryQuery) -> Terms:
    """Without its search."""
    terms = _of_kinds(table, query.kinds)
    if query.account is not None:
        terms &= Terms("account = ?", (query.account,))
    if query.batch is not None:
        terms &= Terms("batch_id = ?", (query.batch,))
    if query.ids is not None:
        terms &= Terms("id IN (SELECT value FROM json_each(?))", (json.dumps(query.ids),))
    if query.since is not None:
        terms &= Terms("updated_at >= ?", (query.since,))
    if query.until is not None:
        terms &= Terms("updated_at < ?", (query.until,))
    if query.before is not None:
        terms &= Terms("id < ?", (query.before,))
    return terms


def _of_kinds(table: str, kinds: Collection[HistoryKind]) -> Terms:
    states = {
        state
        for state in FINAL
        if not kinds
        or state.value in kinds
        or (state in SENT_STATES and {HistoryKind.SENT, HistoryKind.GONE} & set(kinds))
    }
    terms = Terms("state IN (SELECT value FROM json_each(?))", (json.dumps(sorted(states)),))
    is_one = (HistoryKind.SENT in kinds) is not (HistoryKind.GONE in kinds)
    if is_one:
        # By the index of what is gone: the rows themselves are wide.
        word = "IN" if HistoryKind.GONE in kinds else "NOT IN"
        gone = f"id {word} (SELECT id FROM {table} WHERE file_state IS NOT NULL)"  # noqa: S608 - our own texts
        stored = "state NOT IN ('done', 'duplicate')"
        terms &= Terms(f"({stored} OR {gone})")
    return terms


def _terms(table: str, query: HistoryQuery) -> Terms:
    either = _either(query)
    searched = f"({' OR '.join(way.text for way in either)})" if either else ""
    values = tuple(value for way in either for value in way.values)
    return Terms(searched, values) & _listed(table, query)


def _files(connection: Connection, numbers: Collection[int]) -> dict[int, PastFile]:
    wanted = json.dumps(list(numbers))
    rows: list[Row] = []
    for table, cleared in zip(_TABLES, ("NULL", "cleared_at"), strict=True):
        rows += connection.execute(
            f"SELECT {_COLUMNS}, {cleared} AS cleared_at FROM {table}"  # noqa: S608 - our own texts
            " WHERE id IN (SELECT value FROM json_each(?))",
            (wanted,),
        )
    batches = dict(
        connection.execute(
            "SELECT id, created_at FROM batches WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted({row["batch_id"] for row in rows})),),
        ).fetchall()
    )
    file_ids = json.dumps(sorted({row["file_id"] for row in rows if row["file_id"]}))
    accounts = json.dumps(sorted({row["account"] for row in rows if row["account"]}))
    copies = {
        (account, file_id): _Seen(*seen)
        for account, file_id, *seen in connection.execute(_COPIES, (file_ids, accounts))
    }
    sharing = {
        (account, file_id): files
        for file_id, account, files in connection.execute(_SHARING, {"ids": file_ids})
    }
    return {file.id: file for file in (_file(row, batches, copies, sharing) for row in rows)}


def _file(
    row: Row,
    batches: Mapping[int, float],
    copies: Mapping[tuple[str, str], _Seen],
    sharing: Mapping[tuple[str, str], int],
) -> PastFile:
    state, code = JobState(row["state"]), row["error_code"]
    place = (row["account"], row["file_id"])
    is_stored = state in SENT_STATES
    seen = copies.get(place, _UNSEEN) if is_stored else _UNSEEN
    return PastFile(
        id=row["id"],
        batch_id=row["batch_id"],
        batch_at=batches.get(row["batch_id"], row["created_at"]),
        path=os.fsdecode(row["path"]),
        name=row["name"],
        state=state,
        size=row["size"],
        added_at=row["created_at"],
        ended_at=row["updated_at"],
        cleared_at=row["cleared_at"],
        provider=row["provider"],
        account=row["account"],
        purpose=row["purpose"],
        sha256=row["sha256"],
        file_id=row["file_id"] if is_stored else None,
        file_state=None if row["file_state"] is None else CopyState(row["file_state"]),
        error=None
        if code is None
        else ErrorView.of_code(code, row["error_detail"] or "", row["error_retry_after"]),
        attempts=row["attempts"],
        copy_id=seen.id,
        verified_at=seen.verified_at,
        expires_at=seen.expires_at,
        sharing=sharing.get(place, 1) if is_stored else 1,
    )
