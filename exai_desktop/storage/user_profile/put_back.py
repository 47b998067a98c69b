"""Whether the database is an older copy, put back over a newer one.

A copy that was put back is sound, and lacks what was sent since: nothing in itself tells. Two notes
outside it do: the run that worked with it last, and the newest row of the audit trail that was
ever noted. A database that lacks one of them is behind.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exai_desktop.core.audit.audit import AuditAnchor
from exai_desktop.storage.sqlite.driver import (
    Connection,
    Error,
    as_engine_error,
    open_reader,
    open_writer,
)
from exai_desktop.storage.user_profile.integrity import newest_record

# A note outside that was lost in a power failure may name a run before the last one.
_KEPT_RUNS: Final = 1_000


@dataclass(frozen=True, slots=True)
class PutBack:
    """`newest`: when the last move on record was made. `why` is for people."""

    newest: float
    why: str


def find_put_back(path: Path, run: str, anchor: AuditAnchor | None, now: float) -> PutBack | None:
    """What tells that this is an older database; None: nothing does.

    `run` is what `note_run` gave for the last run, "" when that is unknown.
    """
    try:
        with closing(open_reader(path)) as connection:
            return put_back_in(connection, run, anchor, now)
    except Error as error:
        raise as_engine_error(error) from error


def put_back_in(
    connection: Connection, run: str, anchor: AuditAnchor | None, now: float
) -> PutBack | None:
    """The same of an open database, also of one from before an upgrade of the program."""
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if "history" not in names:
        return None  # there was never anything in it
    why = _lacks_run(connection, run, names)
    # An earlier version's notes of runs and rows did not go together.
    if not why and "runs" in names and _has_runs(connection):
        why = _lacks_row(connection, anchor)
    return PutBack(newest_record(connection, now), why) if why else None


def note_run(path: Path) -> str:
    """A name for the run that begins now, written into the database before it works with it."""
    run = secrets.token_hex(16)
    try:
        with closing(open_writer(path)) as connection:
            note_run_in(connection, run)
    except Error as error:
        raise as_engine_error(error) from error
    return run


def note_run_in(connection: Connection, run: str) -> None:
    """The same in an open database."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO runs (token) VALUES (?)", (run,))
    connection.execute("DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?", (_KEPT_RUNS,))
    connection.execute("COMMIT")


def _has_runs(connection: Connection) -> bool:
    """One that an earlier version has written last knows of none."""
    return connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is not None


def _lacks_run(connection: Connection, run: str, names: Collection[str]) -> str:
    if not run:
        return ""
    wanted = "SELECT 1 FROM runs WHERE token = ?"
    found = "runs" in names and connection.execute(wanted, (run,)).fetchone() is not None
    return "" if found else "it does not know the last run of the program"


def _lacks_row(connection: Connection, anchor: AuditAnchor | None) -> str:
    if anchor is None or anchor.seq <= 0:
        return ""
    row = connection.execute("SELECT mac FROM audit WHERE seq = ?", (anchor.seq,)).fetchone()
    if row is not None and row[0] == anchor.mac:
        return ""
    return f"its audit trail lacks row {anchor.seq}, which was there at {anchor.at}"
