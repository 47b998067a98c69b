"""The profile's database without threads: real tables and transactions, on a disk that fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.database import Database, _Kept, _read_group, _write_group
from exai_desktop.storage.migrations.migrate import migrate
from exai_desktop.storage.sqlite.driver import Connection, Work

from .faults import PowerCut

T = TypeVar("T")

# A write waits for the disk, then its answer for the loop: between the two the process may end.
_COMMIT_S = 0.001
_ANSWER_S = 0.001
_READ_S = 0.0005
_RESERVED_WRITES = 20
_MIB = 1024 * 1024


@cache
def _template() -> bytes:
    with closing(_connect()) as connection:
        migrate(connection, Path("nowhere"))
        return connection.serialize()


def _connect() -> Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


class ProfileDisk:
    """What outlives a process: the database and the room on its disk. Meets `core.machine.Disk`."""

    size = 16 * _MIB

    def __init__(self) -> None:
        self.connection = _connect()
        self.connection.deserialize(_template())
        self.is_full = False
        # So many writes fail, whatever room there is.
        self.failing = 0
        self._held = True
        self._room = 0
        self._on_release: Callable[[], None] = lambda: None

    def exchange(self, database: bytes) -> None:
        """Another file takes the place of this one; no process has it open."""
        self.connection.close()
        self.connection = _connect()
        self.connection.deserialize(database)

    def free_bytes(self) -> int:
        return 0 if self.is_full else 1024 * _MIB

    def total_bytes(self) -> int:
        return 1024 * 1024 * _MIB

    def is_held(self) -> bool:
        return self._held

    def hold(self) -> bool:
        self._held = self._held or not self.is_full
        return self._held

    def release(self) -> bool:
        was_held, self._held = self._held, False
        if was_held:
            self._room = _RESERVED_WRITES
            self._on_release()
        return was_held

    def watch(self, on_release: Callable[[], None]) -> None:
        self._on_release = on_release

    def write(self, group: Sequence[Work]) -> None:
        if self.failing:
            self.failing -= 1
            return _fail(group, EngineError(ErrorCode.DATABASE_ERROR, "SQLITE_IOERR: simulated"))
        if self.is_full and not self._room and not self.release():
            return _fail(group, EngineError(ErrorCode.DISK_FULL, "SQLITE_FULL: simulated"))
        self._room = max(0, self._room - 1)
        return _write_group(self.connection, group, lambda: False)

    def close(self) -> None:
        self.connection.close()


def _fail(group: Sequence[Work], error: EngineError) -> None:
    for work in group:
        work.fail(error)


class SimulatedDatabase(Database):
    """One process's way to the disk."""

    def __init__(self, disk: ProfileDisk) -> None:
        self._disk = disk
        self._kept = _Kept()
        self._loop = asyncio.get_running_loop()
        self._writes: deque[Work] = deque()
        self._reads: deque[Work] = deque()
        self._open: dict[asyncio.Future[Any], None] = {}
        self._is_writing = False
        self._is_dead = False

    async def write(self, fn: Callable[[Connection], T]) -> T:
        work = self._work(fn)
        self._writes.append(work)
        self._next_group()
        result: T = await work.future
        return result

    async def read(self, fn: Callable[[Connection], T]) -> T:
        work = self._work(fn)
        self._reads.append(work)
        self._loop.call_later(_READ_S, self._read_next)
        result: T = await work.future
        return result

    def _work(self, fn: Callable[[Connection], Any]) -> Work:
        if self._is_dead:
            raise PowerCut
        work = Work(fn, self._loop, self._loop.create_future())
        self._open[work.future] = None
        return work

    def _next_group(self) -> None:
        if self._writes and not self._is_writing:
            self._is_writing = True
            self._loop.call_later(_COMMIT_S, self._commit)

    def _commit(self) -> None:
        if self._is_dead:
            return
        group = list(self._writes)
        self._writes.clear()
        self._disk.write(group)
        self._is_writing = False
        self._next_group()
        self._loop.call_later(_ANSWER_S, self._answer, group)

    def _read_next(self) -> None:
        if self._is_dead:
            return
        group = [self._reads.popleft()]
        _read_group(self._disk.connection, group)
        self._answer(group)

    def _answer(self, group: Sequence[Work]) -> None:
        for work in group:
            self._open.pop(work.future, None)
            if work.future.done():
                continue
            if work.error is not None:
                work.future.set_exception(work.error)
            else:
                work.future.set_result(work.result)

    def die(self) -> None:
        """From now on nothing reaches the disk and nobody gets an answer."""
        self._is_dead = True
        for future in self._open:
            if not future.done():
                future.set_exception(PowerCut())
        self._open.clear()

    def close(self) -> None:
        self._is_dead = True
