"""What a second start asks of the window."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import WindowWanted, WindowWish
from exai_desktop.engine.ipc import client as ipc_client
from exai_desktop.engine.ipc import server as ipc
from exai_desktop.engine.service import window_wishes
from tests.engine.engine_kit import open_bench


async def test_files_are_handed_over_once_and_the_giver_waits_for_it(tmp_path: Path) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench, ipc.serve(bench.engine, address):
        service = await ipc_client.connect(address, 5)
        given = asyncio.create_task(service.window.show(["/a/1.pdf", "/a/2\udcff.pdf"], "token"))
        await bench.until(lambda: any(isinstance(e, WindowWanted) for e in bench.events))
        assert not given.done()
        taken = await bench.engine.window.wishes()
        assert taken == [WindowWish(("/a/1.pdf", "/a/2\udcff.pdf"), "token")]
        assert not given.done(), "the window has seen it, and has not taken it yet"
        await bench.engine.window.answer(taken[0], is_taken=True)
        await given
        assert await bench.engine.window.wishes() == []


async def test_files_that_the_window_could_not_add_are_told(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        given = asyncio.create_task(bench.engine.window.show(["/a"]))
        await asyncio.sleep(0)
        [wish] = await bench.engine.window.wishes()
        await bench.engine.window.answer(wish, is_taken=False)
        with pytest.raises(AppError) as caught:
            await given
        assert caught.value.code is ErrorCode.WINDOW_NOT_ANSWERING


async def test_files_in_the_hands_of_a_window_that_ends_are_not_told_as_taken(
    tmp_path: Path,
) -> None:
    address = tmp_path / "s"
    async with open_bench(tmp_path) as bench:
        async with ipc.serve(bench.engine, address):
            service = await ipc_client.connect(address, 5)
            given = asyncio.create_task(service.window.show(["/a"]))
            await bench.until(lambda: any(isinstance(e, WindowWanted) for e in bench.events))
            assert await bench.engine.window.wishes() == [WindowWish(("/a",))]
        await asyncio.wait({given})
        assert given.exception() is not None


async def test_a_wish_waits_for_a_window_that_does_not_listen_yet(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.engine.window.show()
        given = asyncio.create_task(bench.engine.window.show(["/a"]))
        await asyncio.sleep(0)
        assert await bench.engine.window.wishes() == [WindowWish(), WindowWish(("/a",))]
        await bench.engine.window.answer(WindowWish(("/a",)), is_taken=True)
        await given


async def test_files_that_no_window_takes_are_told_and_not_added_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_wishes, "TAKEN_WITHIN_S", 0.05)
    async with open_bench(tmp_path) as bench:
        with pytest.raises(AppError) as caught:
            await bench.engine.window.show(["/a"])
        assert caught.value.code is ErrorCode.WINDOW_NOT_ANSWERING
        assert await bench.engine.window.wishes() == []


async def test_a_giver_that_goes_away_takes_its_files_with_it(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        given = asyncio.create_task(bench.engine.window.show(["/a"]))
        await asyncio.sleep(0)
        given.cancel()
        await asyncio.wait({given})
        assert await bench.engine.window.wishes() == []
