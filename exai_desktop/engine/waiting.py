"""Time and waiting in the engine's loop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import TypeVar

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
