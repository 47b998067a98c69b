"""The program ends at any moment, and the next run loses nothing and sends nothing twice."""

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import eventually, kill
from tests.e2e.program import Program
from tests.e2e.server import Server

FILES = 10
SETTLE_S = 0.5
# Moments after the start of the process: from the import of its modules to its last file.
EARLIEST_S, LATEST_S = 0.3, 2.0
FINAL = {"done", "duplicate"}

# Read here: the fixtures clear the program's variables.
MANY = int(os.environ.get("EXAI_DESKTOP_TEST_KILLS", "0"))
SEED = int(os.environ.get("EXAI_DESKTOP_TEST_SEED", "20261123"))

# A provider at its worst, within what the settle time covers.
FAULTS = (
    {"kind": "lose_answer", "method": "POST", "probability": 0.1},
    {"kind": "late_store", "method": "POST", "probability": 0.1, "delay_s": SETTLE_S / 2},
    {"kind": "slow_read", "method": "POST", "bytes_per_s": 2_000_000},
)


def _make(folder: Path, round_: int) -> list[Path]:
    """Ten files that no other round has; each takes the sandbox some 0.1 to 0.2 s to read."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"round {round_} file {number}.txt" for number in range(FILES)]
    for path in paths:
        path.write_bytes(os.urandom(100_000 + 10_000 * paths.index(path)).hex().encode())
    return paths


def _states(program: Program) -> Counter[str]:
    """Straight from the disk, where the last run left it."""
    with closing(sqlite3.connect(program.home / "exai-desktop.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchall():
            return Counter()  # killed before the schema was there
        return Counter(row[0] for row in database.execute("SELECT state FROM jobs"))


def _settle(program: Program, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Upload the same files until nothing of any run is open; then all jobs."""
    for _ in range(20):
        program.upload(*paths, limit_s=100)
        jobs = program.jobs()
        if {job["state"] for job in jobs} <= FINAL:
            return jobs
    pytest.fail(f"still open: {[job for job in jobs if job['state'] not in FINAL]}")


def _nothing_lost(
    program: Program, server: Server, paths: Sequence[Path], jobs: Sequence[dict[str, Any]]
) -> None:
    """Each content lies at the provider exactly once, as it is here, and every job names it."""
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in paths}
    stored = server.stored()
    assert Counter(file["sha256"] for file in stored) == Counter(wanted.keys())
    ids = {file["sha256"]: file["id"] for file in stored}
    assert {job["sha256"] for job in jobs} == set(wanted)
    for job in jobs:
        assert job["file_id"] == ids[job["sha256"]], job
    assert sum(job["state"] == "done" for job in jobs) == len(wanted)
    assert set(_states(program)) <= FINAL
    left = {path.name for path in program.home.iterdir()}
    ours = {"exai-desktop.db", "settings.json", "locks", "logs", "audit-anchor.json"}
    assert left <= ours | {"ballast", "snapshots"}, left
    assert not list(Path(program.environment["TMPDIR"]).iterdir())


@pytest.fixture
def tortured(program: Program, sandbox: Server, tmp_path: Path) -> Server:
    """Four uploads at once to a slow provider that loses answers and stores late."""
    program.environment["EXAI_DESKTOP_SETTLE_S"] = str(SETTLE_S)
    (tmp_path / "temporary").mkdir()
    program.environment["TMPDIR"] = str(tmp_path / "temporary")
    program.add_account(sandbox, in_flight=4)
    return sandbox


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """A test run in the background ignores Ctrl+C, and its children would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_end_is_clean_and_loses_nothing(
    program: Program, tortured: Server, tmp_path: Path, number: signal.Signals
) -> None:
    tortured.faults(FAULTS[2])
    tortured.settings(answer_delay_s=0.3)
    paths = _make(tmp_path / "files", 0)
    process = program.start("upload", "--json", *paths)
    assert eventually(lambda: len(tortured.stored()) >= 2)
    process.send_signal(number)
    ended = program.finish(process, limit_s=12).expect(130)
    assert "stays in the queue" in ended.err
    # What had left completely got its answer; nothing is in doubt.
    states = _states(program)
    assert states["sending"] == states["uncertain"] == states["confirming"] == 0
    assert states["done"] >= 2
    assert states["queued"] + states["waiting"] > 0
    _nothing_lost(program, tortured, paths, _settle(program, paths))


def _kill_in_the_middle(program: Program, paths: Sequence[Path], after_s: float) -> bool:
    """Whether the kill came before the process had ended by itself."""
    process: subprocess.Popen[bytes] = program.start("upload", "--json", *paths)
    time.sleep(after_s)
    return kill(process)


def _programme(program: Program, server: Server, folder: Path, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    server.settings(answer_delay_s=0.4)
    server.faults(*FAULTS, seed=seed)
    paths: list[Path] = []
    struck = under_way = round_ = 0
    while struck < kills:
        round_ += 1
        assert round_ <= 2 * kills, "the program ends before it can be killed"
        paths += _make(folder, round_)
        # Also what earlier runs left is carried on by each run.
        moment = dice.uniform(EARLIEST_S, LATEST_S)
        struck += _kill_in_the_middle(program, paths[-FILES:], moment)
        under_way += _states(program)["sending"] > 0
    assert under_way >= kills // 3, "too few kills struck while bytes were on their way"
    jobs = _settle(program, paths)
    _nothing_lost(program, server, paths, jobs)


def test_killed_at_random_moments_nothing_is_lost_or_sent_twice(
    program: Program, tortured: Server, tmp_path: Path
) -> None:
    _programme(program, tortured, tmp_path / "files", kills=8, seed=SEED)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.skipif(not MANY, reason="by hand: EXAI_DESKTOP_TEST_KILLS=200 pytest -m long ...")
def test_killed_ever_so_often_nothing_is_lost_or_sent_twice(
    program: Program, tortured: Server, tmp_path: Path
) -> None:
    for start in range(0, MANY, 8):
        folder = tmp_path / "files" / str(start)
        _programme(program, tortured, folder, min(8, MANY - start), SEED + start)
        # The provider's shelf is emptied through the program, as a user would.
        done = [str(job["id"]) for job in program.jobs() if job["state"] == "done"]
        program.run("delete", *done).expect(0)
