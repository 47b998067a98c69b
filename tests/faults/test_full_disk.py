"""A full disk, a limit of the system, a newer schema: a clean state, and it goes on by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.engine.scheduling import lanes
from exai_desktop.engine.scheduling.lanes import DiskGuard
from exai_desktop.storage.sqlite.driver import Connection
from exai_desktop.storage.user_profile.opening import open_profile, refuse_network_folder
from exai_desktop.storage.user_profile.reserved_space import ReservedSpace
from tests.e2e.processes import eventually
from tests.e2e.program import Program
from tests.e2e.server import Server
from tests.engine.engine_kit import Bench, open_bench
from tests.engine.fake_clock import FakeClock
from tests.engine.scripted_provider import ScriptedProvider

MIB = 1024 * 1024

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")


def _mounted(folder: Path, size_mib: int) -> Iterator[Path]:
    if os.geteuid() != 0:
        # Never a skip: what happens on a full disk is a promise.
        pytest.fail("run these tests as root: they mount a small file system", pytrace=False)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=700", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MiB."""
    yield from _mounted(tmp_path / "small", 40)


@pytest.fixture
def disk(profile_home: Path) -> Iterator[Path]:
    """The profile on a file system of its own, large enough to work on."""
    yield from _mounted(profile_home, 320)


