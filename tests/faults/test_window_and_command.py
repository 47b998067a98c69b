"""The window and a command on one profile, and either of them is killed at work."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.processes import COMMAND, eventually, kill
from tests.e2e.program import Program
from tests.e2e.server import Server

from .after_kills import FAULTS, SETTLE_S, make, nothing_lost, settle, states

SEED = 20261124
FILES = 5


@pytest.fixture
def profile(program: Program, sandbox: Server, tmp_path: Path) -> Program:
    program.environment["EXAI_DESKTOP_SETTLE_S"] = str(SETTLE_S)
    program.environment["QT_QPA_PLATFORM"] = "offscreen"
    (tmp_path / "temporary").mkdir()
    program.environment["TMPDIR"] = str(tmp_path / "temporary")
    program.add_account(sandbox, in_flight=3)
    sandbox.settings(answer_delay_s=1.0)
    sandbox.faults(*FAULTS, seed=SEED)
    return program


@contextmanager
def open_window(program: Program) -> Iterator[subprocess.Popen[bytes]]:
    """The window's own process, with its engine at work."""
    command = [*COMMAND, "--minimized"]
    window = subprocess.Popen(
        command, env=program.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        # With pauses: a command that asks holds the profile itself while there is no window.
        assert eventually(lambda: _face(program) == "window", every_s=1.0), "no window"
        yield window
    finally:
        window.kill()
        window.wait(60)


def _face(program: Program) -> str:
    return str(program.run("doctor", "--json").row["facts"]["face"])


def _sending(server: Server, before: int) -> bool:
    return eventually(lambda: len(server.uploads()) > before)


@pytest.mark.early
@pytest.mark.parametrize("victim", ["window", "command"])
def test_either_is_killed_and_the_other_goes_on(
    profile: Program, sandbox: Server, tmp_path: Path, victim: str
) -> None:
    dice = random.Random(SEED)
    paths: list[Path] = []
    for round_ in range(3):
        new = make(tmp_path / "files", f"round {round_}", FILES, 30_000)
        paths += new
        with open_window(profile) as window:
            before = len(sandbox.uploads())
            command = profile.start("upload", "--json", *new)
            assert _sending(sandbox, before)
            eventually(lambda: False, dice.uniform(0.0, 0.5))
            if victim == "window":
                assert kill_quietly(window), "the window was gone already"
                # The command takes the profile over and carries its own files to their end.
                ended = profile.finish(command)
                assert len(ended.rows) == FILES, ended.err
                assert {row["state"] for row in ended.rows} <= {"done", "duplicate"}, ended.out
            else:
                assert kill(command), "the command was through already"
                # The window carries on what was handed to it, without anybody asking.
                assert eventually(lambda: not open_jobs(profile), 200, 0.2), states(profile)
    settle(profile, paths)
    nothing_lost(profile, sandbox, paths)


def open_jobs(program: Program) -> int:
    left = states(program)
    return left.total() - left["done"] - left["duplicate"]


def kill_quietly(process: subprocess.Popen[bytes]) -> bool:
    running = process.poll() is None
    os.kill(process.pid, 9)
    process.wait(60)
    return running


def test_two_windows_at_once_are_one(profile: Program, sandbox: Server) -> None:
    """The second asks the first to come to the front and ends; nothing is opened twice."""
    with open_window(profile) as first:
        second = subprocess.run(
            [sys.executable, "-m", "exai_desktop"],
            env=profile.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=240,
            check=False,
        )
        assert second.returncode == 0, second.stderr
        assert first.poll() is None
