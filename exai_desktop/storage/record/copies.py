"""Copies: what is recorded of the files that lie at the providers, and the room they take."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from exai_desktop.core.copies.models import Copy, CopyState, check_copy
from exai_desktop.core.copies.queries import CopyCheck, FilePage, FileQuery
from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.files.files import FileId
from exai_desktop.core.jobs.store import IdTakenError, StaleJobError
from exai_desktop.core.routing.routing import Room, Usage
from exai_desktop.storage.audit.trail import AuditTrail, entry_of_copy_move
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations.m0001_first import IN_FLIGHT, PRESENT
from exai_desktop.storage.record import copy_queries
from exai_desktop.storage.record.rows import copy_of, storable
from exai_desktop.storage.sqlite.driver import Connection, Row

T = TypeVar("T")

# Small transactions: a move of a job never waits long behind one.
_CHUNK: Final = 500

_PRESENT_COPY: Final = (
    f"SELECT * FROM copies WHERE account = ? AND purpose = ? AND sha256 = ? AND {PRESENT}"  # noqa: S608 - a constant
    " ORDER BY id LIMIT 1"
)

# Of several, the one the job names as its result; then a usable one; then the newest.
_OF_JOB: Final = """
SELECT copies.* FROM jobs JOIN copies
    ON copies.job_id = jobs.id
    OR (copies.account = jobs.account AND copies.remote_id = jobs.file_id
        AND copies.sha256 = coalesce(jobs.sha256, copies.sha256))
    OR copies.job_id = jobs.twin_of
WHERE jobs.id = ?
ORDER BY copies.account = jobs.account AND copies.remote_id = jobs.file_id DESC,
    copies.job_id = jobs.id DESC, copies.usable DESC, copies.id DESC
LIMIT 1"""

# What is gone has given its id back; of what was not sent from here the content is not known.
_TAKEN: Final = """
SELECT * FROM copies WHERE account = ? AND remote_id = ? AND sha256 <> ? AND origin = 'sent'
    AND state IN ('present', 'deleting')"""

_INSERT: Final = """
INSERT INTO copies (provider, account, purpose, sha256, size, remote_id, remote_name, state,
    usable, recorded_at, job_id, verified_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, 'present', ?, ?, ?, ?, ?)
