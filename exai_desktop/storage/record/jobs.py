"""Jobs: the queue and its record."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Collection, Sequence
from functools import partial
from itertools import chain
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, ErrorView
from exai_desktop.core.files.names import display_name
from exai_desktop.core.jobs.jobs import (
    FINAL,
    AddOptions,
    JobDetail,
    JobPage,
    JobQuery,
    JobState,
    JobView,
    NewJob,
    Origin,
    QueueSummary,
)
from exai_desktop.core.jobs.line import LinePlace, Reordered
from exai_desktop.core.jobs.ranges import FileIds, JobRange, RangeOrder
from exai_desktop.core.jobs.store import GivenUp, Move
from exai_desktop.core.routing.routing import Room, Usage
from exai_desktop.storage.audit.trail import AuditTrail, entry_of_birth, entry_of_removal
from exai_desktop.storage.database import Database
from exai_desktop.storage.record import job_line, job_pages, job_transactions
from exai_desktop.storage.record.copies import usages
from exai_desktop.storage.record.job_transactions import (
    answer_delays,
    apply,
    apply_many,
    line_speed,
)
from exai_desktop.storage.record.past_files import keep_past
from exai_desktop.storage.record.rows import (
    Value,
    job_view,
    search_text,
    storable,
    stored,
    words_of,
)
from exai_desktop.storage.sqlite.driver import Connection, Row, erasing

# Forgetting many is cut in pieces: each holds the writer for some milliseconds only.
_REMOVED_AT_ONCE: Final = 500

# So many numbers are looked at before another reader has its turn.
_LOOKED_AT_ONCE: Final = 50_000

# One statement for all of them: with one for each the thread hands Python's lock over as often, and
# gets it back only when whoever else runs has had a turn.
_INSERTED_AT_ONCE: Final = 500
_COLUMNS: Final = 10
_INSERT_JOBS: Final = """
WITH given (at, batch) AS (VALUES (?, ?))
INSERT INTO jobs (id, path, name, search_text, state, size, error_code, error_detail,
    error_retry_after, batch_id, created_at, updated_at, finished_at, wanted_account,
    wanted_purpose, allow_fallback, accepted, unattended)
SELECT {names}, batches.id, at, at, iif(new.column5 = 'refused', at, NULL),
    new.column10, wanted_purpose, allow_fallback, accepted, origin = 'unattended'
