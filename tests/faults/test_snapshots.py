"""Snapshots: verified, few, in time, and never half a one."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import EventBus, JobChanged
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.engine.background.snapshots import AFTER_UPLOADS, HOUR_S, SnapshotTask
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations import migrate
from exai_desktop.storage.user_profile.opening import open_profile
from exai_desktop.storage.user_profile.snapshots import Snapshot, SnapshotFolder, superseded, verify
from tests.engine.fake_clock import FakeClock
from tests.own_time import OwnTime

NOW = 1_800_000_000.0
DAY_S = 86_400.0
ROWS_A_MIB = 1_300


def fill(path: Path, mib: int) -> None:
    """A database of about this size."""
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO fingerprints VALUES (?, '', ?, 0)",
            ((os.urandom(16), os.urandom(250).hex()) for _ in range(mib * ROWS_A_MIB)),
        )
        connection.execute(
            "INSERT INTO batches (id, created_at, origin, allow_fallback) VALUES (1, 0, 'cli', 0)"
        )
        connection.commit()


def test_a_snapshot_is_private_whole_and_named_by_number_time_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    Database(path).close()
    folder = SnapshotFolder(tmp_path / "snapshots", path)
    assert folder.age_s(NOW) is None
    folder.take(NOW)
    [snapshot] = folder.newest_first()
    assert snapshot.path.name.startswith("000001-20270115T080000Z-")
    verify(snapshot.path)
    if os.name != "nt":
        assert stat.S_IMODE(snapshot.path.stat().st_mode) == 0o600
    assert not folder.is_changed()
    assert len(list(snapshot.path.parent.iterdir())) == 1


def test_what_cannot_be_copied_leaves_the_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    Database(path).close()
    folder = SnapshotFolder(tmp_path / "snapshots", path)
    folder.take(NOW)
    path.write_bytes(b"nonsense" * 1_000)
    with pytest.raises(EngineError) as caught:
        folder.take(NOW)
    assert caught.value.code is ErrorCode.DATABASE_ERROR
    assert [snapshot.number for snapshot in folder.newest_first()] == [1]


def test_a_day_by_the_hour_and_a_week_by_the_day_are_kept() -> None:
    taken = [
        Snapshot(Path(str(number)), number, f"day {number // 24:02}", "")
        for number in range(24 * 20)
    ]
    newest_first = taken[::-1]
    old = {snapshot.number for snapshot in superseded(newest_first)}
    kept = [snapshot.number for snapshot in newest_first if snapshot.number not in old]
    assert kept[:24] == list(range(479, 455, -1))
    assert kept[24:] == [455, 431, 407, 383, 359, 335, 311]


class Shelf:
    """Snapshots that only count."""

    def __init__(self) -> None:
        self.taken = 0
        self.changed = True
        self.fails = False
        self.age: float | None = None

    def age_s(self, now: float) -> float | None:
        return self.age

    def is_changed(self) -> bool:
        return self.changed

    def take(self, now: float) -> None:
        if self.fails:
            raise EngineError(ErrorCode.DISK_FULL)
        self.taken += 1


async def _soon(shelf: Shelf, taken: int) -> None:
    async with asyncio.timeout(60):
        while shelf.taken < taken:
            await asyncio.sleep(0.001)


async def _asleep(clock: FakeClock) -> None:
    async with asyncio.timeout(60):
        while not clock.sleeping:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("jump_s", [0.0, DAY_S, -DAY_S])
async def test_every_hour_whatever_the_clock_says(jump_s: float) -> None:
    clock, shelf, bus = FakeClock(), Shelf(), EventBus()
    task = asyncio.create_task(SnapshotTask(shelf, clock, bus).run())
    for hour in range(1, 4):
        await _asleep(clock)
        clock._wall_start += jump_s
        await clock.advance(HOUR_S - 60)
        assert shelf.taken == hour - 1
        await clock.advance(61)
        await _soon(shelf, hour)
    shelf.changed = False
    await _asleep(clock)
    await clock.advance(HOUR_S + 1)
    await _asleep(clock)
    assert shelf.taken == 3
    task.cancel()


async def test_after_many_uploads_and_again_after_a_failure() -> None:
    clock, shelf, bus = FakeClock(), Shelf(), EventBus()
    task = asyncio.create_task(SnapshotTask(shelf, clock, bus).run())
    await _asleep(clock)
    for number in range(AFTER_UPLOADS):
        bus.publish(JobChanged(JobView(number, 1, "a", "a", JobState.DONE, 1, 0.0, 0.0)))
    await _soon(shelf, 1)
    shelf.fails = True
    await _asleep(clock)
    await clock.advance(HOUR_S + 1)
    await _asleep(clock)
    shelf.fails = False
    await clock.advance(601)
    await _soon(shelf, 2)
    task.cancel()


async def test_at_the_end_of_a_run_when_the_last_is_old() -> None:
    shelf, bus = Shelf(), EventBus()
    await SnapshotTask(shelf, FakeClock(), bus).finish()
    shelf.age = HOUR_S - 1
    await SnapshotTask(shelf, FakeClock(), bus).finish()
    assert shelf.taken == 1


async def test_the_writer_never_waits_long_for_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    fill(path, 20)
    database = Database(path)
    folder = SnapshotFolder(tmp_path / "snapshots", path)
    began = time.perf_counter()
    taking = asyncio.create_task(asyncio.to_thread(folder.take, NOW))
    longest = 0.0
    while not taking.done():
        own = OwnTime()
        await database.write(
            lambda c: c.execute("UPDATE batches SET created_at = created_at + 1").rowcount
        )
        longest = max(longest, own.seconds())
    took = time.perf_counter() - began
    await taking
    database.close()
    size = path.stat().st_size / 1024**2
    print(f"{size:.0f} MiB in {took * 1000:.0f} ms; longest write {longest * 1000:.0f} ms")
    assert longest < 0.5


TAKER = """
import sys
from pathlib import Path
from exai_desktop.storage.user_profile.snapshots import SnapshotFolder
path = Path(sys.argv[1])
folder = SnapshotFolder(path.parent / "snapshots", path)
print("ready", flush=True)
while True:
    folder.take(1_800_000_000.0)
