"""A profile with a record that is known by heart, to be damaged in copies of it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.jobs.jobs import JobQuery, JobState, JobView
from exai_desktop.engine.waiting import SystemClock
from exai_desktop.storage.record.jobs import SqliteJobStore
from exai_desktop.storage.user_profile.opening import Opened, open_profile
from tests.engine.engine_kit import open_bench
from tests.engine.scripted_provider import ScriptedProvider

NAME = "engine.db"
NOW = 1_800_000_000.0

# What a job says when it says *done*.
Truth = dict[int, tuple[str | None, ...]]


def truth_of(jobs: Sequence[JobView]) -> Truth:
    return {job.id: _said(job) for job in jobs if job.state is JobState.DONE}


def _said(job: JobView) -> tuple[str | None, ...]:
    return (job.account, job.purpose, job.sha256, job.file_id, str(job.size))


async def uploaded(
    folder: Path,
    name: str,
    count: int,
    provider: ScriptedProvider,
    clock: SystemClock | None = None,
) -> list[Path]:
    """Upload `count` new files of this name; where they are."""
    paths = []
    for number in range(count):
        paths.append(folder / f"{name} {number}.txt")
        paths[-1].write_bytes(f"{name} {number} ".encode() * 20)
    async with open_bench(folder, providers={"kimi": provider}, clock=clock) as bench:
        assert all(job.state is JobState.DONE for job in await bench.upload(*paths))
    return paths


def copy_database(folder: Path, target: Path) -> Path:
    """Database, its log, its snapshots: as they lie there."""
    target.mkdir(parents=True)
    for file in folder.glob(f"{NAME}*"):
        shutil.copy2(file, target)
    if (folder / "snapshots").exists():
        shutil.copytree(folder / "snapshots", target / "snapshots")
    return target / NAME


@dataclass(frozen=True)
class Damage:
    """What was done to which file, for the message of a test that fails."""

    file: str
    what: str


def strike(path: Path, dice: random.Random, *, flips: int) -> Damage:
    """Flip bits of the file or cut it."""
    content = bytearray(path.read_bytes())
    if flips:
        places = [dice.randrange(len(content)) for _ in range(flips)]
        for place in places:
            content[place] ^= 1 << dice.randrange(8)
        what = f"flipped a bit at {places}"
    else:
        size = dice.randrange(len(content))
        del content[size:]
        what = f"cut to {size}"
    path.write_bytes(content)
    return Damage(path.name, what)


def open_damaged(path: Path) -> Opened:
    return open_profile(path, lambda: NOW, write_file)


async def jobs_of(opened: Opened) -> list[JobView]:
    page = await SqliteJobStore(opened.database).page(JobQuery(limit=10_000))
    return list(page.rows)
