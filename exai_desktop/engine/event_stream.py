"""A stream of events that can be closed before its first one was read; a generator cannot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Self

from exai_desktop.core.events import Event


class EventStream:
    """`read` waits for the next event and raises StopAsyncIteration at the end."""

    def __init__(self, read: Callable[[], Awaitable[Event]], close: Callable[[], None]) -> None:
        self._read = read
        self._close: Callable[[], None] | None = close

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await self._read()

    async def aclose(self) -> None:
        """May be called twice."""
        if self._close is not None:
            self._close()
            self._close = None