FROM given JOIN batches ON batches.id = batch JOIN (VALUES {rows}) AS new"""
# The last one is the account that is wanted for this file.
_NEW_NAMES: Final = ", ".join(f"new.column{n}" for n in range(1, _COLUMNS))
_NEW_ROW: Final = f"({', '.join('?' * _COLUMNS)})"


_ATTEMPT: Final = """
SELECT 1 FROM jobs JOIN attempts ON attempts.job_id = jobs.id
WHERE jobs.account = ? AND attempts.sha256 = ? AND attempts.started_at >= ? LIMIT 1"""
_OF_PLAN: Final = "SELECT 1 FROM batches WHERE id = ? AND origin = ?"
# Every other change is marked by a trigger. A new job is in line, or refused at once.
_MARK_REFUSED: Final = """
INSERT INTO outbox (target, kind, local_id)
SELECT mirror_targets.id, 'file', jobs.id FROM mirror_targets
JOIN jobs ON jobs.id >= ? AND jobs.state = 'refused' WHERE mirror_targets.active = 1
ON CONFLICT DO UPDATE SET generation = generation + 1, parked_code = NULL"""
# Every other change of a sum is made by a trigger, with the same bound for one file.
_ADD_TO_SUM: Final = "UPDATE job_sums SET jobs = jobs + ?, bytes = bytes + ? WHERE state = ?"
_LARGEST_COUNTED: Final = 2**50


class SqliteJobStore:
    """`core.jobs.store.JobStore` on the profile's database."""

    def __init__(self, database: Database, trail: AuditTrail | None = None) -> None:
        self._database = database
        self._trail = trail or AuditTrail()

    async def add_batch(self, options: AddOptions, jobs: Sequence[NewJob], at: float) -> int:
        def write(connection: Connection) -> int:
            batch_id: int = connection.execute(
                "INSERT INTO batches (created_at, origin, wanted_account, wanted_purpose,"
                " allow_fallback, accepted) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    at,
                    options.origin,
                    options.account,
                    options.purpose,
                    options.allow_fallback,
                    stored("accepted", options.accepted),
                ),
            ).fetchone()["id"]
            if jobs:
                add_jobs(connection, batch_id, jobs, at, self._trail)
            return batch_id

        return await self._database.write(write)

    async def add_jobs(self, batch_id: int, jobs: Sequence[NewJob], at: float) -> list[JobView]:
        if not jobs:
            return []
        return await self._database.write(
            partial(add_jobs, batch_id=batch_id, jobs=jobs, at=at, trail=self._trail)
        )

    async def is_of_plan(self, batch_id: int) -> bool:
        values = (batch_id, Origin.PLAN.value)
        return await self._database.read(
            lambda connection: connection.execute(_OF_PLAN, values).fetchone() is not None
        )

    async def apply(self, move: Move) -> JobView:
        return await self._database.write(partial(apply, move=move, trail=self._trail))

    async def apply_many(self, moves: Sequence[Move]) -> list[JobView]:
        return await self._database.write(partial(apply_many, moves=moves, trail=self._trail))

    async def request_cancel(self, job_id: int) -> None:
        await self._database.write(partial(_request_cancel, job_id=job_id))

    async def get(self, job_id: int) -> JobView | None:
        return await self._database.read(partial(job_transactions.job, job_id=job_id))

    async def detail(self, job_id: int) -> JobDetail | None:
        return await self._database.read(partial(job_transactions.detail, job_id=job_id))

    async def page(self, query: JobQuery) -> JobPage:
        return await self._database.read(partial(job_pages.page, query=query))

    async def ids(self, states: Sequence[JobState]) -> list[tuple[int, str | None]]:
        return await self._database.read(partial(job_transactions.ids, states=states))

    async def ids_in(self, jobs: JobRange, order: RangeOrder) -> array[int]:
        """Window by window: other readers do not wait for all of a million."""
        terms = await self._database.read(partial(job_pages.bounds, jobs=jobs))
        terms = job_pages.fitting(order) & terms
        found = array("q")
        for after in range(0, jobs.newest, _LOOKED_AT_ONCE):
            up_to = min(after + _LOOKED_AT_ONCE, jobs.newest)
            look = partial(job_pages.ids_within, terms=terms, after=after, up_to=up_to)
            found.extend(await self._database.read(look))
        return found

    async def reorder(self, job_ids: Sequence[int], to: LinePlace) -> Reordered:
        return await self._database.write(partial(job_line.reorder, job_ids=job_ids, to=to))

    async def file_ids(self, jobs: JobRange, after: int, most: int) -> FileIds:
        return await self._database.read(
            partial(job_pages.file_ids, jobs=jobs, after=after, most=most)
        )

    async def summary(self) -> QueueSummary:
        return await self._database.read(job_transactions.summary)

    async def answer_delays(self, account: str, most: int) -> list[float]:
        return await self._database.read(partial(answer_delays, account=account, most=most))

    async def room_used(self, rooms: Collection[Room]) -> dict[Room, Usage]:
        return await self._database.read(partial(usages, rooms=rooms))

    async def line_speed(self) -> float | None:
        return await self._database.read(line_speed)

    async def given_up(self, account: str, size: int) -> list[GivenUp]:
        return await self._database.read(
            partial(job_transactions.given_up, account=account, size=size)
        )

    async def has_attempt(self, account: str, sha256: str, since: float) -> bool:
        values = (account, sha256, since)
        return await self._database.read(
            lambda connection: connection.execute(_ATTEMPT, values).fetchone() is not None
        )

    async def remove(self, job_ids: Sequence[int] | None) -> int:
        """In pieces: a failure on the way leaves the earlier pieces removed."""
        removed = 0
        if job_ids is not None:
            for start in range(0, len(job_ids), _REMOVED_AT_ONCE):
                piece = job_ids[start : start + _REMOVED_AT_ONCE]
                remove = partial(_remove, job_ids=piece, trail=self._trail)
                removed += await self._database.write(remove)
            return removed
        remove_some = partial(_remove_some, trail=self._trail)
        while piece_size := await self._database.write(remove_some):
            removed += piece_size
        return removed


