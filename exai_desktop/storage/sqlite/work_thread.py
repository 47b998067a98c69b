"""A thread that owns one connection and carries out, in order, what the event loop hands it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.sqlite.driver import Connection, Error, as_engine_error

log = logging.getLogger(__name__)

T = TypeVar("T")


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
