"""Reading the queue: pages, sums, one job with its history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from exai_desktop.core.jobs.models import (
    JobDetail,
    JobPage,
    JobQuery,
    JobView,
    QueueSummary,
    SortKey,
)
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import GivenUp, Move
from exai_desktop.storage.record.copies import copy_of_job
from exai_desktop.storage.record.rows import (
    Value,
    attempt_of,
    folded,
    history_entry,
    job_view,
    scan_of,
    storable,
)
from exai_desktop.storage.sqlite.driver import HASH_START, Connection, Row, literal

_SORT: Final = {
    SortKey.ID: "id",
    SortKey.NAME: "name COLLATE NOCASE",
    SortKey.STATE: "state",
    SortKey.SIZE: "size",
    SortKey.ACCOUNT: "account",
    SortKey.UPDATED: "updated_at",
}


def job(connection: Connection, job_id: int) -> JobView | None:
    row = _row(connection, job_id)
    return None if row is None else job_view(row)


def _row(connection: Connection, job_id: int) -> Row | None:
    row: Row | None = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return row


def detail(connection: Connection, job_id: int) -> JobDetail | None:
    row = _row(connection, job_id)
    if row is None:
        return None
    attempts = connection.execute(
        "SELECT * FROM attempts WHERE job_id = ? ORDER BY number", (job_id,)
    )
    history = connection.execute("SELECT * FROM history WHERE job_id = ? ORDER BY id", (job_id,))
    return JobDetail(
        job_view(row),
        copy=copy_of_job(connection, job_id),
        attempts=tuple(map(attempt_of, attempts)),
        history=tuple(map(history_entry, history)),
        scan=scan_of(row),
    )


def page(connection: Connection, query: JobQuery) -> JobPage:
    where, values = _conditions(query)
    (total,) = connection.execute(f"SELECT count(*) FROM jobs{where}", values).fetchone()  # noqa: S608 - our own texts
    direction = "DESC" if query.descending else "ASC"
    order = f"{_SORT[query.sort]} {direction}, id {direction}"
    # Only numbers are sorted; whole rows are fetched for the page alone.
    rows = connection.execute(
        f"SELECT * FROM jobs WHERE id IN (SELECT id FROM jobs{where}"  # noqa: S608 - our own texts
        f" ORDER BY {order} LIMIT ? OFFSET ?) ORDER BY {order}",
        (*values, query.limit, query.offset),
    )
    return JobPage(tuple(map(job_view, rows)), total)


def _conditions(query: JobQuery) -> tuple[str, list[Value]]:
    """The WHERE clause, or nothing, and its values. Lists go in as JSON: any length will do."""
    terms: list[str] = []
    values: list[Value] = []
    if query.states:
        terms.append("state IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(query.states))
    if query.batch_id is not None:
        terms.append("batch_id = ?")
        values.append(query.batch_id)
    if query.ids is not None:
        terms.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(query.ids))
    if query.file is not None:
        account, file_id = query.file
        terms.append("file_id = ? AND account = ? AND state IN ('done', 'duplicate')")
        values += [storable(file_id), account]
    if query.gone:
        terms.append("file_state IS NOT NULL")
    if wanted := query.search.strip():
        either = [r"search_text LIKE ? ESCAPE '\'", r"file_id LIKE ? ESCAPE '\'"]
        values += [f"%{literal(folded(wanted))}%", f"%{literal(storable(wanted))}%"]
        if HASH_START.fullmatch(wanted.lower()):
            either.append("sha256 LIKE ?")
            values.append(f"{wanted.lower()}%")
        terms.append(f"({' OR '.join(either)})")
    return (f" WHERE {' AND '.join(terms)}" if terms else ""), values


def ids(connection: Connection, states: Sequence[JobState]) -> list[tuple[int, str | None]]:
    rows = connection.execute(
        "SELECT id, account FROM jobs WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(states)),),
    )
    return [(row["id"], row["account"]) for row in rows]


def summary(connection: Connection) -> QueueSummary:
    counts: dict[JobState, int] = {}
    open_bytes = sent_bytes = 0
    for name, jobs, size in connection.execute("SELECT state, jobs, bytes FROM job_sums"):
        state = JobState(name)
        if jobs:
            counts[state] = jobs
        if not state.is_final:
            open_bytes += size
        elif state is JobState.DONE:
            sent_bytes = size
    return QueueSummary(counts, open_bytes, sent_bytes)


_DOUBT: Final = (JobState.UNCERTAIN, JobState.NEEDS_REVIEW)
# Found, or still looked for.
_NOT_GIVEN_UP: Final = (*_DOUBT, JobState.DONE)

_NOTE: Final = """
INSERT INTO given_up (account, size, sent_name, sha256, at)
SELECT ?, size, sent_name, sha256, ? FROM attempts WHERE job_id = ? ORDER BY number DESC LIMIT 1
ON CONFLICT DO UPDATE SET at = excluded.at"""


def note(connection: Connection, move: Move, view: JobView) -> None:
    """With the move that gives up looking for what an attempt may have stored."""
    if move.old in _DOUBT and move.new not in _NOT_GIVEN_UP and view.account:
        connection.execute(_NOTE, (view.account, move.at, view.id))


def given_up(connection: Connection, account: str, size: int) -> list[GivenUp]:
    rows = connection.execute(
        "SELECT sent_name, sha256 FROM given_up WHERE account = ? AND size = ?", (account, size)
    )
    return [GivenUp(row["sent_name"], row["sha256"]) for row in rows]
