"""Receipts and groups of files, calculated by SQLite; many files are looked at in pieces."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.reasons import ReasonGroup, largest_first
from exai_desktop.core.jobs.receipts import BatchInfo, ReceiptRow, ReceiptScope, ReceiptSum
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.job_pages import Terms, bounds
from exai_desktop.storage.sqlite.driver import Connection

# So many numbers are looked at before another reader has its turn.
_LOOKED_AT_ONCE: Final = 20_000
# A sparse file may claim 8 EiB; two of them must not make the sum overflow.
_SIZE: Final = "min(size, 1125899906842624)"
# The plus signs keep SQLite off the index of states, which holds most of a list, and off that of
# IDs: files are looked up by their numbers, or by one ID.
_SENT: Final = "state IN ('done', 'duplicate')"
_STORED: Final = f"+{_SENT}"
# Nothing at the provider works by this ID any more.
_REASON: Final = f"iif({_STORED} AND file_state IS NOT NULL, '{ErrorCode.FILE_GONE}', error_code)"
_VALID_ID: Final = f"{_STORED} AND +file_id IS NOT NULL AND file_state IS NULL"

_BATCHES: Final = """
SELECT id, created_at, (SELECT count(*) FROM jobs WHERE batch_id = batches.id) AS files
FROM batches WHERE EXISTS (SELECT 1 FROM jobs WHERE batch_id = batches.id)
ORDER BY id DESC LIMIT ?"""
_SUMS: Final = f"""
SELECT state, {_REASON} AS reason, account, provider, count(*) AS files, sum({_SIZE}) AS bytes,
    min(created_at) AS first_at, max(coalesce(finished_at, updated_at)) AS last_at,
    min(name) AS example
FROM jobs{{}} GROUP BY state, reason, account, provider"""  # noqa: S608 - our own texts
_SHARING: Final = f"""
SELECT count(*) FROM jobs{{}} AND {_VALID_ID} AND EXISTS (
    SELECT 1 FROM jobs AS other WHERE other.file_id = jobs.file_id
        AND other.account = jobs.account AND other.id <> jobs.id AND +other.{_SENT})"""  # noqa: S608 - our own texts
_ROWS: Final = f"""
SELECT id, path, name, state, size, provider, account, purpose, sha256,
    iif({_VALID_ID}, file_id, NULL) AS file_id, {_REASON} AS reason, finished_at
FROM jobs{{}} ORDER BY id LIMIT ?"""  # noqa: S608 - our own texts
_HOW_MANY: Final = f"""
SELECT file_id, account, count(*) AS files FROM jobs
WHERE file_id IN (SELECT value FROM json_each(?)) AND {_STORED} GROUP BY file_id, account"""  # noqa: S608 - our own texts
# Along the index alone; only the example is looked up.
_REASONS: Final = """
SELECT state, error_code, files, (
    SELECT name FROM jobs WHERE jobs.state = found.state AND jobs.error_code = found.error_code
        AND jobs.error_code IS NOT NULL LIMIT 1) AS example
FROM (SELECT state, error_code, count(*) AS files FROM jobs
    WHERE error_code IS NOT NULL AND state IN ('refused', 'failed', 'held')
    GROUP BY state, error_code) AS found"""


class _Look(NamedTuple):
    """What a scope means, and between which numbers its files lie."""

    terms: Terms
    first: int
    last: int

    def windows(self, behind: int = 0) -> Iterator[Terms]:
        for after in range(max(self.first - 1, behind), self.last, _LOOKED_AT_ONCE):
            up_to = min(after + _LOOKED_AT_ONCE, self.last)
            yield Terms("id > ? AND id <= ?", (after, up_to)) & self.terms


class SqliteReceipts:
    """`core.jobs.receipts.ReceiptStore` on the profile's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def batches(self, most: int) -> list[BatchInfo]:
        rows = await self._database.read(
            lambda connection: connection.execute(_BATCHES, (most,)).fetchall()
        )
        return [BatchInfo(row["id"], row["created_at"], row["files"]) for row in rows]

    async def sums(self, scope: ReceiptScope) -> list[ReceiptSum]:
        found: dict[tuple[object, ...], ReceiptSum] = {}
        look = await self._database.read(partial(_look, scope=scope))
        for window in look.windows():
            for one in await self._database.read(partial(_sums, terms=window)):
                key = (one.state, one.error_code, one.account, one.provider)
                found[key] = _together(found[key], one) if key in found else one
        return list(found.values())

    async def sharing(self, scope: ReceiptScope) -> int:
        look = await self._database.read(partial(_look, scope=scope))
        count = 0
        for window in look.windows():
            (files,) = await self._database.read(
                partial(_first_row, statement=_SHARING, terms=window)
            )
            count += files
        return count

    async def rows(
        self, scope: ReceiptScope, after: int, most: int, *, with_id: bool
    ) -> Sequence[ReceiptRow]:
        """Window by window as well: a selection by state is sorted by number, and must not be
        sorted as a whole for each piece."""
        look = await self._database.read(partial(_look, scope=scope))
        found: list[ReceiptRow] = []
        for window in look.windows(after):
            if len(found) == most:
                break
            terms = window & Terms(_VALID_ID if with_id else "")
            limit = most - len(found)
            found += await self._database.read(partial(_rows, terms=terms, most=limit))
        return found

    async def reasons(self) -> list[ReasonGroup]:
        return list(largest_first(await self._database.read(_reasons)))


