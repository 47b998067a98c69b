"""A network drive that hangs stops neither other folders nor uploads."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.jobs.watched_folders import WatchOptions, WatchState
from exai_desktop.engine.files import open_file
from tests.engine.engine_kit import KIMI, QUICK_PACE, Bench, open_bench, settings

QUICK = WatchOptions(settle_s=0.1)
SHORT = replace(QUICK_PACE, answer_s=0.3)


class HangingDrive:
    """What the system is asked about below `folder` has no answer until it is back."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.is_back = threading.Event()
        self.is_back.set()
        for name in ("stat", "open", "scandir"):
            patch.setattr(os, name, self._slow(getattr(os, name)))

    def _slow(self, call: Any) -> Any:
        def ask(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(str(self.folder)):
                assert self.is_back.wait(120)
            return call(path, *args, **kwargs)

        return ask


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingDrive]:
    folder = tmp_path / "drive"
    folder.mkdir()
    drive = HangingDrive(folder, monkeypatch)
    yield drive
    drive.is_back.set()


def profile(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    folder.mkdir()
    return folder


async def until_state(bench: Bench, which: str, state: WatchState) -> None:
    async with asyncio.timeout(60):
        while (await bench.engine.watched.one(which)).state is not state:
            await asyncio.sleep(0.02)


async def test_a_folder_that_does_not_answer_is_told_and_stops_no_other(
    tmp_path: Path, drive: HangingDrive
) -> None:
    local = tmp_path / "local"
    local.mkdir()
    async with open_bench(profile(tmp_path), accounts=[KIMI], pace=SHORT) as bench:
        watched = bench.engine.watched
        assert await watched.begin()
        for number in (1, 2, 3):
            place = drive.folder / str(number)
            place.mkdir()
            await watched.add(str(place), QUICK)
            await until_state(bench, str(number), WatchState.WATCHING)
        await watched.add(str(local), QUICK)
        drive.is_back.clear()
        for number in (1, 2, 3):
            await until_state(bench, str(number), WatchState.NOT_ANSWERING)
        assert (await watched.one("1")).words == "Not answering"
        (local / "a.txt").write_text("the words of a file that can be read")
        async with asyncio.timeout(60):
            while (await watched.one("4")).counts.done != 1:
                await asyncio.sleep(0.02)
        # Neither does it keep the user from ending it, and nothing waits without end for it.
        assert (await watched.pause("2")).state is WatchState.PAUSED
        await watched.remove("3")
        with pytest.raises(AppError) as told:
            await watched.skipped("1")
        assert told.value.code is ErrorCode.WATCH_FOLDER_UNUSABLE
        assert "does not answer" in told.value.detail
        drive.is_back.set()
        await until_state(bench, "1", WatchState.WATCHING)


async def test_the_program_ends_though_a_watched_folder_hangs(
    tmp_path: Path, drive: HangingDrive
) -> None:
    async with asyncio.timeout(60):
        async with open_bench(profile(tmp_path), accounts=[KIMI], pace=SHORT) as bench:
            assert await bench.engine.watched.begin()
            await bench.engine.watched.add(str(drive.folder), QUICK)
            await until_state(bench, "1", WatchState.WATCHING)
            drive.is_back.clear()
            await until_state(bench, "1", WatchState.NOT_ANSWERING)
    assert not drive.is_back.is_set()


async def test_files_that_hang_stop_no_file_of_another_drive(
    tmp_path: Path, drive: HangingDrive
) -> None:
    """As many as there are readers."""
    for name in ("a.txt", "b.txt"):
        (drive.folder / name).write_text(f"the words of {name}")
    good = tmp_path / "good.txt"
    good.write_text("the words of a file that can be read")
    async with open_bench(profile(tmp_path), accounts=[KIMI]) as bench:
        await bench.engine.queue.pause()
        batch = await bench.engine.queue.add([str(drive.folder)], AddOptions())
        await bench.scanned(batch)
        hanging = [row.id for row in await bench.rows(batch)]
        drive.is_back.clear()
        await bench.engine.queue.resume()
        batch = await bench.engine.queue.add([str(good)], AddOptions())
        await bench.scanned(batch)
        await bench.until_state((await bench.rows(batch))[0].id, JobState.DONE)
        assert [(await bench.job(job)).state for job in hanging] == [JobState.CHECKING] * 2
        drive.is_back.set()
        for job in hanging:
            await bench.until_state(job, JobState.DONE)


async def test_a_folder_that_hangs_takes_no_more_places(
    tmp_path: Path, drive: HangingDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More files than are prepared at the same time; each of them is sent when it is back."""
    monkeypatch.setattr(open_file, "OPENED_WITHIN_S", 0.5)
    wanted = settings(max_attempts=10)
    for number in range(12):
        (drive.folder / f"{number}.txt").write_text(f"the words of {number}")
    good = tmp_path / "good.txt"
    good.write_text("the words of a file that can be read")
    async with open_bench(profile(tmp_path), accounts=[KIMI], wanted=wanted) as bench:
        await bench.engine.queue.pause()
        batch = await bench.engine.queue.add([str(drive.folder)], AddOptions())
        await bench.scanned(batch)
        hanging = [row.id for row in await bench.rows(batch)]
        drive.is_back.clear()
        await bench.engine.queue.resume()
        other = await bench.engine.queue.add([str(good)], AddOptions())
        await bench.scanned(other)
        await bench.until_state((await bench.rows(other))[0].id, JobState.DONE)
        waiting = await bench.rows(batch)
        assert all(row.state in (JobState.QUEUED, JobState.CHECKING) for row in waiting)
        errors = {row.error.code for row in waiting if row.error is not None}
        assert errors == {ErrorCode.READ_FAILED}
        drive.is_back.set()
        for job in hanging:
            await bench.until_state(job, JobState.DONE)
