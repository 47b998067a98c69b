"""The program ends at any moment, and the next run loses nothing and sends nothing twice."""

import json
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from exai_desktop.core.files.files import SMALL
from tests.e2e.processes import eventually, kill
from tests.e2e.program import Program
from tests.e2e.server import Server

from .after_kills import (
    FAULTS,
    SETTLE_S,
    killed_at,
    lost_and_double,
    make,
    nothing_lost,
    record_is_right,
    settle,
    states,
)
from .killed_at import OF_SMALL_FILES, STEPS

# A third of the random kills strike while the program starts, the others while it sends.
STARTS_S, SENDS_S = (0.2, 1.2), (0.0, 0.9)
RANDOM_KILLS = 18

# Read here: the fixtures clear the program's variables.
MANY = int(os.environ.get("EXAI_DESKTOP_TEST_KILLS", "0"))
# "vault": the keys move into one.
KEYS = os.environ.get("EXAI_DESKTOP_TEST_KEYS", "keyring")
SEED = int(os.environ.get("EXAI_DESKTOP_TEST_SEED", "20261123"))
FIGURES = os.environ.get("EXAI_DESKTOP_TEST_FIGURES", "")

# In the long setting: so many kills between two looks at everything, and files in a run.
SERIES, FEW = 40, 3


@pytest.fixture
def tortured(program: Program, sandbox: Server, tmp_path: Path) -> Server:
    """Four uploads at once to a slow provider that loses answers and stores late."""
    program.environment["EXAI_DESKTOP_SETTLE_S"] = str(SETTLE_S)
    (tmp_path / "temporary").mkdir()
    program.environment["TMPDIR"] = str(tmp_path / "temporary")
    program.add_account(sandbox, in_flight=4)
    return sandbox


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_to_end_is_clean_and_loses_nothing(
    program: Program, tortured: Server, tmp_path: Path, number: signal.Signals
) -> None:
    tortured.faults(FAULTS[2])
    tortured.settings(answer_delay_s=0.5)
    paths = make(tmp_path / "files", "end", 24, 10_000)
    process = program.start("upload", "--json", *paths)
    assert eventually(lambda: len(tortured.stored()) >= 2)
    process.send_signal(number)
    ended = program.finish(process).expect(130)
    assert "stay in the queue" in ended.err
    # What had left completely got its answer; nothing is in doubt.
    left = states(program)
    assert left["sending"] == left["uncertain"] == left["confirming"] == 0
    assert left["done"] >= 2
    assert left["queued"] + left["waiting"] > 0
    settle(program, paths)
    nothing_lost(program, tortured, paths)


def _die_at(program: Program, step: str, paths: Sequence[Path]) -> None:
    """Run until the program ends itself there; it must not get past it."""
    process = program.start("upload", "--json", *paths, command=killed_at(step))
    out, err = process.communicate(timeout=240)
    assert process.returncode == -signal.SIGKILL, f"{step} was passed:\n{out!r}\n{err!r}"


def _die_at_every_step(
    program: Program, server: Server, folder: Path, flavour: str, size: int
) -> int:
    """Kill, restart, look; step by step on one profile. How many kills that were."""
    paths: list[Path] = []
    is_small = 2 * size < SMALL
    steps = OF_SMALL_FILES if is_small else STEPS
    told = "sending" if is_small else "confirming"
    for step in steps:
        new = make(folder, step, 3, size)
        paths += new
        _die_at(program, step, new)
        left = states(program)
        if step in ("intent-after", "first-byte", "mid-body", "last-byte", "answer", "id-before"):
            assert left["sending"] > 0, f"{step}: {left}"
        if step == "id-after":
            assert left["confirming"] > 0, f"{step}: {left}"
        if step == "record-before":
            # The record of one whose answer was lost may be the first.
            assert left[told] + left["uncertain"] > 0, f"{step}: {left}"
        settle(program, new)
        assert lost_and_double(server, paths, flavour) == (0, 0), f"{step}: lost, stored twice"
    nothing_lost(program, server, paths, flavour)
    return len(steps)


def _use_a_vault(program: Program, folder: Path) -> None:
    """In place of the keyring; each start opens it and counts itself in it."""
    program.run("vault", "create", "--key-file", folder / "vault.key").expect(0)


