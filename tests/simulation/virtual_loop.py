"""An event loop without threads and sockets, whose time passes when there is nothing to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

# Far more than any chain of callbacks of ours at one moment.
_MOST_ROUNDS = 50_000

# How long a reader thread is at it; everything else it does is short.
_READING_S = {"hash_file": 0.3, "inspect": 0.05}
_SHORT_S = 0.002


class VirtualLoop(asyncio.BaseEventLoop):
    """Deterministic: what is due at one moment runs in the order in which it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 0.0
        self._rounds = 0
        self._clock_resolution = 1e-7
        self._selector = self
        self._in_threads: dict[asyncio.TimerHandle, None] = {}

    def time(self) -> float:
        return self._virtual_s

    def select(self, timeout: float | None) -> list[object]:
        """Where a real loop waits for the network."""
        if timeout is None:
            raise AssertionError("everybody waits and nothing will ever happen")
        self._rounds = 0 if timeout else self._rounds + 1
        if self._rounds > _MOST_ROUNDS:
            raise AssertionError("a task never waits: the loop does not come to rest")
        self._virtual_s += timeout
        return []

    def _process_events(self, _: list[object]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run_in_executor(
        self, _: object, call: Callable[..., Any], *args: object
    ) -> asyncio.Future[Any]:
        """A thread that is at it for a while. It ends even when nobody waits for it any more."""
        future: asyncio.Future[Any] = self.create_future()
        delay_s = _READING_S.get(getattr(call, "__name__", ""), _SHORT_S)

        def run() -> None:
            del self._in_threads[handle]
            try:
                result = call(*args)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        handle = self.call_later(delay_s, run)
        self._in_threads[handle] = None
        return future

    def end_threads(self) -> None:
        """What the end of a process does to its threads."""
        for handle in self._in_threads:
            handle.cancel()
        self._in_threads.clear()
