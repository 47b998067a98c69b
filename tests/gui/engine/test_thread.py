"""The engine's thread ends in order, also while the engine is still starting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from exai_desktop.gui.engine.thread import EngineStoppedError, EngineThread

LONG_S = 60.0


class Start:
    """An engine that waits at its start for what does not come."""

    def __init__(self) -> None:
        self.is_begun = threading.Event()
        self.has_tidied_up = False

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        self.is_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            self.has_tidied_up = True
        yield None


def listen(_event: object) -> None:
    """Nobody does."""


async def test_a_start_is_broken_off_in_order() -> None:
    start = Start()
    thread = EngineThread(start, listen)
    starting = asyncio.create_task(thread.start())
    assert await asyncio.to_thread(start.is_begun.wait, LONG_S)
    assert await thread.stop(LONG_S)
    assert not thread.is_alive
    assert start.has_tidied_up
    with pytest.raises(EngineStoppedError):
        await starting


async def test_a_thread_that_has_hardly_begun_starts_no_engine() -> None:
    start = Start()
    thread = EngineThread(start, listen)
    starting = asyncio.create_task(thread.start())
    await asyncio.sleep(0)
    assert await thread.stop(LONG_S)
    assert not thread.is_alive
    assert start.has_tidied_up is start.is_begun.is_set()
    with pytest.raises(EngineStoppedError):
        await starting