def _newest_job(connection: Connection) -> int:
    (newest,) = connection.execute("SELECT max(id) FROM jobs").fetchone()
    return newest or 0


def _look(connection: Connection, scope: ReceiptScope) -> _Look:
    """Raises UNKNOWN_BATCH, and UNKNOWN_JOB as `bounds` does."""
    newest = _newest_job(connection)
    if scope.jobs is not None:
        return _Look(bounds(connection, scope.jobs), 1, min(scope.jobs.newest, newest))
    if scope.ids is not None:
        listed = "id IN (SELECT value FROM json_each(?))"
        ids = [job_id for job_id in scope.ids if 0 < job_id < 2**63] or [0]
        return _Look(Terms(listed, (json.dumps(ids),)), min(ids), min(max(ids), newest))
    batch = scope.batch
    if batch is None:
        (batch,) = connection.execute("SELECT max(batch_id) FROM jobs").fetchone()
    if batch is None:
        raise EngineError(ErrorCode.UNKNOWN_BATCH, "there is none yet")
    terms = Terms("batch_id = ?", (batch,))
    # Each is an end of the batch in its index; of both at once SQLite reads all of it.
    (first,) = _first_row(connection, "SELECT min(id) FROM jobs{}", terms)
    (last,) = _first_row(connection, "SELECT max(id) FROM jobs{}", terms)
    if first is None:
        raise EngineError(ErrorCode.UNKNOWN_BATCH, str(batch))
    return _Look(terms, first, last)


def _first_row(connection: Connection, statement: str, terms: Terms) -> tuple[int, ...]:
    return tuple(connection.execute(statement.format(terms.where), terms.values).fetchone())


def _sums(connection: Connection, terms: Terms) -> list[ReceiptSum]:
    return [
        ReceiptSum(
            JobState(row["state"]),
            row["reason"],
            row["account"],
            row["provider"],
            row["files"],
            row["bytes"],
            row["first_at"],
            row["last_at"],
            row["example"],
        )
        for row in connection.execute(_SUMS.format(terms.where), terms.values)
    ]


def _together(one: ReceiptSum, other: ReceiptSum) -> ReceiptSum:
    return replace(
        one,
        files=one.files + other.files,
        bytes=one.bytes + other.bytes,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
    )


def _rows(connection: Connection, terms: Terms, most: int) -> list[ReceiptRow]:
    found = connection.execute(_ROWS.format(terms.where), (*terms.values, most)).fetchall()
    ids = sorted({row["file_id"] for row in found if row["file_id"]})
    # Each ID once: ten thousand equal files share one.
    many = {
        (row["file_id"], row["account"]): row["files"]
        for row in connection.execute(_HOW_MANY, (json.dumps(ids),))
    }
    return [
        ReceiptRow(
            id=row["id"],
            path=os.fsdecode(row["path"]),
            name=row["name"],
            state=JobState(row["state"]),
            size=row["size"],
            provider=row["provider"],
            account=row["account"],
            purpose=row["purpose"],
            file_id=row["file_id"],
            sha256=row["sha256"],
            error_code=row["reason"],
            settled_at=row["finished_at"],
            sharing=many.get((row["file_id"], row["account"]), 1),
        )
        for row in found
    ]


def _reasons(connection: Connection) -> list[ReasonGroup]:
    return [
        ReasonGroup(JobState(row["state"]), row["error_code"], row["files"], example=row["example"])
        for row in connection.execute(_REASONS)
    ]
