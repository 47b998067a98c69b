"""The SQLite driver, named here and nowhere else: SQLCipher's can take its place.

One connection writes, the others only read. SQLite before 3.51.3 can corrupt a WAL database that
two connections write to and checkpoint at the same moment.
"""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path
from sqlite3 import Connection, Error, IntegrityError, Row
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

__all__ = [
    "Connection",
    "Error",
    "IntegrityError",
    "Row",
    "as_engine_error",
    "create_private",
    "is_damage",
    "library_version",
    "open_cache",
    "open_copier",
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


def open_copier(path: Path) -> Connection:
    """For `VACUUM INTO`, which needs the right to write, although only into the copy."""
    return _connect(path, "ro")


def open_cache(path: Path) -> Connection:
    """A file that may be lost, but not read after the deletion of what it held."""
    connection = _connect(path, "rw")
    try:
        # No log beside it that would keep what was deleted; what is freed is overwritten.
        for pragma in ("journal_mode=DELETE", "synchronous=NORMAL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
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
    whole = getattr(error, "sqlite_errorcode", 0)
    is_full = whole & 0xFF == sqlite3.SQLITE_FULL or whole == sqlite3.SQLITE_IOERR_SHMSIZE
    code = ErrorCode.DISK_FULL if is_full else ErrorCode.DATABASE_ERROR
    return EngineError(code, f"{getattr(error, 'sqlite_errorname', 'SQLITE')}: {error}")


# What the surroundings do to a sound file. Everything else while a file is examined is its own.
_SURROUNDINGS: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_AUTH,
    }
)
_UNREADABLE: Final = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})


def is_damage(error: Error, path: Path) -> bool:
    """Whether the file itself is damaged: only then may it be set aside."""
    whole = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    primary = whole & 0xFF
    if primary == sqlite3.SQLITE_IOERR:
        return whole in _UNREADABLE
    if primary == sqlite3.SQLITE_READONLY:
        return os.access(path, os.W_OK)  # a changed byte in its head asks for a newer SQLite
    return primary not in _SURROUNDINGS


# Shorter ones are rather words than the beginning of a hash.
HASH_START: Final = re.compile(r"[0-9a-f]{4,64}")


def literal(text: str) -> str:
    r"""Text in which `%` and `_` mean themselves in LIKE ... ESCAPE '\'."""
    return re.sub(r"([\\%_])", r"\\\1", text)
