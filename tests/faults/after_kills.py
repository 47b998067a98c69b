"""What must hold when the program has been killed and started again, and how it is checked."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.e2e.program import Program
from tests.e2e.server import Server

SETTLE_S = 0.5
FINAL = {"done", "duplicate"}
ROOT = Path(__file__).parents[2]

# A provider at its worst, within what the settle time covers.
FAULTS = (
    {"kind": "lose_answer", "method": "POST", "probability": 0.1},
    {"kind": "late_store", "method": "POST", "probability": 0.1, "delay_s": SETTLE_S / 2},
    {"kind": "slow_read", "method": "POST", "bytes_per_s": 2_000_000},
)


def make(folder: Path, label: str, count: int, size: int = 100_000) -> list[Path]:
    """Files that nobody else has; by default each takes the sandbox some 0.1 to 0.2 s to read."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{label} file {number}.txt" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(os.urandom(size + size // 10 * number).hex().encode())
    return paths


def killed_at(step: str) -> Sequence[str]:
    """The command of a program that kills itself there; see `killed_at.py`."""
    return (sys.executable, "-m", "tests.faults.killed_at", step)


def states(program: Program) -> Counter[str]:
    """Straight from the disk, where the last run left it."""
    path = program.home / "exai-desktop.db"
    if not path.exists():
        return Counter()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchall():
            return Counter()  # killed before the schema was there
        return Counter(row[0] for row in database.execute("SELECT state FROM jobs"))


def settle(
    program: Program,
    paths: Sequence[Path],
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Upload the same files until nothing of any run is open."""
    for _ in range(20):
        program.upload(*arguments, *paths, environment=environment)
        if set(states(program)) <= FINAL:
            return
    pytest.fail(f"still open: {[job for job in program.jobs() if job['state'] not in FINAL]}")


def lost_and_double(
    server: Server, paths: Sequence[Path], flavour: str | None = None
) -> tuple[int, int]:
    """Contents that are not at the provider, and copies there that are too many."""
    wanted = Counter({hashlib.sha256(path.read_bytes()).hexdigest(): 1 for path in paths})
    stored = Counter(f["sha256"] for f in server.stored(flavour) if not f["deleted"])
    return (wanted - stored).total(), (stored - wanted).total()


def nothing_lost(
    program: Program, server: Server, paths: Sequence[Path], flavour: str | None = None
) -> None:
    """Each content lies at the provider exactly once, as it is here, and every job names it."""
    assert lost_and_double(server, paths, flavour) == (0, 0), "lost, stored twice"
    jobs = program.jobs()
    record_is_right(program, server, paths, jobs)
    assert sum(job["state"] == "done" for job in jobs) == len(paths)
    assert set(states(program)) <= FINAL
    nothing_left_behind(program)


def record_is_right(
    program: Program, server: Server, paths: Sequence[Path], jobs: Sequence[dict[str, Any]]
) -> None:
    """Every content has its jobs, and each job names the file that really holds it."""
    ids = {file["sha256"]: file["id"] for file in server.stored() if not file["deleted"]}
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert {job["sha256"] for job in jobs} == wanted
    for job in jobs:
        assert job["file_id"] == ids[job["sha256"]], job
    assert program.run("audit", "verify", "--json").expect(0).row["ok"]


def nothing_left_behind(program: Program) -> None:
    left = {path.name for path in program.home.iterdir()}
    ours = {"exai-desktop.db", "settings.json", "locks", "logs", "audit-anchor.json", "audit.key"}
    assert left <= ours | {"ballast", "profile.json", "snapshots", "texts.db", "vault"}, left
    assert not list(Path(program.environment["TMPDIR"]).iterdir())