@pytest.mark.early
@pytest.mark.timeout(1200)  # 40 s on two free cores; a busy machine is not a bug
@pytest.mark.parametrize(
    ("flavour", "keys", "size", "kills"),
    [("kimi-intl", "keyring", 40_000, 9), ("zai", "vault", 600_000, 11)],
)
def test_killed_at_each_step_nothing_is_lost_or_sent_twice(
    program: Program,
    sandbox: Server,
    tmp_path: Path,
    flavour: str,
    keys: str,
    size: int,
    kills: int,
) -> None:
    sandbox.faults(*FAULTS, seed=SEED)
    if keys == "vault":
        _use_a_vault(program, tmp_path)
    (tmp_path / "temporary").mkdir()
    program.environment["EXAI_DESKTOP_SETTLE_S"] = str(SETTLE_S)
    program.environment["TMPDIR"] = str(tmp_path / "temporary")
    program.add_account(sandbox, flavour, in_flight=4)
    folder = tmp_path / "files"
    assert _die_at_every_step(program, sandbox, folder, flavour, size) == kills


@dataclass
class Figures:
    """What a programme of kills came to."""

    kills: int = 0
    under_way: int = 0
    lost: int = 0
    stored_twice: int = 0
    seconds: float = 0.0


def _kill_in_the_middle(
    program: Program, server: Server, paths: Sequence[Path], dice: random.Random
) -> bool:
    """Whether the kill came before the process had ended by itself."""
    before = len(server.uploads())
    process = program.start("upload", "--json", *paths)
    if dice.random() < 1 / 3:
        time.sleep(dice.uniform(*STARTS_S))
    else:
        # Not by the clock alone: on a busy machine nothing but starts would be struck.
        moment = dice.uniform(*SENDS_S)
        eventually(lambda: len(server.uploads()) > before or process.poll() is not None)
        time.sleep(moment)
    return kill(process)


@pytest.mark.early
@pytest.mark.timeout(1200)
def test_killed_at_random_moments_nothing_is_lost_or_sent_twice(
    program: Program, tortured: Server, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    tortured.settings(answer_delay_s=0.4)
    tortured.faults(*FAULTS, seed=SEED)
    paths: list[Path] = []
    struck = under_way = round_ = 0
    while struck < RANDOM_KILLS:
        round_ += 1
        assert round_ <= 2 * RANDOM_KILLS, "the program ends before it can be killed"
        # Also what earlier runs left is carried on by each run.
        paths += make(tmp_path / "files", f"round {round_}", 10)
        struck += _kill_in_the_middle(program, tortured, paths[-10:], dice)
        under_way += states(program)["sending"] > 0
    assert under_way >= RANDOM_KILLS // 3, "too few kills struck while bytes were on their way"
    settle(program, paths)
    nothing_lost(program, tortured, paths)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.skipif(not MANY, reason="by hand: EXAI_DESKTOP_TEST_KILLS=1000 pytest -m long ...")
def test_killed_ever_so_often_nothing_is_lost_or_sent_twice(
    program: Program, tortured: Server, tmp_path: Path
) -> None:
    """Named steps and random moments in turn; everything is looked at after each series."""
    dice, figures, began = random.Random(SEED), Figures(), time.monotonic()
    if KEYS == "vault":
        _use_a_vault(program, tmp_path)
    tortured.settings(answer_delay_s=0.2)
    tortured.faults(*FAULTS, seed=SEED)
    runs = 0
    while figures.kills < MANY:
        paths: list[Path] = []
        goal = min(figures.kills + SERIES, MANY)
        while figures.kills < goal:
            runs += 1
            assert runs <= 2 * MANY + SERIES, "the program ends before it can be killed"
            paths += make(tmp_path / "files", f"run {runs}", FEW, 20_000)
            if runs % 2:
                struck = _kill_in_the_middle(program, tortured, paths[-FEW:], dice)
            else:
                _die_at(program, dice.choice(OF_SMALL_FILES), paths[-FEW:])
                struck = True
            figures.kills += struck
            figures.under_way += struck and states(program)["sending"] > 0
        ours = set(map(str, paths))
        settle(program, paths)
        jobs = [job for job in program.jobs() if job["path"] in ours]
        lost, double = lost_and_double(tortured, paths)
        figures.lost += lost
        figures.stored_twice += double
        record_is_right(program, tortured, paths, jobs)
        # The provider's shelf is emptied through the program, as a user would.
        # Once for each: what was added again is a duplicate with the same id.
        done = {job["file_id"]: str(job["id"]) for job in jobs if job["state"] == "done"}
        program.run("delete", "--yes", *done.values()).expect(0)
        figures.seconds = round(time.monotonic() - began, 1)
        print(json.dumps(asdict(figures)), flush=True)
    if FIGURES:
        with Path(FIGURES).open("a", encoding="utf-8") as file:
            file.write(
                json.dumps({"programme": "kills", "seed": SEED, "keys": KEYS} | asdict(figures))
                + "\n"
            )
    assert (figures.lost, figures.stored_twice) == (0, 0)
    assert figures.under_way >= MANY // 4, "too few kills struck while bytes were on their way"
