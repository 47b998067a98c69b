"""`pause` and `resume`: the queue of an open window, from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import eventually
from .program import Program

OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture
def window(program: Program) -> Iterator[subprocess.Popen[bytes]]:
    """A real window with the sandbox behind it."""
    environment = os.environ | program.environment | OFFSCREEN
    process = subprocess.Popen([sys.executable, "-m", "exai_desktop", "--sandbox"], env=environment)
    try:
        end = time.monotonic() + 200
        while "window" not in program.run("doctor", "--sandbox", "--json").out:
            assert time.monotonic() < end, "the window did not open"
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_open_window_stands_still_and_goes_on(
    program: Program, window: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    [told] = program.run("pause", "--for", "1h", "--sandbox", "--json").expect(0).rows
    assert told["paused"] is True
    assert 3_500 < told["until"] - time.time() <= 3_600
    file = tmp_path / "late.txt"
    file.write_text("not before it goes on")
    environment = os.environ | program.environment
    command = [sys.executable, "-m", "exai_desktop", "upload", str(file), "--sandbox", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as upload:
        assert eventually(lambda: "late.txt" in program.run("list", "--sandbox").out)
        time.sleep(1)
        assert upload.poll() is None
        assert "Resumed." in program.run("resume", "--sandbox").expect(0).out
        out, _ = upload.communicate(timeout=60)
    assert b'"state": "done"' in out
    assert window.poll() is None


def test_without_a_window_there_is_nothing_to_pause(program: Program) -> None:
    assert "No window is open" in program.run("pause").expect(0).out
    assert program.run("resume", "--json").expect(0).rows == [{"paused": None}]
    for wrong in ("soon", "0", "-1h", "1d", ""):
        assert "is not a time" in program.run("pause", "--for", wrong).expect(2).err
