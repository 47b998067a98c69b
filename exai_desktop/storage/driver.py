"""The SQLite driver, named here and nowhere else: SQLCipher's can take its place.

One connection writes, the others only read. SQLite before 3.51.3 can corrupt a WAL database that
two connections write to and checkpoint at the same moment.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from sqlite3 import Connection, Error, IntegrityError, Row
from typing import Final

from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import EngineError

__all__ = [
    "Connection",
    "Error",
    "IntegrityError",
    "Row",
    "as_engine_error",
    "create_private",
    "library_version",
    "open_reader",
    "open_writer",
]


def library_version() -> str:
    """Version of SQLite itself."""
    return sqlite3.sqlite_version


_CACHED_STATEMENTS: Final = 256
_LOG_LIMIT_BYTES: Final = 8 * 1024 * 1024
_BUSY_MS: Final = 10_000

# FULL: with NORMAL a power cut loses commits that were acknowledged. trusted_schema: a file that
# somebody else prepared must not run functions when it is read.
_EVERY: Final = (
    f"PRAGMA busy_timeout={_BUSY_MS}",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
)
_WRITER: Final = (
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=1000",
    f"PRAGMA journal_size_limit={_LOG_LIMIT_BYTES}",
)


def create_private(path: Path) -> None:
    """Make the database file for its owner alone; SQLite's side files take over its mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
    except OSError as error:
        raise EngineError(ErrorCode.DATABASE_ERROR, f"{path.name}: {error.strerror}") from error


def open_writer(path: Path) -> Connection:
    """The one connection that may change anything. Transactions are begun by hand."""
    connection = _connect(path, "rw")
    try:
        # A network folder may refuse WAL by answering with the old mode.
        if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=DELETE")
        for pragma in _WRITER:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> Connection:
    connection = _connect(path, "ro")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _connect(path: Path, mode: str) -> Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        cached_statements=_CACHED_STATEMENTS,
    )
    connection.row_factory = Row
    try:
        for pragma in _EVERY:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def as_engine_error(error: Error) -> EngineError:
    """What a driver's error becomes at the border of this package."""
    # The low byte is the primary code; the rest says more about it.
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    code = ErrorCode.DISK_FULL if primary == sqlite3.SQLITE_FULL else ErrorCode.DATABASE_ERROR
    return EngineError(code, f"{getattr(error, 'sqlite_errorname', 'SQLITE')}: {error}")
