"""What an earlier run left behind, in every state it can be left in."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.jobs.jobs import AddOptions, Attempt, JobState, JobView, NewJob
from exai_desktop.core.jobs.store import JobChanges, Move
from exai_desktop.engine.reconciliation.restart import AT_ONCE
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.jobs import SqliteJobStore
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState

CONTENT = b"what an earlier run was at"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = [S.CHECKING, S.HASHING, S.WAITING, S.SENDING, S.CONFIRMING]


async def leave_behind(folder: Path, state: JobState) -> tuple[Path, int]:
    """A database as a killed program leaves it: one job, stopped in `state`."""
    path = folder / "left.txt"
    path.write_bytes(CONTENT)
    info = path.stat()
    database = Database(folder / "engine.db")
    store = SqliteJobStore(database)
    now = time.time()
    batch_id = await store.add_batch(AddOptions(), (), now)
    [job] = await store.add_jobs(batch_id, [NewJob(str(path), len(CONTENT))], now)
    for new in PATH:
        if job.state is state:
            break
        job = await store.apply(_step(job, new, now, (info.st_mtime_ns, info.st_dev, info.st_ino)))
    database.close()
    assert job.state is state
    return path, job.id


def _step(job: JobView, new: JobState, now: float, identity: tuple[int, int, int]) -> Move:
    changes = JobChanges()
    attempt = None
    if new is S.HASHING:
        mtime_ns, device, inode = identity
        changes = JobChanges(mtime_ns=mtime_ns, device=device, inode=inode)
    elif new is S.WAITING:
        changes = JobChanges(
            provider="kimi",
            account="kimi",
            purpose="file-extract",
            sha256=SHA256,
            sent_name="left.txt",
        )
    elif new is S.SENDING:
        changes = JobChanges(attempts=1, transport="http")
        attempt = Attempt(1, "http", "left.txt", len(CONTENT), SHA256, now)
    elif new is S.CONFIRMING:
        changes = JobChanges(file_id="stored")
    return Move(job.id, job.state, new, now, changes=changes, attempt=attempt)


def stored() -> ScriptedProvider:
    """A provider that had stored the file before the program died."""
    remote = RemoteFile("stored", "left.txt", len(CONTENT), time.time(), "file-extract")
    return ScriptedProvider(files={"stored": remote}, bodies={"stored": CONTENT})


async def settled(bench: Bench, job_id: int) -> JobView:
    return await bench.until_state(job_id, S.DONE)


@pytest.mark.parametrize("state", [S.QUEUED, S.CHECKING, S.HASHING, S.WAITING])
async def test_what_had_not_begun_to_leave_is_sent_once(tmp_path: Path, state: JobState) -> None:
    _, job_id = await leave_behind(tmp_path, state)
    async with open_bench(tmp_path) as bench:
        await settled(bench, job_id)
        assert bench.providers["kimi"].uploads == ["left.txt"]


async def test_sending_that_had_arrived_is_adopted_not_sent_again(tmp_path: Path) -> None:
    _, job_id = await leave_behind(tmp_path, S.SENDING)
    provider = stored()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job = await settled(bench, job_id)
        detail = await bench.engine.queue.job(job_id)
    assert job.file_id == "stored"
    assert provider.uploads == []
    assert [a.outcome for a in detail.attempts] == ["interrupted"]
    assert detail.copy is not None


async def test_sending_that_had_not_arrived_is_sent_after_two_looks(tmp_path: Path) -> None:
    _, job_id = await leave_behind(tmp_path, S.SENDING)
    async with open_bench(tmp_path) as bench:
        job = await settled(bench, job_id)
        assert bench.providers["kimi"].uploads == ["left.txt"]
    assert job.attempts == 2


async def test_confirming_goes_on_with_the_id_it_has(tmp_path: Path) -> None:
    _, job_id = await leave_behind(tmp_path, S.CONFIRMING)
    provider = stored()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        job = await settled(bench, job_id)
    assert job.file_id == "stored"
    assert provider.uploads == []


async def test_a_twin_dropped_after_the_restart_waits_for_the_answer(tmp_path: Path) -> None:
    path, job_id = await leave_behind(tmp_path, S.SENDING)
    provider = stored()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [again] = await bench.upload(path)
        assert (again.state, again.file_id) == (S.DUPLICATE, "stored")
        assert (await bench.job(job_id)).state is S.DONE
    assert provider.uploads == []


async def test_a_long_line_is_taken_up_behind_and_each_file_once(tmp_path: Path) -> None:
    count = 2 * AT_ONCE + 50
    database = Database(tmp_path / "engine.db")
    store, now = SqliteJobStore(database), time.time()
    batch_id = await store.add_batch(AddOptions(), (), now)
    absent = [NewJob(str(tmp_path / f"absent-{n}.txt"), 1) for n in range(count)]
    jobs = await store.add_jobs(batch_id, absent, now)
    database.close()
    async with open_bench(tmp_path) as bench:
        assert 0 < len(bench.parts.scheduler.prepare) <= AT_ONCE
        last = jobs[-1].id
        # The record knows of it, whether or not it stands in a lane.
        assert (await bench.engine.queue.summary()).total == count
        assert await bench.engine.queue.cancel([last]) == [last]
        for job in jobs[:-1]:
            await bench.until_state(job.id, S.REFUSED, S.FAILED)
        assert len(bench.parts.scheduler.prepare) == 0
        assert (await bench.job(last)).state is S.CANCELLED
        for job in (jobs[0], jobs[AT_ONCE], jobs[-2]):
            history = (await bench.engine.queue.job(job.id)).history
            assert [entry.new for entry in history].count(S.CHECKING) == 1


async def test_the_start_reads_no_more_of_a_longer_line(tmp_path: Path) -> None:
    read: dict[int, int] = {}
    for count in (AT_ONCE + 1, 6 * AT_ONCE):
        folder = tmp_path / str(count)
        folder.mkdir()
        database = Database(folder / "engine.db")
        store, now = SqliteJobStore(database), time.time()
        batch_id = await store.add_batch(AddOptions(), (), now)
        await store.add_jobs(batch_id, [NewJob(f"/absent/{n}.txt", 1) for n in range(count)], now)
        database.close()
        async with open_bench(folder) as bench:
            read[count] = len(bench.parts.scheduler.prepare)
    assert set(read.values()) == {AT_ONCE}


async def test_quitting_in_the_middle_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    paths = []
    for n in range(5):
        paths.append(tmp_path / f"{n}.txt")
        paths[-1].write_bytes(b"%d" % n * 200_000)
    provider = ScriptedProvider()
    provider.go.clear()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        batch_id = await bench.engine.queue.add([str(p) for p in paths], AddOptions())
        await bench.scanned(batch_id)
        await provider.begun.wait()
    provider.go.set()
    assert not provider.files
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        for job in await bench.rows(batch_id):
            await settled(bench, job.id)
    assert sorted(provider.bodies.values()) == [b"%d" % n * 200_000 for n in range(5)]


async def test_confirming_without_a_network_is_never_taken_for_missing(tmp_path: Path) -> None:
    """A file that is stored must not be failed, and then sent again, because nobody could ask."""
    _, job_id = await leave_behind(tmp_path, S.CONFIRMING)
    provider = _Unreachable(files=stored().files, bodies=stored().bodies)
    async with open_bench(
        tmp_path, providers={"kimi": provider}, wanted=settings(confirm_timeout_s=0.1)
    ) as bench:
        await asyncio.sleep(1.0)
        assert (await bench.job(job_id)).state is S.CONFIRMING
        assert await bench.engine.queue.cancel([job_id]) == []
        provider.reachable = True
        job = await settled(bench, job_id)
    assert job.file_id == "stored"
    assert provider.uploads == []


class _Unreachable(ScriptedProvider):
    reachable = False

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        if not self.reachable:
            raise TransferError(ErrorCode.OFFLINE)
        return await super().find(file_id, purpose)
