"""Time and waiting in the engine's loop, and the threads for what blocks."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from exai_desktop.core.machine import Clock

log = logging.getLogger(__name__)


class Wakeup:
    """One waiter. Call `clear` before looking at what there is, then `wait`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    async def wait(self, seconds: float | None) -> None:
        """Until `set`, or for at most `seconds` (None: without end)."""
        if seconds is None:
            await self._event.wait()
            return
        waits = {
            asyncio.ensure_future(self._event.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


T = TypeVar("T")
P = ParamSpec("P")

# A call that has not returned for so long does not keep others from being made.
SILENT_S: Final = 10.0
# So many silent calls at once.
MOST_SILENT: Final = 16


async def uninterrupted(coroutine: Coroutine[object, object, T]) -> T:
    """`core.machine.RunToEnd`: the one way to finish what must not be cut by a cancel."""
    task = asyncio.ensure_future(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        # Read it here: an error that nobody reads is reported by asyncio as a fault of ours.
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.info("it failed after its caller was cancelled: %s", type(error).__name__)
        raise


class Readers:
    """The threads that read files and whatever else blocks."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def read(self, call: Callable[..., T], *args: object) -> T:
        """Run a blocking call in one of them, to its end even when cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, call, *args)


class _Worker(threading.Thread):
    """`since`: when its present call began, or last showed that it goes on; None: it has none."""

    since: float | None = None


def goes_on() -> None:
    """From a long call in one of `GrowingThreads`: the drive answers."""
    thread = threading.current_thread()
    if isinstance(thread, _Worker):
        thread.since = time.monotonic()


class GrowingThreads(Executor):
    """So many threads, and one more for each call that is silent, within bounds.

    A drive that hangs blocks a thread for as long as it hangs; nothing can end such a thread.
    The program does not wait for it at its end.
    """

    def __init__(
        self, threads: int, name: str, *, silent_s: float = SILENT_S, most_silent: int = MOST_SILENT
    ) -> None:
        self._usual = threads
        self._name = name
        self._silent_s = silent_s
        self._most_silent = most_silent
        self._state = threading.Condition()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._workers: set[_Worker] = set()
        self._idle = 0
        self._watcher: threading.Thread | None = None
        self._is_shut = False
        self._ending = threading.Event()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._state:
            if self._is_shut:
                raise RuntimeError("the threads have ended")
            self._calls.append((future, partial(fn, *args, **kwargs)))
            if self._idle >= len(self._calls):
                self._state.notify()
            elif not self._begin_worker() and self._watcher is None:
                name = f"{self._name}-watch"
                self._watcher = threading.Thread(target=self._watch, name=name, daemon=True)
                self._watcher.start()
        return future

    def _begin_worker(self) -> bool:
        """Whether there is one more now."""
        silent = self._silent()
        if len(self._workers) - min(silent, self._most_silent) >= self._usual:
            return False
        worker = _Worker(target=self._work, name=f"{self._name}_{len(self._workers)}", daemon=True)
        self._workers.add(worker)
        worker.start()
        return True

    def _silent(self) -> int:
        now = time.monotonic()
        begun = [worker.since for worker in self._workers if worker.since is not None]
        return sum(now - since >= self._silent_s for since in begun)

    def _watch(self) -> None:
        """While calls wait: nobody else sees that all threads are silent."""
        while True:
            self._ending.wait(self._silent_s / 4)
            with self._state:
                if self._is_shut:
                    return  # `shutdown` waits for this thread
                if not self._calls:
                    self._watcher = None
                    return
                if self._begin_worker():
                    log.warning("%s: a drive does not answer; another thread begins", self._name)

    def _work(self) -> None:
        me = threading.current_thread()
        assert isinstance(me, _Worker)
        while (taken := self._take(me)) is not None:
            future, call = taken
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del taken, future, call

    def _take(self, me: _Worker) -> tuple[Future[Any], Callable[[], Any]] | None:
        """The next call; None: it is to end."""
        with self._state:
            me.since = None
            while not self._calls:
                if self._is_shut or len(self._workers) - self._silent() > self._usual:
                    self._workers.discard(me)
                    return None
                self._idle += 1
                self._state.wait()
                self._idle -= 1
            me.since = time.monotonic()
            return self._calls.popleft()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """`wait`: for all calls but the silent ones; those behind them are not made any more."""
        with self._state:
            self._is_shut = True
            dropped = list(self._calls) if cancel_futures else []
            if cancel_futures:
                self._calls.clear()
            self._state.notify_all()
        self._ending.set()
        if (watcher := self._watcher) is not None:
            watcher.join()
        for worker in list(self._workers) if wait else []:
            while worker.is_alive() and not self._is_silent(worker):
                worker.join(self._silent_s / 4)
        with self._state:
            if wait:
                dropped += self._calls
                self._calls.clear()
        for future, _ in dropped:
            future.cancel()

    def _is_silent(self, worker: _Worker) -> bool:
        since = worker.since
        return since is not None and time.monotonic() - since >= self._silent_s
