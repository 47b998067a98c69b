"""Waiting for something new or for a moment, whichever comes first."""

from __future__ import annotations

import asyncio

from exai_desktop.core.ports import Clock


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