def fill(folder: Path) -> Path:
    """Take all that is left, to the last block."""
    target = folder / "full"
    with target.open("ab", buffering=0) as file:
        for size in (MIB, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return target


def put(row: tuple[bytes, str, str, int], connection: Connection) -> None:
    connection.execute("INSERT INTO fingerprints VALUES (?, ?, ?, ?)", row)


def is_held(bench: Bench) -> bool:
    return bench.parts.guard.problem is not None


@linux_only
async def test_the_reserved_space_lets_the_state_be_written(small_disk: Path) -> None:
    opened = open_profile(small_disk / "test.db", lambda: 1.0, write_file)
    try:
        opened.reserved_space.hold()
        fill(small_disk)
        for number in range(40):
            row = (str(number).encode(), "", "x" * 20_000, 0)
            await opened.database.write(
                lambda c, row=row: (
                    c.execute("INSERT INTO fingerprints VALUES (?, ?, ?, ?)", row)  # type: ignore[misc]
                    and None
                )
            )
        assert not opened.reserved_space.is_held()
        count = await opened.database.read(
            lambda c: c.execute("SELECT count(*) FROM fingerprints").fetchone()[0]
        )
        assert count == 40
    finally:
        opened.close()


@linux_only
async def test_without_room_for_anything_it_says_so_and_works_again_later(small_disk: Path) -> None:
    opened = open_profile(small_disk / "test.db", lambda: 1.0, write_file)
    try:
        opened.reserved_space.release()
        full = fill(small_disk)
        big = (b"big", "", "x" * 9 * MIB, 0)
        with pytest.raises(EngineError) as caught:
            await opened.database.write(partial(put, big))
        assert caught.value.code is ErrorCode.DISK_FULL
        with pytest.raises(EngineError):
            await asyncio.to_thread(opened.snapshots.take, 1.0)
        full.unlink()
        await opened.database.write(partial(put, big))
        assert opened.reserved_space.hold()
    finally:
        opened.close()


@linux_only
async def test_the_engine_holds_new_work_and_goes_on_by_itself(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LOOK_EVERY_S", 0.1)
    provider = ScriptedProvider(block_s=0.01)
    paths = [tmp_path / f"{number:03}.txt" for number in range(60)]
    for path in paths:
        path.write_bytes(os.urandom(50).hex().encode())
    async with open_bench(small_disk, providers={"kimi": provider}) as bench:
        # The usual threshold is more than this disk has.
        bench.parts.guard._low = MIB
        await bench.parts.guard.look()
        batch = await bench.engine.queue.add([str(path) for path in paths], AddOptions())
        await bench.until(lambda: len(provider.files) >= 5)
        full = fill(small_disk)
        async with asyncio.timeout(60):
            while not is_held(bench):
                await asyncio.sleep(0.01)
        stuck = await _standing_still(bench, provider)
        assert stuck < len(paths)
        await asyncio.sleep(0.5)
        assert len(provider.files) == stuck
        full.unlink()
        await bench.finished(batch)
        rows = await bench.rows(batch)
        assert {job.state for job in rows} == {JobState.DONE}
        assert not is_held(bench)
        assert bench.opened.reserved_space is not None
        assert bench.opened.reserved_space.is_held()
    assert set(Counter(provider.bodies.values()).values()) == {1}


async def _standing_still(bench: Bench, provider: ScriptedProvider) -> int:
    """How many files there are once what was under way has ended."""
    async with asyncio.timeout(60):
        while bench.parts.in_hand.runs or not is_held(bench):
            await asyncio.sleep(0.01)
    return len(provider.files)


class Meter:
    """A disk with a pointer that the test sets."""

    size = 16 * MIB

    def __init__(self) -> None:
        self.free = 1_000 * MIB
        self.total = 100_000 * MIB
        self.held = True

    def free_bytes(self) -> int:
        return self.free

    def total_bytes(self) -> int:
        return self.total

    def is_held(self) -> bool:
        return self.held

    def hold(self) -> bool:
        self.held = True
        return True

    def release(self) -> bool:
        self.held = False
        return True

    def watch(self, on_release: Callable[[], None]) -> None:
        pass


async def test_thresholds_and_what_is_said() -> None:
    meter, said, resumed = Meter(), [], []

    async def resume() -> None:
        resumed.append(1)

    def announce(problem: AppError | None) -> None:
        said.append(problem.code if problem else None)

    guard = DiskGuard(meter, FakeClock(), announce, resume, 256 * MIB)
    await guard.look()
    meter.free = 255 * MIB
    await guard.look()
    await guard.look()
    assert said == [ErrorCode.DISK_LOW]
    meter.release()
    await guard.look()
    meter.free = 256 * MIB
    await guard.look()
    assert said == [ErrorCode.DISK_LOW, ErrorCode.DISK_FULL]
    meter.free = 272 * MIB
    await guard.look()
    assert said[-1] is None
    assert meter.held
    assert not resumed
    assert guard.failed(EngineError(ErrorCode.DATABASE_ERROR))
    assert not guard.failed(EngineError(ErrorCode.UNKNOWN_JOB))
    await guard.look()
    assert resumed == [1]
    assert said[-2:] == [ErrorCode.DATABASE_ERROR, None]


@linux_only
def test_the_program_on_a_disk_that_fills_up(
    disk: Path, program: Program, sandbox: Server, tmp_path: Path
) -> None:
    sandbox.settings(answer_delay_s=0.3)
    program.add_account(sandbox, in_flight=2)
    (tmp_path / "files").mkdir()
    paths = [tmp_path / "files" / f"{number}.txt" for number in range(60)]
    for path in paths:
        path.write_bytes(os.urandom(200).hex().encode())
    process = program.start("upload", "--json", *paths)
    assert eventually(lambda: len(sandbox.stored()) >= 3)
    full = fill(disk)
    stuck = -1
    while stuck != (stuck := len(sandbox.stored())):
        time.sleep(2)
    assert stuck < len(paths)
    time.sleep(0.7)
    assert len(sandbox.stored()) == stuck
    full.unlink()
    ended = program.finish(process).expect(0)
    assert "DISK_FULL" in ended.err
    assert len(ended.rows) == len(paths)
    assert set(Counter(file["sha256"] for file in sandbox.stored()).values()) == {1}
    assert len(sandbox.stored()) == len(paths)


@linux_only
def test_a_limit_on_file_sizes_is_lifted_again(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    sandbox.settings(answer_delay_s=0.3)
    program.add_account(sandbox, in_flight=4)
    (tmp_path / "files").mkdir()
    paths = [tmp_path / "files" / f"{number}.txt" for number in range(60)]
    for path in paths:
        path.write_bytes(os.urandom(200).hex().encode())
    process = program.start("upload", "--json", *paths)
    assert eventually(lambda: len(sandbox.stored()) >= 2)
    hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (64 * 1024, hard))
    time.sleep(1.5)
    assert process.poll() is None, "it ended at a write that failed"
    assert len(sandbox.stored()) < len(paths)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    ended = program.finish(process).expect(0)
    assert "DATABASE_ERROR" in ended.err
    assert set(Counter(file["sha256"] for file in sandbox.stored()).values()) == {1}
    assert len(sandbox.stored()) == len(paths)


def test_a_newer_schema_is_read_and_never_written(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    path = tmp_path / "one.txt"
    path.write_text("one")
    program.add_account(sandbox)
    [row] = program.upload(path).expect(0).rows
    database = program.home / "exai-desktop.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('exai_desktop', 'from the future', 'now')"
        )
        connection.execute("CREATE TABLE future (a INTEGER) STRICT")
        connection.commit()
    before = database.read_bytes()
    listed = program.run("list", "--json").expect(0)
    assert [job["file_id"] for job in listed.rows] == [row["file_id"]]
    assert "newer version" in listed.err
    assert program.run("show", str(row["id"]), "--json").expect(0).row["state"] == "done"
    path.write_text("another")
    for verb in (("upload", path), ("delete", str(row["id"]))):
        refused = program.run(*verb).expect(1)
        assert "DATABASE_ERROR" in refused.err
        assert "newer version" in refused.err
    assert database.read_bytes() == before
    assert len(sandbox.stored()) == 1


@pytest.mark.parametrize(
    ("kind", "is_refused"), [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("ext4", False)]
)
def test_network_folders_are_refused_with_a_way_on(
    tmp_path: Path, kind: str, is_refused: bool
) -> None:
    home = tmp_path / "my home"
    home.mkdir()
    place = str(home.resolve()).replace(" ", r"\040")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nserver:/x {place} {kind} rw 0 0\nbad\n")
    if not is_refused:
        refuse_network_folder(home, mounts)
        return
    with pytest.raises(EngineError, match="EXAI_DESKTOP_HOME"):
        refuse_network_folder(home / "profile", mounts)
    refuse_network_folder(tmp_path, mounts)
    refuse_network_folder(home, tmp_path / "no such list")


def test_reserved_space(tmp_path: Path) -> None:
    reserved = ReservedSpace(tmp_path, MIB)
    assert not reserved.is_held()
    assert reserved.hold()
    assert reserved.hold()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= MIB
    assert reserved.release()
    assert not reserved.release()
    shutil.rmtree(tmp_path)
    assert not reserved.hold()