def add_jobs(
    connection: Connection, batch_id: int, jobs: Sequence[NewJob], at: float, trail: AuditTrail
) -> list[JobView]:
    """Within a transaction. Raises DATABASE_ERROR when there is no such batch."""
    batch = connection.execute("SELECT * FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if batch is None:
        raise EngineError(ErrorCode.DATABASE_ERROR, f"there is no batch {batch_id}")
    # Numbers are given out here, so that each row knows its own.
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
    first = (last["seq"] if last else 0) + 1
    added = [_born(job_id, batch, job, at) for job_id, job in enumerate(jobs, first)]
    for start in range(0, len(added), _INSERTED_AT_ONCE):
        piece = added[start : start + _INSERTED_AT_ONCE]
        values = (at, batch_id, *chain.from_iterable(map(_row, piece)))
        rows = ", ".join([_NEW_ROW] * len(piece))
        connection.execute(_INSERT_JOBS.format(names=_NEW_NAMES, rows=rows), values)
    for state in (JobState.QUEUED, JobState.REFUSED):
        sizes = [min(job.size, _LARGEST_COUNTED) for job in added if job.state is state]
        connection.execute(_ADD_TO_SUM, (len(sizes), sum(sizes), state.value))
    connection.execute(_MARK_REFUSED, (first,))
    connection.execute(
        "INSERT INTO history (job_id, at, old, new, note)"
        " SELECT id, created_at, NULL, state, '' FROM jobs WHERE id >= ? ORDER BY id",
        (first,),
    )
    trail.append(connection, filter(None, map(entry_of_birth, added)))
    return added


def _born(job_id: int, batch: Row, job: NewJob, at: float) -> JobView:
    """As it would be read back."""
    error = job.error
    if error is not None:
        detail = storable(error.detail)
        error = ErrorView.of_code(str(error.code), detail, error.retry_after)
    return JobView(
        id=job_id,
        batch_id=batch["id"],
        path=job.path,
        name=storable(display_name(job.path)),
        state=JobState.QUEUED if error is None else JobState.REFUSED,
        size=job.size,
        created_at=at,
        updated_at=at,
        wanted_account=job.account or batch["wanted_account"],
        wanted_purpose=batch["wanted_purpose"],
        allow_fallback=bool(batch["allow_fallback"]),
        accepted=words_of(batch["accepted"]),
        unattended=batch["origin"] == Origin.UNATTENDED,
        error=error,
        finished_at=None if error is None else at,
    )


def _row(job: JobView) -> tuple[Value, ...]:
    error = job.error
    # Plain types: for any other the driver looks in vain for a way to convert it, each time.
    return (
        job.id,
        os.fsencode(job.path),
        job.name,
        search_text(job.path),
        job.state.value,
        job.size,
        None if error is None else error.code,
        None if error is None else error.detail,
        None if error is None else error.retry_after,
        job.wanted_account,
    )


def _request_cancel(connection: Connection, job_id: int) -> None:
    connection.execute(
        "UPDATE jobs SET cancel_requested = 1"
        " WHERE id = ? AND state NOT IN (SELECT value FROM json_each(?))",
        (job_id, _FINAL),
    )


_FINAL: Final = json.dumps(sorted(FINAL))


def _remove(connection: Connection, job_ids: Sequence[int], trail: AuditTrail) -> int:
    found = connection.execute(
        "SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
        " AND state IN (SELECT value FROM json_each(?))",
        (json.dumps(list(job_ids)), _FINAL),
    )
    return _clear(connection, trail, [row["id"] for row in found])


def _remove_some(connection: Connection, trail: AuditTrail) -> int:
    found = connection.execute(
        "SELECT id FROM jobs WHERE state IN (SELECT value FROM json_each(?)) LIMIT ?",
        (_FINAL, _REMOVED_AT_ONCE),
    )
    return _clear(connection, trail, [row["id"] for row in found])


def _clear(connection: Connection, trail: AuditTrail, job_ids: Sequence[int]) -> int:
    """Out of the queue, into the history."""
    at = trail.now()
    keep_past(connection, job_ids, at)
    # Erased, because the history may be forgotten, and then nothing must be left of it here.
    with erasing(connection):
        gone = [
            job_view(row)
            for row in connection.execute(
                "DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?)) RETURNING *",
                (json.dumps(job_ids),),
            )
        ]
    trail.append(connection, (entry_of_removal(job, at) for job in gone))
    return len(gone)