"""

MIGRATOR = """
import sys
from pathlib import Path
from exai_desktop.config.atomic_write import write_file
from exai_desktop.storage.user_profile.opening import open_profile
print("ready", flush=True)
open_profile(Path(sys.argv[1]), lambda: 1_800_000_000.0, write_file).close()
"""


def kill_after(script: str, path: Path, seconds: float) -> None:
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_killed_while_a_snapshot_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    fill(path, 4)
    dice = random.Random(20261123)
    folder = SnapshotFolder(tmp_path / "snapshots", path)
    for _ in range(6):
        kill_after(TAKER, path, dice.uniform(0.0, 0.15))
        for snapshot in folder.newest_first():
            verify(snapshot.path)
    folder.take(NOW)
    assert not list((tmp_path / "snapshots").glob("unfinished-*"))
    assert folder.copy_newest(tmp_path / "copy") is not None


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_killed_in_a_migration_the_schema_is_old_or_new(tmp_path: Path) -> None:
    dice = random.Random(20261123)
    steps = [name for name, _ in migrate.STEPS]
    seen = set()
    for number in range(8):
        path = tmp_path / str(number) / "test.db"
        path.parent.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(migrate, "STEPS", migrate.STEPS[:1])
            fill(path, 2)
        kill_after(MIGRATOR, path, dice.uniform(0.02, 0.3))
        with closing(sqlite3.connect(path)) as connection:
            found = migrate.applied(connection)
            assert found == steps[: len(found)]
            seen.add(len(found))
            rows = connection.execute("SELECT count(*) FROM fingerprints").fetchone()
            assert rows == (2 * ROWS_A_MIB,)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        opened = open_profile(path, lambda: NOW, write_file)
        assert opened.problems == ()
        opened.close()
        with closing(sqlite3.connect(path)) as connection:
            assert migrate.applied(connection) == steps
    print(f"steps found after the kills: {sorted(seen)}")
