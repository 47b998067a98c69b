"""After a recovery nothing is lost and nothing is sent twice in silence."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState, RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.events import ProblemRaised
from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView
from exai_desktop.engine.waiting import SystemClock
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider
from tests.own_time import OwnTime

from .damaged_profile import NAME, uploaded

S = JobState
LONG_AGO = 400_000.0


class ShiftedClock(SystemClock):
    """The machine's clock, set wrong."""

    def __init__(self, by_s: float) -> None:
        self._by_s = by_s

    def now(self) -> float:
        return super().now() + self._by_s


def lose_database(folder: Path, *, snapshots: bool) -> None:
    for file in folder.glob(f"{NAME}*"):
        file.unlink()
    if not snapshots:
        for file in (folder / "snapshots").glob("*.db"):
            file.unlink()


def only_once(provider: ScriptedProvider) -> None:
    assert set(Counter(provider.bodies.values()).values()) <= {1}


def told(bench: Bench) -> list[str]:
    return [e.error.code for e in bench.events if isinstance(e, ProblemRaised)]


async def compared(bench: Bench) -> None:
    """Until the lists are on record."""
    assert bench.parts.record.recovery is not None
    while await bench.parts.record.recovery.not_compared("kimi", "file-extract") is not None:
        await bench.parts.clock.sleep(0.01)


@pytest.mark.parametrize("off_by_s", [0.0, 86_400.0, -86_400.0])
@pytest.mark.parametrize("wait", [False, True])
async def test_what_was_sent_after_the_snapshot_is_found_by_its_list(
    tmp_path: Path, off_by_s: float, wait: bool
) -> None:
    provider = ScriptedProvider()
    clock = ShiftedClock(off_by_s)
    paths = await uploaded(tmp_path, "early", 4, provider, clock)
    async with open_bench(tmp_path, providers={"kimi": provider}, clock=clock) as bench:
        paths += [tmp_path / f"late {number}.txt" for number in range(4)]
        for path in paths[4:]:
            path.write_bytes(path.name.encode() * 9)
        await bench.upload(*paths[4:])
    lose_database(tmp_path, snapshots=True)
    # By a clock that was put right meanwhile.
    for later in (tmp_path / "snapshots").glob("000002-*"):
        later.unlink()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        assert told(bench) == [ErrorCode.DATABASE_RECOVERED]
        assert len(await bench.rows()) == 4
        if wait:
            await compared(bench)
        again = await bench.upload(*paths)
        assert [job.state for job in again] == [S.DUPLICATE] * 4 + [S.DONE] * 4
        ids = {provider.files[job.file_id or ""].name: job.name for job in again}
        assert all(remote == name for remote, name in ids.items())
    assert len(provider.uploads) == 8
    only_once(provider)


