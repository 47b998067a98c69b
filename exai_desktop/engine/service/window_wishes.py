"""What other processes ask of the window: to come to the front, and to add files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import EventBus, WindowWanted, WindowWish

# A window takes them within a tenth of a second, if nothing is wrong with it.
TAKEN_WITHIN_S: Final = 10.0


class _Open(NamedTuple):
    wish: WindowWish
    taken: asyncio.Future[None]


class WindowWishes:
    """Meets `core.window.WindowService`. A wish waits here, also for a window that is not through
    with its start: an event alone would pass before anybody listens."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._open: list[_Open] = []

    async def show(self, paths: Sequence[str] = (), token: str = "") -> None:
        taken = asyncio.get_running_loop().create_future()
        wished = _Open(WindowWish(tuple(paths), token), taken)
        self._open.append(wished)
        self._bus.publish(WindowWanted())
        try:
            # Whoever asks for the window alone has lost nothing if it stays where it is.
            async with asyncio.timeout(TAKEN_WITHIN_S if paths else 0.0):
                await taken
        except TimeoutError:
            if paths and wished in self._open:
                # Not later either: its files are added by whoever was told that they were not.
                self._open.remove(wished)
                raise EngineError(ErrorCode.WINDOW_NOT_ANSWERING) from None
        except asyncio.CancelledError:
            if wished in self._open:
                self._open.remove(wished)
            raise

    async def wishes(self) -> list[WindowWish]:
        found, self._open = self._open, []
        for wished in found:
            if not wished.taken.done():
                wished.taken.set_result(None)
        return [wished.wish for wished in found]
