"""Two clocks: the true one, which the providers have, and that of the user's machine."""

from __future__ import annotations

import asyncio

# What the true clock says when a history begins.
EPOCH = 1_800_000_000.0


class MachineClock:
    """Meets `core.machine.Clock`; `off_s` is how wrong it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.off_s = 0.0

    def true_time(self) -> float:
        return EPOCH + self._loop.time()

    def now(self) -> float:
        return self.true_time() + self.off_s

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
