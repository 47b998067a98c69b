"""A move of a job, all that belongs to it in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exai_desktop.core.jobs.models import Attempt, JobView
from exai_desktop.core.jobs.states import RESEND_MOVES, RETRY_MOVES, JobState, check
from exai_desktop.core.jobs.store import (
    JobChanges,
    Move,
    StaleJobError,
    TwinInFlightError,
    TwinPresentError,
)
from exai_desktop.core.routing.quota import check_room
from exai_desktop.storage.audit import entries
from exai_desktop.storage.audit.trail import AuditTrail
from exai_desktop.storage.migrations.m0001_first import IN_FLIGHT
from exai_desktop.storage.migrations.m0012_gone_files import GONE
from exai_desktop.storage.record import job_queries
from exai_desktop.storage.record.copies import present_copy, record_copy
from exai_desktop.storage.record.holdings import usage
from exai_desktop.storage.record.rows import Value, job_view, optional_text, storable, stored
from exai_desktop.storage.sqlite.driver import Connection, IntegrityError, Row

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
    check(move.old, move.new, retry=is_retry)
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
    connection.execute(
        "INSERT INTO history (job_id, at, old, new, note) VALUES (?, ?, ?, ?, ?)",
        (move.job_id, move.at, move.old, move.new, storable(move.note)),
    )
    if move.attempt is not None:
        _write_attempt(connection, move.job_id, move.attempt)
    job_queries.note(connection, move, view)
    if move.copy is not None:
        record_copy(connection, move.copy, move.job_id, move.at)
    entry = entries.of_move(move, view)
    if entry is not None:
        trail.append(connection, (entry,))
    return view


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
