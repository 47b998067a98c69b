"""Connections that nobody has used for some minutes are closed, those of earlier keys too."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exai_desktop.core.copies.provider import KeepsConnections
from exai_desktop.engine.background.idle_connections import EVERY_S, IdleConnections
from exai_desktop.engine.waiting import SystemClock
from exai_desktop.providers.files_api import FilesApiProvider
from tests.engine.engine_kit import KIMI, open_bench
from tests.engine.fake_clock import FakeClock
from tests.engine.scripted_provider import ScriptedProvider


class Connected(ScriptedProvider):
    """Meets `KeepsConnections`."""

    looks = 0
    fault: OSError | None = None

    async def close_unused(self) -> None:
        self.looks += 1
        if self.fault is not None:
            raise self.fault


class QuickLooks(SystemClock):
    """The minutes between two looks pass at once."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(0.01 if seconds == EVERY_S else seconds)


def _file(folder: Path) -> Path:
    path = folder / "a.txt"
    path.write_text("some words\n")
    return path


async def test_the_engine_looks_again_and_again(tmp_path: Path) -> None:
    provider = Connected()
    async with open_bench(
        tmp_path, providers={"kimi": provider}, accounts=(KIMI,), clock=QuickLooks()
    ) as bench:
        await bench.upload(_file(tmp_path))
        await bench.until(lambda: provider.looks >= 3)
    assert issubclass(FilesApiProvider, KeepsConnections)


async def test_a_look_is_made_after_some_minutes_and_survives_a_fault(tmp_path: Path) -> None:
    provider, clock = Connected(), FakeClock()
    async with open_bench(tmp_path, providers={"kimi": provider}, accounts=(KIMI,)) as bench:
        await bench.upload(_file(tmp_path))
        accounts = bench.parts.accounts
        looking = asyncio.create_task(IdleConnections(accounts, clock).run())
        await clock.advance(EVERY_S - 1)
        assert provider.looks == 0
        provider.fault = OSError("already gone")
        await clock.advance(1)
        assert provider.looks == 1
        provider.fault = None
        accounts.change(KIMI)  # its client is that of an earlier key now
        await clock.advance(EVERY_S)
        assert provider.looks == 2
        looking.cancel()
