"""Small files pass through states without a write for each; the record tells all of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exai_desktop.core.events import JobChanged
from exai_desktop.core.files.files import SMALL, FileOnDisk, ScanResult, ScanVerdict
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.engine.files import open_file
from exai_desktop.storage.database import Database
from exai_desktop.storage.sqlite.driver import Connection
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import BLOCK, ScriptedProvider
from tests.engine.service.test_mirroring import _Link
from tests.engine.upload.test_one_id import OneId

S = JobState
WAY = [S.QUEUED, S.CHECKING, S.HASHING, S.WAITING, S.SENDING, S.CONFIRMING, S.DONE]


def small(folder: Path, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_text(f"some words of {name}\n")
    return path


def announced(bench: Bench, job_id: int) -> list[JobState]:
    states = [e.job.state for e in bench.events if isinstance(e, JobChanged) and e.job.id == job_id]
    return [new for old, new in zip([None, *states], states, strict=False) if old is not new]


def on_disk(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "engine.db")) as database:
        [(state,)] = database.execute("SELECT state FROM jobs").fetchall()
        return str(state)


async def test_all_states_are_announced_and_recorded(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(small(tmp_path))
        detail = await bench.engine.queue.job(job.id)
        assert [entry.new for entry in detail.history] == WAY
        assert [entry.at for entry in detail.history] == sorted(e.at for e in detail.history)
        assert announced(bench, job.id) == WAY[1:]
        rows = [row for row in await bench.engine.audit.rows(0, 100) if row.job_id == job.id]
        assert [row.action for row in rows] == ["job.sending", "job.confirming", "job.done"]


class Patient:
    """A scanner that takes its time."""

    def __init__(self) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def describe(self) -> str:
        return "a patient one"

    async def scan(self, _file: FileOnDisk) -> ScanResult:
        self.begun.set()
        await self.go.wait()
        return ScanResult(ScanVerdict.CLEAN)


async def test_the_disk_says_where_it_goes_on_and_the_list_how_far_it_is(tmp_path: Path) -> None:
    scanner = Patient()
    async with open_bench(tmp_path, scanner=scanner) as bench:
        await bench.engine.queue.add([str(small(tmp_path))], AddOptions())
        await scanner.begun.wait()
        [job] = await bench.rows()
        assert (on_disk(tmp_path), job.state) == ("queued", S.CHECKING)
        await bench.engine.queue.pause([job.id])
        [job] = await bench.rows()
        assert (on_disk(tmp_path), job.state) == ("held", S.HELD)
        scanner.go.set()
        await bench.engine.queue.resume([job.id])
        assert (await bench.until_state(job.id, S.DONE)).attempts == 1


async def test_a_refusal_tells_the_way_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"MZ" + bytes(200))
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        history = (await bench.engine.queue.job(job.id)).history
        assert job.state is S.REFUSED
        assert [entry.new for entry in history] == [S.QUEUED, S.CHECKING, S.REFUSED]


async def test_an_id_that_is_another_files_stays_in_the_record(tmp_path: Path) -> None:
    async with open_bench(tmp_path, providers={"kimi": OneId()}) as bench:
        [_first] = await bench.upload(small(tmp_path))
        [second] = await bench.upload(small(tmp_path, "b.txt"))
        history = (await bench.engine.queue.job(second.id)).history
        assert [entry.new for entry in history] == [*WAY[:-1], S.FAILED]
        rows = [row for row in await bench.engine.audit.rows(0, 100) if row.job_id == second.id]
        stored = next(row for row in rows if row.action == "job.confirming")
        assert (stored.remote_id, stored.error_code) == ("file-0001", None)


@pytest.mark.parametrize("size", [2_000, SMALL])
async def test_a_small_file_is_read_once_before_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    calls: list[int] = []
    read_at = open_file.RegularFile._read_at

    def counted(self: open_file.RegularFile, offset: int, size: int) -> bytes:
        calls.append(size)
        return read_at(self, offset, size)

    monkeypatch.setattr(open_file.RegularFile, "_read_at", counted)
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * size)
    provider = ScriptedProvider()
    provider.go.clear()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        batch = await bench.engine.queue.add([str(path)], AddOptions())
        await provider.begun.wait()
        # The second time is the sending.
        assert calls[0] == size and calls[1:] in ([], [open_file.PIECE], [BLOCK])
        provider.go.set()
        await bench.finished(batch)


async def test_the_record_is_asked_little_for_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice for the job, twice for a copy of its content; the rest is for all files together."""
    reads = 0
    read = Database.read

    async def counted(self: Database, fn: Callable[[Connection], object]) -> object:
        nonlocal reads
        reads += 1
        return await read(self, fn)

    async with open_bench(tmp_path, link=_Link()) as bench:
        await bench.upload(small(tmp_path))
        paths = [small(tmp_path, f"{number}.txt") for number in range(20)]
        monkeypatch.setattr(Database, "read", counted)
        jobs = await bench.upload(*paths)
        monkeypatch.undo()
        assert {job.state for job in jobs} == {S.DONE}
    assert 4 * len(paths) <= reads < 6 * len(paths)


async def test_a_job_that_is_followed_is_told_as_it_was_written(tmp_path: Path) -> None:
    async with open_bench(tmp_path, scanner=(scanner := Patient())) as bench:
        await bench.engine.queue.add([str(small(tmp_path))], AddOptions())
        await scanner.begun.wait()
        [job] = await bench.rows()
        await bench.engine.queue.pause([job.id])
        [job] = await bench.rows()
        scheduler = bench.parts.scheduler
        with scheduler.followed(job.id) as written:
            assert written() is None
            moved = await scheduler.move(job, S.CANCELLED)
            assert written() == moved
            with pytest.raises(StaleJobError):
                await scheduler.move(job, S.CANCELLED)
            assert written() is None  # whoever wants to know asks the record
        assert written() is None