ON CONFLICT (account, remote_id) DO UPDATE SET
    provider = excluded.provider, purpose = excluded.purpose, sha256 = excluded.sha256,
    size = excluded.size, remote_name = excluded.remote_name, state = excluded.state,
    usable = excluded.usable, job_id = CASE WHEN copies.sha256 = excluded.sha256
        THEN coalesce(copies.job_id, excluded.job_id) ELSE excluded.job_id END,
    verified_at = excluded.verified_at, expires_at = excluded.expires_at,
    origin = 'sent'"""


def present_copy(
    connection: Connection, account: str | None, purpose: str | None, sha256: str | None
) -> Copy | None:
    """The usable copy of this content that lies at the account, for this purpose."""
    return _one(connection, _PRESENT_COPY, account, purpose, sha256)


def copy_of_job(connection: Connection, job_id: int) -> Copy | None:
    """The copy the job made or, for a duplicate, the one it points to."""
    return _one(connection, _OF_JOB, job_id)


def _one(connection: Connection, sql: str, *values: int | str | None) -> Copy | None:
    row: Row | None = connection.execute(sql, values).fetchone()
    return None if row is None else copy_of(row)


def record_copy(connection: Connection, copy: NewCopy, job_id: int, at: float) -> None:
    """Note a file that the provider has; one already known by its id is brought up to date.

    When the same content lies there already as another file, the older stays the one in use
    and this one is noted beside it. Raises `IdTakenError` when the id is that of another content:
    nobody knows which of the two the provider has kept.
    """
    taken = _one(connection, _TAKEN, copy.account, storable(copy.remote_id), copy.sha256)
    if taken is not None:
        raise IdTakenError(taken)
    older = present_copy(connection, copy.account, copy.purpose, copy.sha256)
    is_second = older is not None and older.remote_id != copy.remote_id
    connection.execute(
        _INSERT,
        (
            copy.provider,
            copy.account,
            copy.purpose,
            copy.sha256,
            copy.size,
            storable(copy.remote_id),
            storable(copy.remote_name),
            copy.usable and not is_second,
            at,
            job_id,
            at if copy.seen_at is None else min(at, copy.seen_at),
            copy.expires_at,
        ),
    )


def _move(
    connection: Connection,
    copy_id: int,
    old: CopyState,
    new: CopyState,
    at: float,
    trail: AuditTrail,
) -> Copy:
    check_copy(old, new)
    row = connection.execute(
        "SELECT * FROM copies WHERE id = ? AND state = ?", (copy_id, old)
    ).fetchone()
    if row is None:
        raise StaleJobError(copy_id)
    copy = copy_of(row)
    usable, verified_at = copy.usable, copy.verified_at
    if new is CopyState.PRESENT:
        verified_at = at
        # Back again, but meanwhile the content was sent anew: that one stays in use.
        usable = usable and not present_copy(connection, copy.account, copy.purpose, copy.sha256)
    row = connection.execute(
        "UPDATE copies SET state = ?, usable = ?, verified_at = ? WHERE id = ? RETURNING *",
        (new, usable, verified_at, copy_id),
    ).fetchone()
    copy = copy_of(row)
    path = connection.execute("SELECT path FROM jobs WHERE id = ?", (copy.job_id,)).fetchone()
    known_path = None if path is None else os.fsdecode(path["path"])
    trail.append(connection, (entry_of_copy_move(copy, old, at, known_path),))
    return copy


def _hand_over(connection: Connection, account: str, heir: str) -> None:
    names = {"account": account, "heir": heir}
    # What the heir's list has shown as somebody else's is its own now.
    connection.execute(
        "DELETE FROM copies WHERE account = :heir AND origin = 'found' AND remote_id IN"
        " (SELECT remote_id FROM copies WHERE account = :account AND origin <> 'found')",
        names,
    )
    # Two copies in use of one content, from before the names were one: the heir's stays in use.
    connection.execute(
        f"UPDATE copies SET usable = 0 WHERE account = :account AND {PRESENT} AND EXISTS"  # noqa: S608 - a constant
        " (SELECT 1 FROM copies AS other WHERE other.account = :heir"
        " AND other.purpose = copies.purpose AND other.sha256 = copies.sha256"
        " AND other.state = 'present' AND other.usable = 1)",
        names,
    )
    connection.execute(
        "UPDATE OR IGNORE copies SET account = :heir WHERE account = :account", names
    )
    connection.execute(
        "UPDATE jobs SET account = :heir WHERE account = :account AND file_id IS NOT NULL"
        " AND state IN ('done', 'duplicate')",
        names,
    )


def _by_hundreds(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


class SqliteCopyStore:
    """`core.copies.store.CopyStore` on the profile's database."""

    def __init__(self, database: Database, trail: AuditTrail | None = None) -> None:
        self._database = database
        self._trail = trail or AuditTrail()

    async def find_present(self, account: str, purpose: str, sha256: str) -> Copy | None:
        return await self._database.read(
            lambda connection: present_copy(connection, account, purpose, sha256)
        )

    async def of_account(self, account: str) -> list[Copy]:
        return await self._database.read(
            lambda connection: [
                copy_of(row)
                for row in connection.execute(
                    "SELECT * FROM copies WHERE account = ? ORDER BY id", (account,)
                )
            ]
        )

    async def of_job(self, job_id: int) -> Copy | None:
        return await self._database.read(partial(copy_of_job, job_id=job_id))

    async def by_remote_id(self, account: str, remote_id: str) -> Copy | None:
        return await self._database.read(
            lambda connection: _one(
                connection,
                "SELECT * FROM copies WHERE account = ? AND remote_id = ?",
                account,
                storable(remote_id),
            )
        )

    async def move(self, copy_id: int, old: CopyState, new: CopyState, at: float) -> Copy:
        move = partial(_move, copy_id=copy_id, old=old, new=new, at=at, trail=self._trail)
        return await self._database.write(move)

    async def verified(self, copy_ids: Sequence[int], at: float) -> None:
        for some in _by_hundreds(copy_ids):
            await self._database.write(partial(copy_queries.seen, copy_ids=some, at=at))

    async def get(self, copy_id: int) -> Copy | None:
        return await self._database.read(
            lambda connection: _one(connection, "SELECT * FROM copies WHERE id = ?", copy_id)
        )

    async def page(self, query: FileQuery) -> FilePage:
        return await self._database.read(partial(copy_queries.page, query=query))

    async def adopt(
        self, account: str, expiries: Mapping[str, float | None], at: float
    ) -> list[Copy]:
        adopted: list[Copy] = []
        for some in _by_hundreds(list(expiries.items())):
            write = partial(
                copy_queries.adopt,
                account=account,
                expiries=dict(some),
                at=at,
                trail=self._trail,
            )
            adopted += await self._database.write(write)
        return adopted

    async def looked(self, looks: Sequence[CopyCheck]) -> None:
        for some in _by_hundreds(looks):
            await self._database.write(partial(copy_queries.note_looks, looks=some))

    async def looks(self, copy_id: int) -> list[CopyCheck]:
        return await self._database.read(partial(copy_queries.looks_at, copy_id=copy_id))

    async def hand_over(self, account: str, heir: str) -> None:
        await self._database.write(partial(_hand_over, account=account, heir=heir))

    async def usage(self) -> dict[str, tuple[int, int]]:
        return await self._database.read(
            lambda connection: {
                account: (files, size)
                for account, files, size in connection.execute(
                    "SELECT account, count(*), sum(size) FROM copies WHERE state = 'present'"
                    " GROUP BY account"
                )
            }
        )


