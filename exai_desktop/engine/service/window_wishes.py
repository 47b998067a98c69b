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
    seen: asyncio.Future[None]
    # Only of one with files.
    answer: asyncio.Future[bool]


class WindowWishes:
    """Meets `core.events.WindowService`. A wish waits here, also for a window that is not through
    with its start: an event alone would pass before anybody listens."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._open: list[_Open] = []
        self._in_hand: list[_Open] = []

    async def show(self, paths: Sequence[str] = (), token: str = "") -> None:
        loop = asyncio.get_running_loop()
        wish = WindowWish(tuple(paths), token)
        wished = _Open(wish, loop.create_future(), loop.create_future())
        self._open.append(wished)
        self._bus.publish(WindowWanted())
        try:
            # Whoever asks for the window alone has lost nothing if it stays where it is.
            async with asyncio.timeout(TAKEN_WITHIN_S if paths else 0.0):
                await wished.seen
        except TimeoutError:
            if paths and wished in self._open:
                # Not later either: its files are added by whoever was told that they were not.
                self._open.remove(wished)
                raise EngineError(ErrorCode.WINDOW_NOT_ANSWERING) from None
        except asyncio.CancelledError:
            if wished in self._open:
                self._open.remove(wished)
            raise
        # From here on the window is at work on it: a limit would tell of files that are added yet
        # that they were not. If the program ends first, whoever asks sees its connection break.
        if paths and not await wished.answer:
            raise EngineError(ErrorCode.WINDOW_NOT_ANSWERING)

    async def wishes(self) -> list[WindowWish]:
        found, self._open = self._open, []
        self._in_hand = [w for w in self._in_hand if not w.answer.done()]
        self._in_hand += [wished for wished in found if wished.wish.paths]
        for wished in found:
            if not wished.seen.done():
                wished.seen.set_result(None)
        return [wished.wish for wished in found]

    async def answer(self, wish: WindowWish, *, is_taken: bool) -> None:
        # Of two that are equal it does not matter which one is meant.
        for wished in self._in_hand:
            if wished.wish == wish and not wished.answer.done():
                wished.answer.set_result(is_taken)
                return
