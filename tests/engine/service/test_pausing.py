"""The queue stands still for an hour, on battery, on a metered connection; and goes on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from exai_desktop.cli.jobs.following import Following
from exai_desktop.cli.output import Exit, Output
from exai_desktop.config.background.pause_file import PauseFile
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.machine import KeptPause, Situation
from tests.engine.accounts.test_breaker import Hurrying, write
from tests.engine.engine_kit import KIMI, Bench, open_bench, settings

S = JobState


class Told:
    """Surroundings that say what they are told to."""

    def __init__(self) -> None:
        self.situation = Situation(is_metered=False, on_battery=False)
        self.looks = 0

    def look(self) -> Situation:
        self.looks += 1
        return self.situation

    async def seen(self, clock: Hurrying) -> None:
        """Wait until what is told now is known: the look after it has begun."""
        before = self.looks
        async with asyncio.timeout(60):
            while self.looks < before + 2:
                clock.ahead_s += 16
                await asyncio.sleep(0.02)


async def added(bench: Bench, folder: Path, name: str) -> int:
    [path] = write(folder, name)
    batch = await bench.engine.queue.add([str(path)], AddOptions())
    await bench.scanned(batch)
    return (await bench.rows(batch))[0].id


async def test_a_pause_of_an_hour_ends_by_itself(tmp_path: Path) -> None:
    clock = Hurrying()
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock) as bench:
        await bench.engine.queue.pause(None, 3600)
        summary = await bench.engine.queue.summary()
        assert summary.paused
        assert summary.paused_until is not None
        assert 3590 < summary.paused_until - clock.now() <= 3600
        job = await added(bench, tmp_path, "late.txt")
        clock.ahead_s += 3500
        await asyncio.sleep(0.2)
        assert (await bench.job(job)).state is S.QUEUED
        clock.ahead_s += 101
        await bench.until_state(job, S.DONE)
        summary = await bench.engine.queue.summary()
        assert (summary.paused, summary.paused_until) == (False, None)


async def test_resume_ends_it_before_and_a_pause_without_end_replaces_it(tmp_path: Path) -> None:
    clock = Hurrying()
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock) as bench:
        await bench.engine.queue.pause(None, 3600)
        await bench.engine.queue.resume()
        await bench.until_state(await added(bench, tmp_path, "now.txt"), S.DONE)
        await bench.engine.queue.pause(None, 60)
        await bench.engine.queue.pause()
        clock.ahead_s += 7200
        job = await added(bench, tmp_path, "never.txt")
        await asyncio.sleep(0.2)
        assert (await bench.job(job)).state is S.QUEUED
        assert (await bench.engine.queue.summary()).paused_until is None


async def test_the_queue_waits_while_the_connection_is_metered(tmp_path: Path) -> None:
    clock, told = Hurrying(), Told()
    told.situation = Situation(is_metered=True, on_battery=True)
    async with open_bench(
        tmp_path,
        accounts=[KIMI],
        clock=clock,
        wanted=settings(on_metered="wait"),
        surroundings=told,
    ) as bench:
        await until_paused(bench, clock, "on a metered connection")
        job = await added(bench, tmp_path, "file.txt")
        told.situation = Situation(is_metered=False, on_battery=True)
        await until_paused(bench, clock, "")
        await bench.until_state(job, S.DONE)


async def until_paused(bench: Bench, clock: Hurrying, reason: str) -> None:
    async with asyncio.timeout(60):
        while (await bench.engine.queue.summary()).pause_reason != reason:
            clock.ahead_s += 16
            await asyncio.sleep(0.05)


async def test_the_user_overrides_the_battery_until_the_next_time(tmp_path: Path) -> None:
    clock, told = Hurrying(), Told()
    told.situation = Situation(on_battery=True)
    async with open_bench(
        tmp_path,
        accounts=[KIMI],
        clock=clock,
        wanted=settings(on_battery="wait"),
        surroundings=told,
    ) as bench:
        await until_paused(bench, clock, "on battery power")
        await bench.engine.queue.resume()
        await bench.until_state(await added(bench, tmp_path, "now.txt"), S.DONE)
        told.situation = Situation(on_battery=False)
        await told.seen(clock)
        told.situation = Situation(on_battery=True)
        await until_paused(bench, clock, "on battery power")


async def test_what_the_queue_waits_for_changes_at_once(tmp_path: Path) -> None:
    clock, told = Hurrying(), Told()
    told.situation = Situation(on_battery=True)
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock, surroundings=told) as bench:
        await bench.engine.settings.change("on_battery", "wait")
        async with asyncio.timeout(60):
            while (await bench.engine.queue.summary()).pause_reason != "on battery power":
                await asyncio.sleep(0.02)
        job = await added(bench, tmp_path, "file.txt")
        await bench.engine.settings.change("on_battery", "go")
        await bench.until_state(job, S.DONE)


async def test_a_pause_outlives_the_program_and_ends_when_it_was_to_end(tmp_path: Path) -> None:
    clock, book = Hurrying(), PauseFile(tmp_path / "pause.json")
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock, pauses=book) as bench:
        await bench.engine.queue.pause(None, 3600)
        job = await added(bench, tmp_path, "late.txt")
    clock.ahead_s += 1800
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock, pauses=book) as bench:
        summary = await bench.engine.queue.summary()
        assert summary.paused_until is not None
        assert 1700 < summary.paused_until - clock.now() <= 1800
        assert (await bench.job(job)).state is S.QUEUED
        clock.ahead_s += 1801
        await bench.until_state(job, S.DONE)
        await bench.until(lambda: book.load() is None)


async def test_a_pause_that_was_over_meanwhile_stops_nothing(tmp_path: Path) -> None:
    clock, book = Hurrying(), PauseFile(tmp_path / "pause.json")
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock, pauses=book) as bench:
        await bench.engine.queue.pause(None, 60)
        job = await added(bench, tmp_path, "late.txt")
    clock.ahead_s += 61
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock, pauses=book) as bench:
        await bench.until_state(job, S.DONE)
        # Also for a clock that is set back later.
        await bench.until(lambda: book.load() is None)


async def test_a_pause_without_end_is_kept_until_resume(tmp_path: Path) -> None:
    book = PauseFile(tmp_path / "pause.json")
    async with open_bench(tmp_path, accounts=[KIMI], pauses=book) as bench:
        await bench.engine.queue.pause()
        job = await added(bench, tmp_path, "late.txt")
    async with open_bench(tmp_path, accounts=[KIMI], pauses=book) as bench:
        assert (await bench.engine.queue.summary()).paused
        assert (await bench.job(job)).state is S.QUEUED
        await bench.engine.queue.resume()
        await bench.until_state(job, S.DONE)
    assert book.load() is None


async def test_a_clock_that_was_set_back_makes_no_pause_longer(tmp_path: Path) -> None:
    clock, book = Hurrying(), PauseFile(tmp_path / "pause.json")
    book.save(KeptPause(clock.now() + 86_400, clock.now() + 90_000))
    async with open_bench(tmp_path, accounts=[KIMI], clock=clock, pauses=book) as bench:
        until = (await bench.engine.queue.summary()).paused_until
        assert until is not None
        assert until - clock.now() <= 3600


async def test_a_disk_that_is_full_keeps_nobody_from_pausing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    book = PauseFile(tmp_path / "file" / "pause.json")
    async with open_bench(tmp_path, accounts=[KIMI], pauses=Unwritable(book)) as bench:
        await bench.engine.queue.pause()
        assert (await bench.engine.queue.summary()).paused


async def test_a_pause_is_kept_though_whoever_asked_is_gone_at_once(tmp_path: Path) -> None:
    """Pause, then Quit: the window cancels what it has asked for."""
    book = PauseFile(tmp_path / "pause.json")
    async with open_bench(tmp_path, accounts=[KIMI], pauses=book) as bench:
        asked = asyncio.create_task(bench.engine.queue.pause())
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait({asked})
    assert book.load() is not None


async def test_a_pause_that_could_not_be_written_is_written_at_the_end(tmp_path: Path) -> None:
    book = PauseFile(tmp_path / "later" / "pause.json")
    (tmp_path / "later").write_text("in the way of a folder")
    async with open_bench(tmp_path, accounts=[KIMI], pauses=Unwritable(book)) as bench:
        await bench.engine.queue.pause()
        (tmp_path / "later").unlink()
        (tmp_path / "later").mkdir()
    assert book.load() is not None


class Unwritable:
    """A book on a disk that takes nothing."""

    def __init__(self, book: PauseFile) -> None:
        self._book = book

    def load(self) -> KeptPause | None:
        return None

    def save(self, pause: KeptPause | None) -> None:
        self._book.save(pause)


async def test_who_follows_files_does_not_wait_for_the_end_of_a_pause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that a timer starts would stand for days, and hold the profile."""
    book = PauseFile(tmp_path / "pause.json")
    paths = [str(path) for path in write(tmp_path, "a.txt", "b.txt")]
    async with open_bench(tmp_path, accounts=[KIMI], pauses=book) as bench:
        await bench.engine.queue.pause()
        following = Following(paths, AddOptions(), Output(as_json=True))
        async with asyncio.timeout(60):
            await following.run(bench.engine)
        assert following.exit is Exit.SOME_FAILED
        assert following.summary() == "0 of 2 files are uploaded. Queued: 2."
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [row["error"]["code"] for row in rows] == ["QUEUE_PAUSED"] * 2
        # A pause that is over in a moment is waited for.
        await bench.engine.queue.pause(None, 1)
        following = Following(paths, AddOptions(), Output(as_json=True))
        async with asyncio.timeout(60):
            await following.run(bench.engine)
        assert following.exit is Exit.OK
