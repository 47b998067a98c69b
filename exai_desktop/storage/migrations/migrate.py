"""The steps that lead from any earlier schema to this one, and the copy kept before each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.migrations import (
    m0001_first,
    m0002_second,
    m0003_recoveries,
    m0004_holdings,
    m0005_scans,
    m0006_consent,
    m0007_account_states,
    m0008_given_up,
    m0009_files,
    m0010_balances,
    m0011_health,
    m0012_gone_files,
    m0013_runs,
    m0020_watched_folders,
)
from exai_desktop.storage.migrations.lists import (
    m0015_lists,
    m0017_file_lists,
    m0021_reasons,
    m0022_past_files,
    m0023_line,
)
from exai_desktop.storage.migrations.supabase import (
    m0014_mirror,
    m0016_other_devices,
    m0018_quotas,
    m0019_storage_copies,
)
from exai_desktop.storage.sqlite.driver import Connection

if TYPE_CHECKING:
    import sqlite_utils
    from sqlite_utils.migrations import Migrations


class _Step(Protocol):
    """A numbered module of this folder or of one in it."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module's constant
        """What the database writes down once the step is applied."""
        ...

    @property
    def STATEMENTS(self) -> Sequence[str]: ...  # noqa: N802 - a module's constant


# Imported by name, so that an installer finds them. A released step is never changed or removed.
_MODULES: Final[tuple[_Step, ...]] = (
    m0001_first,
    m0002_second,
    m0003_recoveries,
    m0004_holdings,
    m0005_scans,
    m0006_consent,
    m0007_account_states,
    m0008_given_up,
    m0009_files,
    m0010_balances,
    m0011_health,
    m0012_gone_files,
    m0013_runs,
    m0014_mirror,
    m0015_lists,
    m0016_other_devices,
    m0017_file_lists,
    m0018_quotas,
    m0019_storage_copies,
    m0020_watched_folders,
    m0021_reasons,
    m0022_past_files,
    m0023_line,
)
STEPS: tuple[tuple[str, Sequence[str]], ...] = tuple(
    (module.NAME, module.STATEMENTS) for module in _MODULES
)

_SET: Final = "exai_desktop"
_KEPT_COPIES: Final = 3


class NewerSchemaError(EngineError):
    """The database of a newer program: it may be read, it is never changed back."""


def migrate(connection: Connection, path: Path) -> None:
    """Apply what is missing, each step and its record in one transaction.

    Raises `NewerSchemaError`, a DATABASE_ERROR.
    """
    present = applied(connection)
    newer = [name for name in present if name not in dict(STEPS)]
    if newer:
        raise NewerSchemaError(
            ErrorCode.DATABASE_ERROR,
            f"made by a newer version of the program ({newer[-1]}); install that version again",
        )
    if len(present) == len(STEPS):
        return
    if present:
        _keep_copy(connection, path)
    # Late: loading it takes longer than all the rest of an ordinary start.
    from sqlite_utils import Database

    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    _steps().apply(database)


def is_complete(connection: Connection) -> bool:
    """Whether the schema is exactly this program's."""
    return applied(connection) == [name for name, _ in STEPS]


def applied(connection: Connection) -> list[str]:
    """The names of this program's steps that the database has, oldest first."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlite_migrations'"
    ).fetchone()
    if found is None:
        return []
    rows = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid", (_SET,)
    )
    return [row[0] for row in rows]


def _steps() -> Migrations:
    from sqlite_utils.migrations import Migrations

    steps = Migrations(_SET)
    for name, statements in STEPS:
        steps(name=name)(_step(name, statements))
    return steps


def _step(name: str, statements: Sequence[str]) -> Callable[[sqlite_utils.Database], None]:
    def run(database: sqlite_utils.Database, /) -> None:
        # One by one: a script would end the transaction that the record of the step is part of.
        for statement in statements:
            database.conn.execute(statement)

    run.__name__ = name
    return run


def _keep_copy(connection: Connection, path: Path) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    copy = path.with_name(f"{path.name}.{stamp}.bak")
    # SQLite fills an empty file but would make its own one readable for everybody.
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection.execute("VACUUM INTO ?", (str(copy),))
    for old in sorted(path.parent.glob(f"{path.name}.*Z.bak"))[:-_KEPT_COPIES]:
        old.unlink(missing_ok=True)
