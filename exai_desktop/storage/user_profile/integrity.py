"""Whether a database file is sound: looked at before anybody works with it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exai_desktop.storage.migrations import migrate
from exai_desktop.storage.record.rows import attempt_of, copy_of, history_entry, job_view
from exai_desktop.storage.sqlite.driver import (
    Connection,
    Error,
    as_engine_error,
    is_damage,
    open_writer,
)
from exai_desktop.storage.user_profile.wal_frames import committed_frames, log_of

# Reading every row takes a second for some 100,000; older rows than these are left to SQLite.
_ROWS_READ: Final = 200_000

# A job that says done and of which its own attempt or copy says something else. No more than
# that: a provider may give one id to two files, and a sound record must never be given up.
_CONTRADICTIONS: Final = """
SELECT id FROM jobs WHERE (
    EXISTS (SELECT 1 FROM attempts WHERE job_id = jobs.id AND number = jobs.attempts
        AND (sha256 <> jobs.sha256 OR size <> jobs.size))
    OR EXISTS (SELECT 1 FROM copies WHERE job_id = jobs.id)
    AND NOT EXISTS (SELECT 1 FROM copies
        WHERE account = jobs.account AND remote_id = jobs.file_id
        AND purpose = jobs.purpose AND provider = jobs.provider)
) AND state = 'done' LIMIT 1"""

# Sums and the last number given out are only kept beside the rows: they are counted anew.
_REPAIRS: Final = (
    "UPDATE job_sums SET jobs = (SELECT count(*) FROM jobs WHERE jobs.state = job_sums.state),"
    " bytes = (SELECT coalesce(sum(min(size, 1125899906842624)), 0) FROM jobs"
    " WHERE jobs.state = job_sums.state)",
    "UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(id), 0) FROM jobs) WHERE name = 'jobs'"
    " AND seq NOT BETWEEN (SELECT coalesce(max(id), 0) FROM jobs) AND 9007199254740992",
)


class DamageError(Exception):
    """The file does not hold what was written to it."""


@dataclass(frozen=True, slots=True)
class Found:
    """`lost_commits`: the file is sound, but commits at the end of its log are gone."""

    schema: str = ""
    lost_commits: bool = False
    newest: float = 0.0


def examine(path: Path, *, thorough: bool, schema: str, now: float, aside: Path) -> Found:
    """Raises `DamageError` for a file to be set aside, `EngineError` when it cannot be looked at.

    `schema` is what `Found.schema` was when the file was last opened, empty when unknown. A log
    that is found cut is kept as `aside` before SQLite tidies it away.
    """
    try:
        return _examine(path, thorough=thorough, schema=schema, now=now, aside=aside)
    except Error as error:
        if is_damage(error, path):
            raise DamageError(str(error)) from error
        raise as_engine_error(error) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise DamageError(f"a row is not valid: {error}") from error


def _examine(path: Path, *, thorough: bool, schema: str, now: float, aside: Path) -> Found:
    expected = committed_frames(path)
    with closing(open_writer(path)) as connection:
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        lost = expected > max(frames, 0)
        if lost and log_of(path).exists():
            shutil.copyfile(log_of(path), aside)
        _ask_sqlite(connection, thorough=thorough)
        found = schema_of(connection)
        _compare_schema(connection, schema, found)
        if not migrate.is_complete(connection):
            return Found(found, lost)
        if thorough:
            _read_through(connection)
            for repair in _REPAIRS:
                connection.execute(repair)
        return Found(found, lost, newest_record(connection, now))


def check_open(connection: Connection, *, thorough: bool) -> None:
    """The same of a database in use, as it is at this moment. Raises `DamageError`, or the
    driver's error."""
    connection.execute("BEGIN")
    try:
        _ask_sqlite(connection, thorough=thorough)
        if thorough:
            _read_through(connection)
    except (ValueError, TypeError, OverflowError) as error:
        raise DamageError(f"a row is not valid: {error}") from error


def _read_through(connection: Connection) -> None:
    for _ in _every_row(connection):
        pass
    row = connection.execute(_CONTRADICTIONS).fetchone()
    if row is not None:
        raise DamageError(f"job {row[0]} contradicts its own record")


def _ask_sqlite(connection: Connection, *, thorough: bool) -> None:
    check = "integrity_check" if thorough else "quick_check"
    (said,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
    if said != "ok":
        raise DamageError(str(said))


def schema_of(connection: Connection) -> str:
    """The steps that were applied, and a hash of what they made."""
    rows = connection.execute(
        "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY name"
    ).fetchall()
    text = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
    return f"{','.join(migrate.applied(connection))} {text}"


def _compare_schema(connection: Connection, expected: str, found: str) -> None:
    ours = [name for name, _ in migrate.STEPS]
    applied = migrate.applied(connection)
    if applied[: len(ours)] != ours[: len(applied)]:
        raise DamageError("the list of schema versions is not valid")
    # With another list of steps the program was interrupted after a migration.
    if expected.partition(" ")[0] == found.partition(" ")[0] and expected != found:
        raise DamageError("the schema was changed")


def _every_row(connection: Connection) -> Iterator[object]:
    """Every value read and understood: SQLite itself does not look into text."""
    for table, order, understand in (
        ("jobs", "id", job_view),
        ("copies", "id", copy_of),
        ("attempts", "job_id", attempt_of),
        ("history", "id", history_entry),
    ):
        rows = connection.execute(
            f"SELECT * FROM {table} ORDER BY {order} DESC LIMIT {_ROWS_READ}"  # noqa: S608 - our own names
        )
        yield from map(understand, rows)


def newest_record(connection: Connection, now: float) -> float:
    """When the last move on record was made; 0 when there is none."""
    row = connection.execute("SELECT max(at) FROM history WHERE at <= ?", (now,)).fetchone()
    return row[0] or 0.0
