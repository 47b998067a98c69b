"""The SQLite driver, named here and nowhere else (SQLCipher's can take its place), and its threads.

One connection writes, the others only read. SQLite before 3.51.3 can corrupt a WAL database that
two connections write to and checkpoint at the same moment. A connection belongs to one thread,
which carries out, in order, what the event loop hands it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sqlite3
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from sqlite3 import Connection, Error, IntegrityError, Row
from typing import Any, Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, not_written

log = logging.getLogger(__name__)
T = TypeVar("T")

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
    "open_notes",
    "open_reader",
    "open_scratch",
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
        raise not_written(error, path.name) from error


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


def open_scratch() -> Connection:
    """In memory, gone when it is closed."""
    return sqlite3.connect(":memory:", isolation_level=None)


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


def open_notes(path: Path) -> Connection:
    """A small file that several programs write, each for a moment; made if there is none.

    Any thread may use it, one at a time. A commit survives a power failure: EXTRA also makes the
    end of its journal last.
    """
    create_private(path)
    connection = _connect(path, "rw", any_thread=True)
    try:
        for pragma in ("journal_mode=DELETE", "synchronous=EXTRA"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str, *, any_thread: bool = False) -> Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        cached_statements=_CACHED_STATEMENTS,
        check_same_thread=not any_thread,
    )
    connection.row_factory = Row
    try:
        for pragma in _EVERY:
            connection.execute(pragma)
        if not _has_temporary_folder():
            connection.execute("PRAGMA temp_store=MEMORY")
    except BaseException:
        connection.close()
        raise
    return connection


def _has_temporary_folder() -> bool:
    """Containers may have none; SQLite would fail in the middle of a large statement."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return True


def as_engine_error(error: Error) -> EngineError:
    """What a driver's error becomes at the border of this package."""
    # The low byte is the primary code; the rest says more about it.
    whole = getattr(error, "sqlite_errorcode", 0)
    is_full = whole & 0xFF == sqlite3.SQLITE_FULL or whole == sqlite3.SQLITE_IOERR_SHMSIZE
    code = ErrorCode.DISK_FULL if is_full else ErrorCode.DATABASE_ERROR
    if whole & 0xFF == sqlite3.SQLITE_READONLY:
        code = ErrorCode.PROFILE_READ_ONLY
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
@contextmanager
def erasing(connection: Connection) -> Iterator[None]:
    """What is deleted meanwhile is overwritten, too."""
    connection.execute("PRAGMA secure_delete=ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA secure_delete=OFF")


HASH_START: Final = re.compile(r"[0-9a-f]{4,64}")
# Not LIKE: no index helps with that. The letter after `f` comes after all hashes that begin so.
HASH_FROM: Final = "sha256 >= ? AND sha256 < ?"


def hash_range(start: str) -> tuple[str, str]:
    """The values for `HASH_FROM`."""
    return start.lower(), f"{start.lower()}g"


def literal(text: str) -> str:
    r"""Text in which `%` and `_` mean themselves in LIKE ... ESCAPE '\'."""
    return re.sub(r"([\\%_])", r"\\\1", text)


@dataclass(slots=True, eq=False)
class Work:
    """One function to run, and where its outcome goes."""

    run: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def fail(self, error: Exception) -> None:
        self.result, self.error = None, error


class WorkThread:
    """Takes up to `at_most` waiting works at once and gives them to `carry_out` as a group."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection],
        carry_out: Callable[[Connection, Sequence[Work]], None],
        at_most: int,
    ) -> None:
        """Returns when the connection is open. Raises what `connect` raised."""
        self._connect = connect
        self._carry_out = carry_out
        self._at_most = at_most
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        # Nothing may be queued behind the None that ends the thread: it would never be answered.
        self._lock = threading.Lock()
        self._closed = False
        self._opened: Future[None] = Future()
        # Daemon: a database that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._opened.result()

    async def submit(self, run: Callable[[Connection], T]) -> T:
        """Run it in the thread. Cancelling the wait does not take the work back."""
        loop = asyncio.get_running_loop()
        work = Work(run, loop, loop.create_future())
        with self._lock:
            if self._closed:
                raise EngineError(ErrorCode.DATABASE_ERROR, "the database is closed")
            self._queue.put(work)
        result: T = await work.future
        return result

    def close(self) -> None:
        """Finish what is queued, close the connection, end the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            connection = self._connect()
        except Error as error:
            self._opened.set_exception(as_engine_error(error))
            return
        except Exception as error:  # noqa: BLE001 - raised again where the thread was started
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while group := self._next_group():
                try:
                    self._carry_out(connection, group)
                except Exception as error:
                    # A bug of ours: the waiting callers get the error, and the next group is run.
                    log.exception("the database thread met a fault")
                    _fail_unsettled(group, error)
                    if connection.in_transaction:
                        connection.rollback()
                _wake(group)
        finally:
            connection.close()

    def _next_group(self) -> list[Work]:
        """Everything that waits, up to the limit; empty when the thread is to end."""
        first = self._queue.get()
        if first is None:
            return []
        group = [first]
        while len(group) < self._at_most:
            try:
                work = self._queue.get_nowait()
            except Empty:
                break
            if work is None:
                self._queue.put(None)
                break
            group.append(work)
        return group


def attempt(connection: Connection, work: Work) -> None:
    """Run one work and note what came of it."""
    try:
        work.result = work.run(connection)
    except Error as error:
        work.fail(as_engine_error(error))
    except Exception as error:  # noqa: BLE001 - raised again where this work is awaited
        work.fail(error)


def _fail_unsettled(group: Sequence[Work], error: Exception) -> None:
    for work in group:
        if work.error is None:
            work.fail(error)


def _wake(group: Sequence[Work]) -> None:
    """One wake-up per event loop, however many of its works are done."""
    by_loop = defaultdict(list)
    for work in group:
        by_loop[work.loop].append(work)
    for loop, works in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, works)
        except RuntimeError:
            continue  # the loop has ended, and with it everybody who waited


def _settle(works: Sequence[Work]) -> None:
    for work in works:
        if work.future.done():
            continue  # its caller was cancelled
        if work.error is not None:
            work.future.set_exception(work.error)
        else:
            work.future.set_result(work.result)
