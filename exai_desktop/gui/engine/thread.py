"""The engine's own thread with a plain asyncio loop. No Qt in here, no engine objects outside."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from exai_desktop.core.events import Event
from exai_desktop.core.service import Events, UploadService

log = logging.getLogger(__name__)

EngineFactory = Callable[[], AbstractAsyncContextManager[UploadService]]
Listener = Callable[[Event], None]
Order = Callable[[UploadService], Coroutine[Any, Any, Any]]

T = TypeVar("T")

# The window must get the interpreter back quickly while the engine hashes and sends.
_SWITCH_INTERVAL_S = 0.001
_NICENESS = 5


class EngineStoppedError(Exception):
    """The engine was asked for something when it was not running."""


class EngineThread:
    """Runs one engine from `start` to `stop`. Methods are called from the window's thread.

    `listener` is called in the engine's thread with every event and must only note it.
    """

    def __init__(self, factory: EngineFactory, listener: Listener) -> None:
        self._factory = factory
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_unwanted = False
        # The task in which the engine starts; None: it is there.
        self._starting: asyncio.Task[None] | None = None
        self._service: UploadService | None = None
        self._window_loop: asyncio.AbstractEventLoop | None = None
        self._started: asyncio.Future[None] | None = None
        self._ended: asyncio.Future[None] | None = None

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    async def start(self) -> None:
        """Return when the engine answers; raise what kept it from starting."""
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self._window_loop = asyncio.get_running_loop()
        self._started = self._window_loop.create_future()
        self._ended = self._window_loop.create_future()
        self._thread.start()
        await asyncio.shield(self._started)

    async def submit(self, order: Callable[[UploadService], Coroutine[Any, Any, T]]) -> T:
        """Carry out an order in the engine's loop; cancelling the wait cancels the order."""
        loop, service = self._loop, self._service
        if loop is None or service is None or loop.is_closed():
            raise EngineStoppedError
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(order(service), loop))

    async def stop(self, deadline_s: float) -> bool:
        """Settle and end, also while it is still starting; False when the engine took longer (it
        ends with the program)."""
        self._is_unwanted = True
        if self._ended is None:
            return True
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # its loop has just closed by itself
                self._loop.call_soon_threadsafe(self._end)
        done, _ = await asyncio.wait([self._ended], timeout=deadline_s)
        if done:
            # The last callback of the thread came from inside it: it ends within microseconds.
            self._thread.join(0.5)
        return bool(done)

    def _run(self) -> None:
        _lower_priority()
        error: BaseException | None = None
        try:
            asyncio.run(self._serve())
        except asyncio.CancelledError:
            log.info("the engine was stopped before it had started")
        except Exception as caught:  # reported to whoever awaits `start`
            log.exception("the engine ended with an error")
            error = caught
        self._service = None
        self._tell(self._started, error or EngineStoppedError())
        self._tell(self._ended, None)

    def _end(self) -> None:
        """In the engine's loop. A start may wait long: for the keyring, for a command to end."""
        assert self._stop is not None
        self._stop.set()
        if self._starting is not None:
            self._starting.cancel()

    async def _serve(self) -> None:
        self._starting = asyncio.current_task()
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._is_unwanted:
            return
        async with self._factory() as service:
            self._starting = None
            self._service = service
            # Begun before anybody can give an order, so that no event is missed.
            events = await service.events()
            forwarding = asyncio.create_task(self._forward(events))
            try:
                self._tell(self._started, None)
                await self._stop.wait()
            finally:
                # First no more orders, then the engine's own end, still heard by the window.
                self._service = None
                forwarding.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await forwarding

    async def _forward(self, events: Events) -> None:
        async for event in events:
            self._listener(event)

    def _tell(self, future: asyncio.Future[None] | None, error: BaseException | None) -> None:
        """Settle a future of the window's loop from the engine's thread."""
        loop = self._window_loop
        if future is None or loop is None or loop.is_closed():
            return

        def settle() -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        with contextlib.suppress(RuntimeError):  # the window's loop is gone: nobody waits
            loop.call_soon_threadsafe(settle)


def _lower_priority() -> None:
    """Let the window's thread go first where the system knows priorities of threads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
