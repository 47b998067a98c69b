"""Jobs within a transaction: reading sums and single jobs; carrying out a move."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from exai_desktop.core.jobs.jobs import (
    BROKEN_OFF,
    RESEND_MOVES,
    RETRY_MOVES,
    Attempt,
    JobDetail,
    JobState,
    JobView,
    QueueSummary,
    check_move,
)
from exai_desktop.core.jobs.store import (
    GivenUp,
    JobChanges,
    Move,
    StaleJobError,
    TwinInFlightError,
    TwinPresentError,
)
from exai_desktop.core.routing.routing import check_room
from exai_desktop.storage.audit.trail import AuditTrail, entry_of_move
from exai_desktop.storage.migrations.m0001_first import IN_FLIGHT
from exai_desktop.storage.migrations.m0012_gone_files import GONE
from exai_desktop.storage.record.copies import copy_of_job, present_copy, record_copy, usage
from exai_desktop.storage.record.rows import (
    Value,
    attempt_of,
    history_entry,
    job_view,
    optional_text,
    scan_of,
    storable,
    stored,
)
from exai_desktop.storage.record.shared_quota import check_shared_room
from exai_desktop.storage.sqlite.driver import Connection, IntegrityError, Row


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


def ids(connection: Connection, states: Sequence[JobState]) -> list[tuple[int, str | None]]:
    rows = connection.execute(
        "SELECT id, account FROM jobs WHERE state IN (SELECT value FROM json_each(?))"
        " ORDER BY coalesce(place, id * 16777216), id",
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

# The size is the most that can lie there. Of a body that broke off at least a byte is missing.
_NOTE: Final = """
INSERT INTO given_up (account, size, sent_name, sha256, at)
SELECT ?, size - ?, sent_name, sha256, ? FROM attempts WHERE job_id = ?
ORDER BY number DESC LIMIT 1
ON CONFLICT DO UPDATE SET at = excluded.at"""


def note_given_up(connection: Connection, stages: Sequence[Move], view: JobView) -> None:
    """With the move that gives up looking for what an attempt may have stored, or that ends one
    of which the provider may have kept the beginning."""
    if not view.account:
        return
    for move in stages:
        if move.old in _DOUBT and move.new not in _NOT_GIVEN_UP:
            connection.execute(_NOTE, (view.account, 0, move.at, view.id))
        elif move.attempt and move.attempt.outcome in BROKEN_OFF and move.new not in _DOUBT:
            connection.execute(_NOTE, (view.account, 1, move.at, view.id))


def given_up(connection: Connection, account: str, size: int) -> list[GivenUp]:
    rows = connection.execute(
        "SELECT sent_name, sha256 FROM given_up WHERE account = ? AND size >= ?", (account, size)
    )
    return [GivenUp(row["sent_name"], row["sha256"]) for row in rows]


_DELAYS: Final = """
SELECT attempts.ended_at - attempts.left_at
FROM attempts JOIN jobs ON jobs.id = attempts.job_id
WHERE jobs.account = ? AND attempts.outcome = 'stored' AND attempts.left_at IS NOT NULL
ORDER BY attempts.job_id DESC LIMIT ?"""


# Small files measure how fast the provider answers, not the connection.
_SPEED: Final = """
SELECT sum(size), sum(left_at - started_at) FROM (
    SELECT size, left_at, started_at FROM attempts
    WHERE outcome = 'stored' AND size >= 65536 AND left_at > started_at
    ORDER BY started_at DESC LIMIT 20)"""


def answer_delays(connection: Connection, account: str, most: int) -> list[float]:
    """Seconds from the last block to the answer, the newest first."""
    return [row[0] for row in connection.execute(_DELAYS, (account, most))]


def line_speed(connection: Connection) -> float | None:
    """Bytes a second of the last files of some size."""
    size, seconds = connection.execute(_SPEED).fetchone()
    return size / seconds if seconds else None


_COLUMNS: Final = frozenset(JobChanges.__annotations__)
_CLEARED_BY_RETRY: Final[dict[str, Value]] = {
    "error_code": None,
    "error_detail": None,
    "error_retry_after": None,
    "not_before": None,
    "wait_reason": None,
    "cancel_requested": 0,
}

_CLEARED_BY_RESEND: Final[dict[str, Value]] = {
    "file_id": None,
    "twin_of": None,
    "file_state": None,
}
# What lies at the provider is not sent again.
_IF_GONE: Final = " AND file_state IS NOT NULL"

# An attempt that is there already only gets its end: what was sent is never rewritten.
_ATTEMPT: Final = """
INSERT INTO attempts (job_id, number, transport, sent_name, size, sha256, started_at, ended_at,
    outcome, error_code, detail, http_status, request_id, left_at, clock_offset_s)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (job_id, number) DO UPDATE SET
    ended_at = excluded.ended_at, outcome = excluded.outcome, error_code = excluded.error_code,
    detail = excluded.detail, http_status = excluded.http_status,
    request_id = excluded.request_id, left_at = excluded.left_at"""


def apply(connection: Connection, move: Move, trail: AuditTrail) -> JobView:
    """Carry out the move or raise and leave everything as it was."""
    is_retry = move.old in RETRY_MOVES | RESEND_MOVES and move.new is JobState.QUEUED
    stages = list(move.stages())
    for stage in stages:
        check_move(stage.old, stage.new, retry=is_retry)
    values = _new_values(move, is_retry=is_retry)
    if move.new is JobState.DUPLICATE and move.copy is None:
        values["file_state"] = _what_became_of(connection, move)
    try:
        row = _update(connection, move, values)
    except IntegrityError:
        _refuse_twin(connection, move)
        raise
    view = job_view(row)
    if move.new is JobState.SENDING:
        copy = present_copy(connection, view.account, view.purpose, view.sha256)
        if copy is not None:
            raise TwinPresentError(copy)
        if move.limits is not None:
            assert view.account and view.purpose
            used = usage(connection, view.account, view.purpose, view.id)
            check_room(used, view.size, move.limits)
            check_shared_room(connection, view.id, view.size)
    connection.executemany(
        "INSERT INTO history (job_id, at, old, new, note) VALUES (?, ?, ?, ?, ?)",
        [(move.job_id, each.at, each.old, each.new, storable(each.note)) for each in stages],
    )
    for stage in stages:
        if stage.attempt is not None:
            _write_attempt(connection, move.job_id, stage.attempt)
    note_given_up(connection, stages, view)
    if move.copy is not None:
        record_copy(connection, move.copy, move.job_id, move.at)
    _note_in_trail(connection, stages, view, trail)
    return view


def _note_in_trail(
    connection: Connection, stages: Sequence[Move], view: JobView, trail: AuditTrail
) -> None:
    # What went wrong belongs to the end only.
    passed = replace(view, error=None)
    entries = [entry_of_move(each, passed) for each in stages[:-1]]
    entries.append(entry_of_move(stages[-1], view))
    if found := [entry for entry in entries if entry is not None]:
        trail.append(connection, found)


def apply_many(connection: Connection, moves: Sequence[Move], trail: AuditTrail) -> list[JobView]:
    views = []
    for move in moves:
        try:
            views.append(apply(connection, move, trail))
        except StaleJobError:
            continue  # nothing was written for it
    return views


def _new_values(move: Move, *, is_retry: bool) -> dict[str, Value]:
    values = dict(_CLEARED_BY_RETRY) if is_retry else {}
    if move.old in RESEND_MOVES:
        values |= _CLEARED_BY_RESEND
    for column, value in move.changes.items():
        if column not in _COLUMNS:  # the names become part of the statement
            raise KeyError(column)
        values[column] = stored(column, value)
    if not move.new.is_final:
        values["finished_at"] = None
    elif values.get("finished_at") is None:
        values["finished_at"] = move.at
    values["state"] = move.new
    values["updated_at"] = move.at
    return values


def _what_became_of(connection: Connection, move: Move) -> str | None:
    """Of the file a duplicate points to: it may have been deleted a moment ago."""
    row: Row | None = connection.execute(
        "SELECT copies.state FROM copies JOIN jobs ON jobs.id = ?"  # noqa: S608 - a constant
        " WHERE copies.account = coalesce(?, jobs.account) AND copies.remote_id = ?"
        f" AND copies.state IN ({GONE})",
        (move.job_id, move.changes.get("account"), move.changes.get("file_id")),
    ).fetchone()
    return None if row is None else row["state"]


def _update(connection: Connection, move: Move, values: dict[str, Value]) -> Row:
    # Sorted: the same columns give the same text, which the driver has prepared already.
    columns = sorted(values)
    row: Row | None = connection.execute(
        f"UPDATE jobs SET {', '.join(f'{column} = ?' for column in columns)}"  # noqa: S608 - checked names
        f" WHERE id = ? AND state = ?{_IF_GONE if move.old in RESEND_MOVES else ''} RETURNING *",
        (*(values[column] for column in columns), move.job_id, move.old),
    ).fetchone()
    if row is None:
        raise StaleJobError(move.job_id)
    return row


def _refuse_twin(connection: Connection, move: Move) -> None:
    """Raise what the unique index meant; return when it was another rule that refused."""
    row = connection.execute(
        "SELECT account, purpose, sha256 FROM jobs WHERE id = ?", (move.job_id,)
    ).fetchone()
    account = move.changes.get("account", row["account"])
    purpose = move.changes.get("purpose", row["purpose"])
    sha256 = move.changes.get("sha256", row["sha256"])
    # A copy that lies there settles the matter; another job in flight may still fail.
    copy = present_copy(connection, account, purpose, sha256)
    if copy is not None:
        raise TwinPresentError(copy)
    other = connection.execute(
        f"SELECT id FROM jobs WHERE account = ? AND purpose = ? AND sha256 = ? AND {IN_FLIGHT}"  # noqa: S608 - a constant
        " AND id <> ?",
        (account, purpose, sha256, move.job_id),
    ).fetchone()
    if other is not None:
        raise TwinInFlightError(other["id"])


def _write_attempt(connection: Connection, job_id: int, attempt: Attempt) -> None:
    connection.execute(
        _ATTEMPT,
        (
            job_id,
            attempt.number,
            attempt.transport,
            storable(attempt.sent_name),
            attempt.size,
            attempt.sha256,
            attempt.started_at,
            attempt.ended_at,
            attempt.outcome,
            attempt.error_code,
            optional_text(attempt.detail),
            attempt.http_status,
            optional_text(attempt.request_id),
            attempt.left_at,
            attempt.clock_offset_s,
        ),
    )
