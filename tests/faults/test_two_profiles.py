"""Two profiles on one account key: the same files at the same time are stored once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import eventually, kill
from tests.e2e.program import Program
from tests.e2e.server import Server

from .after_kills import FAULTS, SETTLE_S, lost_and_double, make, record_is_right, settle, states

SEED = 20261124
ROUNDS, FILES = 5, 6


@pytest.fixture
def both(
    sandbox: Server, secret_service: dict[str, str], tmp_path: Path
) -> Iterator[tuple[Program, Program]]:
    """Two homes of one user, as a portable and an installed program have them."""
    made = (
        Program(tmp_path / "first", secret_service),
        Program(tmp_path / "second", secret_service),
    )
    for program in made:
        program.environment["EXAI_DESKTOP_SETTLE_S"] = str(SETTLE_S)
        program.add_account(sandbox, in_flight=4)
    yield made
    for program in made:
        program.close()


def test_the_same_files_at_the_same_time_are_stored_once(
    both: tuple[Program, Program], sandbox: Server, tmp_path: Path
) -> None:
    sandbox.settings(answer_delay_s=0.5)
    paths = make(tmp_path / "files", "same", FILES, 20_000)
    started = [program.start("upload", "--json", *paths) for program in both]
    for program, process in zip(both, started, strict=True):
        rows = program.finish(process).rows
        assert len(rows) == FILES
        assert {row["state"] for row in rows} <= {"done", "duplicate"}
        record_is_right(program, sandbox, paths, program.jobs())
    assert lost_and_double(sandbox, paths) == (0, 0)
    assert len(sandbox.stored()) == FILES


@pytest.mark.early
def test_one_of_them_killed_the_other_never_stores_it_again(
    both: tuple[Program, Program], sandbox: Server, tmp_path: Path
) -> None:
    """Whoever is killed may have stored the file: the other must ask before it sends."""
    dice = random.Random(SEED)
    sandbox.settings(answer_delay_s=0.4)
    sandbox.faults(*FAULTS, seed=SEED)
    paths: list[Path] = []
    struck: Counter[int] = Counter()
    for round_ in range(ROUNDS):
        new = make(tmp_path / "files", f"round {round_}", FILES, 20_000)
        paths += new
        before = len(sandbox.uploads())
        processes = [program.start("upload", "--json", *new) for program in both]
        assert eventually(lambda before=before: len(sandbox.uploads()) > before)  # type: ignore[misc]
        moment = dice.uniform(0.0, 0.8)
        eventually(lambda: False, moment)
        victim = round_ % 2
        struck[victim] += kill(processes[victim])
        other = 1 - victim
        both[other].finish(processes[other])
        for program in both:
            states(program)
    assert min(struck[0], struck[1]) > 0, "a profile was never killed at work"
    for program in both:
        settle(program, paths)
    assert lost_and_double(sandbox, paths) == (0, 0), "lost, stored twice"
    for program in both:
        record_is_right(program, sandbox, paths, program.jobs())
