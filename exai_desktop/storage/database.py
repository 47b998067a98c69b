"""The profile's database: one thread writes, another reads.

Writes that wait at the same moment share one transaction and one sync to the disk. A write
returns when its transaction is on disk; a read begun after that sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.migrations.migrate import migrate
from exai_desktop.storage.sqlite.driver import (
    Connection,
    Error,
    Work,
    WorkThread,
    as_engine_error,
    attempt,
    create_private,
    open_reader,
    open_writer,
)

T = TypeVar("T")

# A group is one transaction: larger ones gain nothing and make the first wait for the last.
_GROUP: Final = 128


class _Kept:
    """Answers that are the same until somebody changes them. All calls are made in one loop."""

    def __init__(self) -> None:
        self._answers: dict[object, Any] = {}
        self._changing = 0
        self._changes = 0

    async def answer(self, name: object, ask: Callable[[], Awaitable[T]]) -> T:
        """What is asked while somebody changes it may be of before or after, and is not kept."""
        if name in self._answers:
            known: T = self._answers[name]
            return known
        changes = self._changes
        answer = await ask()
        if not self._changing and changes == self._changes:
            self._answers[name] = answer
        return answer

    def begin_change(self) -> None:
        self._changing += 1
        self._forget()

    def end_change(self) -> None:
        self._changing -= 1
        self._forget()

    def _forget(self) -> None:
        self._changes += 1
        self._answers.clear()


class Database:
    """Open it in the process that holds the profile lock, and nowhere else."""

    def __init__(
        self,
        path: Path,
        *,
        on_full: Callable[[], bool] = lambda: False,
        refusal: EngineError | None = None,
    ) -> None:
        """Opens, and brings the schema up to date; blocks. Raises `EngineError`.

        `on_full` runs in the database thread and says whether it has made room on the disk: then
        the write is tried once more. With a `refusal` nothing is written, it is raised instead.
        """
        self._refusal = refusal
        self._kept = _Kept()
        self._writer: WorkThread | None = None
        if refusal is None:
            create_private(path)
            write = partial(_write_group, on_full=on_full)
            self._writer = WorkThread("database", lambda: _open(path), write, _GROUP)
        try:
            self._reader = WorkThread("database-reader", lambda: open_reader(path), _read_group, 1)
        except BaseException:
            if self._writer is not None:
                self._writer.close()
            raise

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` within a transaction; what it raises undoes what it did, and only that.

        `fn` runs in the database thread and must neither wait nor begin a transaction.
        Cancelling the wait does not take the write back.
        """
        if self._writer is None:
            assert self._refusal is not None
            raise EngineError(self._refusal.code, self._refusal.detail)
        return await self._writer.submit(fn)

    async def write_change(self, fn: Callable[[Connection], T]) -> T:
        """`write`, for what changes an answer that `read_kept` keeps: all of these are forgotten.

        They are asked for anew until it is on disk, also when nobody waits for it any more.
        """
        self._kept.begin_change()
        writing = asyncio.ensure_future(self.write(fn))
        writing.add_done_callback(self._changed)
        return await asyncio.shield(writing)

    def _changed(self, writing: asyncio.Future[Any]) -> None:
        self._kept.end_change()
        if not writing.cancelled():
            # Read: asyncio reports what nobody reads, and who waited may have been cancelled.
            writing.exception()

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on a connection that cannot write; all it reads is of one moment."""
        return await self._reader.submit(fn)

    async def read_kept(self, fn: Callable[[Connection], T]) -> T:
        """`read`, once until the next `write_change`: for what is asked for with each file and
        changes when somebody signs in. `fn` is a function of a module, which names the answer.
        """
        return await self._kept.answer(fn, lambda: self.read(fn))

    def close(self) -> None:
        """Finish what is queued, move the log into the database, end both threads. Blocks."""
        # The writer last: the last connection to close tidies the log away, and only it may.
        self._reader.close()
        if self._writer is not None:
            self._writer.close()


def _open(path: Path) -> Connection:
    connection = open_writer(path)
    try:
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


class _RoomMadeError(Exception):
    """The disk was full and is not any more: everything once again."""


def _write_group(
    connection: Connection, group: Sequence[Work], on_full: Callable[[], bool]
) -> None:
    try:
        _try_group(connection, group, on_full)
    except _RoomMadeError:
        with suppress(Error):
            connection.execute("ROLLBACK")
        for work in group:
            work.result = work.error = None
        _try_group(connection, group, lambda: False)


def _try_group(connection: Connection, group: Sequence[Work], on_full: Callable[[], bool]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for work in group:
            _write_one(connection, work, on_full)
        connection.execute("COMMIT")
    except Error as error:
        failure = as_engine_error(error)
        if failure.code is ErrorCode.DISK_FULL and on_full():
            raise _RoomMadeError from error
        _fail_all(connection, group, failure)
    except EngineError as error:
        _fail_all(connection, group, error)


def _write_one(connection: Connection, work: Work, on_full: Callable[[], bool]) -> None:
    connection.execute("SAVEPOINT one")
    attempt(connection, work)
    error = work.error
    if isinstance(error, EngineError) and error.code is ErrorCode.DISK_FULL and on_full():
        raise _RoomMadeError
    if not connection.in_transaction:
        # A full disk or a failed write takes the whole transaction with it.
        raise error or EngineError(ErrorCode.DATABASE_ERROR, "the transaction was lost")
    if error is not None:
        connection.execute("ROLLBACK TO one")
    connection.execute("RELEASE one")


def _fail_all(connection: Connection, group: Sequence[Work], error: EngineError) -> None:
    """Nobody's outcome counts: also a refusal may have rested on what is undone now."""
    if connection.in_transaction:
        with suppress(Error):
            connection.execute("ROLLBACK")
    for work in group:
        work.fail(error)


def _read_group(connection: Connection, group: Sequence[Work]) -> None:
    for work in group:
        try:
            connection.execute("BEGIN")
        except Error as error:
            work.fail(as_engine_error(error))
            continue
        attempt(connection, work)
        with suppress(Error):
            connection.execute("ROLLBACK")
