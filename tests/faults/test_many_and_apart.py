"""Many uploads through faults, many at once, and one provider that does not hold up another."""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.processes import eventually
from tests.e2e.program import Program
from tests.e2e.server import Server

from .after_kills import lost_and_double, make, record_is_right, settle, states
from .test_window_and_command import open_window

# One in twenty uploads meets one of these.
TRANSIENT = (
    {"kind": "http_status", "status": 503, "method": "POST", "probability": 0.01},
    {"kind": "rate_429", "retry_after": 1, "method": "POST", "probability": 0.01},
    {"kind": "lose_answer", "method": "POST", "probability": 0.01},
    {"kind": "reset_in_body", "method": "POST", "probability": 0.01},
    {"kind": "html_502", "method": "POST", "probability": 0.01},
)
SEED = 20261126
ZAI = "zai"


def small(folder: Path, label: str, count: int) -> list[Path]:
    """Files that nobody else has."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{label} {number:04}.txt" for number in range(count)]
    for path in paths:
        path.write_text(f"{path.name}: {os.urandom(400).hex()}\n", encoding="ascii")
    return paths


@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.long)])
def test_of_many_uploads_through_faults_none_is_lost_or_stored_twice(
    program: Program, sandbox: Server, tmp_path: Path, count: int
) -> None:
    program.add_account(sandbox, in_flight=8)
    sandbox.faults(*TRANSIENT, seed=SEED)
    paths = small(tmp_path / "files", "many", count)
    began = time.monotonic()
    first = program.upload(*paths, limit_s=500)
    # What it says is true: done, or still on its way with the reason.
    assert len(first.rows) == count
    for row in first.rows:
        assert row["state"] == "done" or row["error"] or row["state"] == "waiting", row
    settle(program, paths)
    assert lost_and_double(sandbox, paths) == (0, 0)
    record_is_right(program, sandbox, paths, program.jobs())
    met = len(sandbox.uploads()) - count
    assert met >= count // 50, "hardly any fault was met"
    took_s = time.monotonic() - began
    print(f"{count} uploads, {met} repeats: 0 lost, 0 stored twice, {took_s:.0f} s")


@pytest.mark.timeout(1200)
def test_a_hundred_at_once_by_window_and_command_line(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.environment["QT_QPA_PLATFORM"] = "offscreen"
    program.add_account(sandbox, in_flight=50)
    program.add_account(sandbox, ZAI, name="second", in_flight=50)
    # Nobody is answered before all are there: many times as long as a program takes just now.
    plain = program.run("list").expect(0).seconds
    sandbox.settings(answer_delay_s=max(10.0, 15 * plain))
    groups = [small(tmp_path / "files", f"group {number}", 25) for number in range(4)]
    with open_window(program) as window:
        commands = [
            program.start("upload", "--json", "--account", ("main", "second")[number % 2], *paths)
            for number, paths in enumerate(groups)
        ]
        most = 0

        def all_ended() -> bool:
            nonlocal most
            most = max(most, _under_way(program))
            return all(command.poll() is not None for command in commands)

        assert eventually(all_ended, 900)
        for command in commands:
            ended = program.finish(command)
            assert ended.code == 0, ended.err
            assert [row["state"] for row in ended.rows] == ["done"] * 25
        assert window.poll() is None
    paths = [path for group in groups for path in group]
    assert lost_and_double(sandbox, paths) == (0, 0)
    assert states(program) == {"done": 100}
    assert most >= 90, f"only {most} were under way at once"
    print(f"{most} under way at once")


def _under_way(program: Program) -> int:
    with closing(sqlite3.connect(program.home / "exai-desktop.db")) as database:
        query = "SELECT count(*) FROM jobs WHERE state IN ('sending', 'confirming')"
        return int(database.execute(query).fetchone()[0])


FILES = 24
# A machine with two cores, and other work on them, is not steadier than this over seconds.
NOISE = 1.25
# Rounds at most in the short setting; noise is gone from the best of them, a fault is not.
FEW = 6


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["drip", "stall"])
@pytest.mark.parametrize(
    ("rounds", "bound"), [(FEW, NOISE), pytest.param(7, 1.05, marks=pytest.mark.long)]
)
def test_a_provider_that_drips_does_not_slow_the_other(
    program: Program, sandbox: Server, tmp_path: Path, kind: str, rounds: int, bound: float
) -> None:
    program.environment["QT_QPA_PLATFORM"] = "offscreen"
    # It is Kimi that takes enough files for all rounds.
    program.add_account(sandbox, ZAI, name="slow", in_flight=4)
    program.add_account(sandbox, name="quick", in_flight=2)
    sandbox.settings(answer_delay_s=0.1)
    times: dict[bool, list[float]] = {False: [], True: []}
    # Of a few rounds the best: what others do on the machine only makes them slower.
    typical = min if rounds == FEW else statistics.median
    with open_window(program):
        for number in range(rounds):
            if rounds == FEW and number >= 2 and _ratio(times, typical) <= bound:
                break
            for is_beside in (False, True):
                beside = []
                if is_beside:
                    fault = {"kind": kind, "interval_s": 0.4, "flavour": ZAI}
                    sandbox.faults(fault)
                    beside = make(tmp_path / "slow", f"slow {number}", 4, 400_000)
                    slow = program.start("upload", "--json", "--account", "slow", *beside)
                    assert eventually(lambda: _under_way(program) >= 4)
                paths = make(tmp_path / "quick", f"{number} {is_beside}", FILES, 100_000)
                ended = program.upload("--account", "quick", *paths)
                assert [row["state"] for row in ended.rows] == ["done"] * FILES
                times[is_beside].append(_took_s(program, paths))
                if is_beside:
                    sandbox.faults()
                    program.run("cancel", *(str(job["id"]) for job in _open(program)))
                    slow.kill()
                    slow.wait(60)
    ratio = _ratio(times, typical)
    print(f"{kind}: alone {times[False]} s, beside it {times[True]} s, {ratio:.3f}")
    assert ratio <= bound


def _ratio(times: dict[bool, list[float]], typical: Callable[[list[float]], float]) -> float:
    return typical(times[True]) / typical(times[False])


def _open(program: Program) -> list[dict[str, object]]:
    final = {"done", "duplicate", "refused", "failed", "cancelled"}
    return [job for job in program.jobs() if job["state"] not in final]


def _took_s(program: Program, paths: list[Path]) -> float:
    """From the first byte of these files to the last answer, by the record."""
    names = [path.name for path in paths]
    marks = ", ".join("?" * len(names))
    query = (
        "SELECT max(attempts.ended_at) - min(attempts.started_at) FROM attempts"
        f" JOIN jobs ON jobs.id = attempts.job_id WHERE jobs.name IN ({marks})"
    )
    with closing(sqlite3.connect(program.home / "exai-desktop.db")) as database:
        return float(database.execute(query, names).fetchone()[0])