async def test_from_an_empty_disk_all_remote_files_are_known_again(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    paths = await uploaded(tmp_path, "file", 12, provider)
    lose_database(tmp_path, snapshots=False)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        assert told(bench) == [ErrorCode.DATABASE_REBUILT]
        await compared(bench)
        copies = await bench.parts.record.copies.of_account("kimi")
        assert {copy.remote_id for copy in copies} == set(provider.files)
        assert {copy.state for copy in copies} == {CopyState.FOREIGN}
        again = await bench.upload(*paths)
        assert {job.state for job in again} == {S.DONE}
        copies = await bench.parts.record.copies.of_account("kimi")
        assert {copy.state for copy in copies} == {CopyState.PRESENT}
        # And from then on it is a record like any other.
        assert {job.state for job in await bench.upload(*paths)} == {S.DUPLICATE}
    assert len(provider.uploads) == 12


async def _snapshot_with_waiting(folder: Path, provider: ScriptedProvider) -> list[Path]:
    """A snapshot that shows two files as waiting; then they are sent, and the rest is lost."""
    paths = [folder / f"open {number}.txt" for number in range(2)]
    for path in paths:
        path.write_bytes(path.name.encode() * 7)
    async with open_bench(folder, providers={"kimi": provider}) as bench:
        bench.parts.accounts.pause(True)
        batch = await bench.engine.queue.add([str(path) for path in paths], AddOptions())
        await bench.until(lambda: len(bench.parts.accounts.lane("kimi") or ()) == 2)
        assert bench.opened.snapshots is not None
        bench.opened.snapshots.take(time.time())
        bench.parts.accounts.pause(False)
        await bench.finished(batch)
    lose_database(folder, snapshots=True)
    return paths


async def test_waiting_in_the_snapshot_but_sent_since_is_not_sent_again(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    await _snapshot_with_waiting(tmp_path, provider)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        for job in await bench.rows():
            done = await bench.until_state(job.id, S.DONE)
            assert done.name == provider.files[done.file_id or ""].name
    assert len(provider.uploads) == 2


async def test_while_the_list_cannot_be_had_nothing_is_sent(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    await _snapshot_with_waiting(tmp_path, provider)
    provider.list_fault = TransferError(ErrorCode.OFFLINE)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        for job in await bench.rows():
            await bench.until_state(job.id, S.UNCERTAIN)
    # Also not by the next run, which finds them uncertain.
    provider.list_fault = None
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        for job in await bench.rows():
            await bench.until_state(job.id, S.DONE)
    assert len(provider.uploads) == 2


async def test_a_provider_without_a_list_leaves_it_to_the_user(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    await _snapshot_with_waiting(tmp_path, provider)
    provider.list_fault = TransferError(ErrorCode.NOT_SUPPORTED, status=404)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        [first, second] = await bench.rows()
        await bench.until_state(first.id, S.NEEDS_REVIEW)
        await bench.until_state(second.id, S.NEEDS_REVIEW)
        await bench.engine.queue.settle(first.id, None)
        assert (await bench.until_state(first.id, S.DONE)).attempts == 2
    assert len(provider.uploads) == 3


async def test_same_name_and_size_but_other_content_is_for_the_user(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    (folder := tmp_path / "a").mkdir()
    path = folder / "scan.txt"
    path.write_bytes(b"Monday")
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await bench.upload(path)
    lose_database(tmp_path, snapshots=False)
    path.write_bytes(b"Friday")
    later = time.time() + LONG_AGO
    os.utime(path, (later, later))
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await compared(bench)
        [job] = await bench.upload(path)
        assert job.state is S.NEEDS_REVIEW
        assert len(provider.uploads) == 1
        await bench.engine.queue.settle(job.id, None)
        await bench.until_state(job.id, S.DONE)
        # Asked once: tomorrow's scan goes its way.
        path.write_bytes(b"Sunday")
        os.utime(path, (later + 9, later + 9))
        [job] = await bench.upload(path)
        assert job.state is S.DONE
    assert sorted(provider.bodies.values()) == [b"Friday", b"Monday", b"Sunday"]


async def _review(bench: Bench, batch: int) -> JobView:
    """The one job that waits for the user."""
    async with asyncio.timeout(60):
        while True:
            found = [job for job in await bench.rows(batch) if job.state is S.NEEDS_REVIEW]
            if found:
                [only] = found
                return only
            await asyncio.sleep(0.01)


async def test_two_look_alikes_are_for_the_user(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    paths = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        paths.append(tmp_path / name / "scan.txt")
        paths[-1].write_bytes(name.encode() * 6)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await bench.upload(paths[1])
    lose_database(tmp_path, snapshots=False)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await compared(bench)
        batch = await bench.engine.queue.add([str(path) for path in paths], AddOptions())
        await bench.scanned(batch)
        asked = await _review(bench, batch)
        # One of them, whichever came first; the other waits for what the user says of it.
        assert provider.uploads == ["scan.txt"]
        theirs = asked.path == str(paths[1])
        await bench.engine.queue.settle(asked.id, "file-0001" if theirs else None)
        if not theirs:
            await bench.engine.queue.settle((await _review(bench, batch)).id, "file-0001")
        for job in await bench.rows(batch):
            await bench.until_state(job.id, S.DONE)
    assert sorted(provider.bodies.values()) == [b"aaaaaa", b"bbbbbb"]


async def test_a_foreign_file_can_be_chosen_by_the_user(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    path = tmp_path / "scan.txt"
    path.write_bytes(b"Monday")
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await bench.upload(path)
    lose_database(tmp_path, snapshots=False)
    later = time.time() + LONG_AGO
    os.utime(path, (later, later))
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await compared(bench)
        [job] = await bench.upload(path)
        await bench.engine.queue.settle(job.id, "file-0001")
        assert (await bench.job(job.id)).state is S.DONE
    assert len(provider.uploads) == 1


async def test_old_foreign_files_hold_nothing_up(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    await uploaded(tmp_path, "early", 1, provider)
    created = time.time() - LONG_AGO
    provider.files["old"] = RemoteFile("old", "new.txt", 5, created, "file-extract")
    (tmp_path / "new.txt").write_bytes(b"12345")
    lose_database(tmp_path, snapshots=True)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await compared(bench)
        [job] = await bench.upload(tmp_path / "new.txt")
        assert (job.state, job.attempts) == (S.DONE, 1)


async def test_what_the_provider_has_lost_is_not_believed_to_be_there(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    [path] = await uploaded(tmp_path, "early", 1, provider)
    provider.files.clear()
    provider.bodies.clear()
    lose_database(tmp_path, snapshots=True)
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await compared(bench)
        [copy] = await bench.parts.record.copies.of_account("kimi")
        assert copy.state is CopyState.MISSING
        [job] = await bench.upload(path)
        assert job.state is S.DONE
    assert len(provider.files) == 1


async def test_a_thousand_files_are_known_again_within_seconds(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    await uploaded(tmp_path, "first", 1, provider)
    now = time.time()
    for number in range(1_000):
        name = f"remote {number}.txt"
        provider.files[name] = RemoteFile(name, name, number, now, "file-extract")
    lose_database(tmp_path, snapshots=False)
    own = OwnTime()
    async with open_bench(tmp_path, providers={"kimi": provider}) as bench:
        await compared(bench)
        took = own.seconds()
        assert len(await bench.parts.record.copies.of_account("kimi")) == 1_001
    print(f"1,001 files known again after {took:.2f} s")
    assert took < 20