_PUT: Final = """
INSERT INTO fingerprints (path, identity, sha256, taken_at) VALUES (?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    identity = excluded.identity, sha256 = excluded.sha256, taken_at = excluded.taken_at"""


class SqliteFingerprints:
    """`core.jobs.store.Fingerprints` on the profile's database: one row a path, the newest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, path: str, file_id: FileId) -> str | None:
        row: Row | None = await self._database.read(
            lambda connection: connection.execute(
                "SELECT sha256 FROM fingerprints WHERE path = ? AND identity = ?",
                (os.fsencode(path), _identity(file_id)),
            ).fetchone()
        )
        return None if row is None else row["sha256"]

    async def put(self, path: str, file_id: FileId, sha256: str, at: float) -> None:
        row = (os.fsencode(path), _identity(file_id), sha256, at)
        await self._database.write(lambda connection: connection.execute(_PUT, row).rowcount)


def _identity(file_id: FileId) -> str:
    return f"{file_id.size}:{file_id.mtime_ns}:{file_id.device}:{file_id.inode}"


_HELD: Final = """
SELECT coalesce(sum(files), 0), coalesce(sum(bytes), 0),
    coalesce(sum(files) FILTER (WHERE purpose = :purpose), 0)
FROM holdings WHERE account = :account"""

_ON_THE_WAY: Final = f"""
SELECT count(*), coalesce(sum(size), 0), count(*) FILTER (WHERE purpose = :purpose)
FROM jobs WHERE account = :account AND {IN_FLIGHT} AND id <> :job"""  # noqa: S608 - a constant


_ALL_HELD: Final = "SELECT account, purpose, files, bytes FROM holdings"

_ALL_ON_THE_WAY: Final = f"""
SELECT account, purpose, count(*), coalesce(sum(size), 0)
FROM jobs WHERE {IN_FLIGHT} GROUP BY account, purpose"""  # noqa: S608 - a constant


def usages(connection: Connection, rooms: Collection[Room]) -> dict[Room, Usage]:
    """The usage of several rooms, all at one moment."""
    of_account: dict[str, tuple[int, int]] = {}
    of_purpose: dict[Room, int] = {}
    for statement in (_ALL_HELD, _ALL_ON_THE_WAY):
        for account, purpose, files, size in connection.execute(statement):
            all_files, all_bytes = of_account.get(account, (0, 0))
            of_account[account] = (all_files + files, all_bytes + size)
            room = (account, purpose)
            of_purpose[room] = of_purpose.get(room, 0) + files
    return {
        room: Usage(*of_account.get(room[0], (0, 0)), of_purpose.get(room, 0)) for room in rooms
    }


def usage(connection: Connection, account: str, purpose: str, job: int) -> Usage:
    """Without the job itself, which asks because it wants to be on its way."""
    values = {"account": account, "purpose": purpose, "job": job}
    held = connection.execute(_HELD, values).fetchone()
    coming = connection.execute(_ON_THE_WAY, values).fetchone()
    return Usage(*(there + more for there, more in zip(held, coming, strict=True)))
