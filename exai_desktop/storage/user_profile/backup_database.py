"""The database of a backup: copied while it is in use, and looked at before it is restored."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.migrations import migrate
from exai_desktop.storage.sqlite.driver import (
    Connection,
    Error,
    as_engine_error,
    open_copier,
    open_reader,
    open_scratch,
)
from exai_desktop.storage.user_profile.integrity import DamageError, examine, newest_record
from exai_desktop.storage.user_profile.snapshots import verify


@dataclass(frozen=True, slots=True)
class Counted:
    """`steps`: those of the schema; `newest`: when the last move on record was made."""

    steps: tuple[str, ...]
    jobs: int
    copies: int
    newest: float


def copy_database(source: Path, target: Path) -> None:
    """All of one moment, also while others write. What was deleted is not in the copy."""
    try:
        # SQLite fills an empty file but would make its own one readable for everybody.
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(open_copier(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        verify(target)
    except Error as error:
        raise as_engine_error(error) from error


def count_rows(path: Path, now: float) -> Counted:
    """Of a database of this program, whatever its version. Raises BACKUP_DAMAGED."""
    try:
        with closing(open_reader(path)) as connection:
            steps = tuple(migrate.applied(connection))
            return Counted(
                steps,
                _count(connection, "jobs"),
                _count(connection, "copies"),
                newest_record(connection, now),
            )
    except Error as error:
        raise _unusable(str(error)) from error


def _count(connection: Connection, table: str) -> int:
    found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
    return found


def check_database(path: Path, now: float) -> Counted:
    """Look at every row of an extracted database. Raises BACKUP_DAMAGED, BACKUP_NEWER."""
    counted = count_rows(path, now)
    known = [name for name, _ in migrate.STEPS]
    newer = [name for name in counted.steps if name not in known]
    if newer:
        raise EngineError(ErrorCode.BACKUP_NEWER, f"its database has a step more: {newer[-1][:80]}")
    if not counted.steps:
        raise _unusable("it is the database of another program")
    try:
        examine(path, thorough=True, schema="", now=now, aside=path.with_name("cut-log"))
        _refuse_strange(path, len(counted.steps))
    except DamageError as error:
        raise _unusable(str(error)) from error
    return counted


def _refuse_strange(path: Path, steps: int) -> None:
    """A trigger or view that no version of ours makes would be carried out with each change."""
    with closing(open_reader(path)) as connection, closing(open_scratch()) as ours:
        for _, statements in migrate.STEPS[:steps]:
            for statement in statements:
                ours.execute(statement)
        if strange := _programs(connection) - _programs(ours):
            raise DamageError(f"it has a {min(strange)[0]} that does not belong there")


def _programs(connection: Connection) -> set[tuple[str, str]]:
    rows = connection.execute(
        "SELECT type, sql FROM sqlite_schema WHERE type IN ('trigger', 'view')"
    )
    return {(row[0], row[1]) for row in rows}


def check_texts(path: Path) -> None:
    """Raises BACKUP_DAMAGED."""
    try:
        verify(path)
    except Error as error:
        raise _unusable(f"the texts: {error}") from error


def _unusable(why: str) -> EngineError:
    return EngineError(ErrorCode.BACKUP_DAMAGED, f"the database: {why}")
