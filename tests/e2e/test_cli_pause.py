"""`pause` and `resume` on the command line: the whole queue, with a window and without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import eventually
from .program import Program
from .server import Server

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
    paused = program.run("upload", file, "--sandbox", "--json").expect(1)
    assert (paused.row["state"], paused.row["error"]["code"]) == ("queued", "QUEUE_PAUSED")
    assert "Resumed." in program.run("resume", "--sandbox").expect(0).out
    assert eventually(
        lambda: program.run("list", "--sandbox", "--json").row["state"] == "done",
    )
    assert window.poll() is None


def test_a_kept_pause_holds_for_commands(program: Program, sandbox: Server, tmp_path: Path) -> None:
    """Nothing is sent by a command that a timer starts, whatever waits in the queue."""
    program.add_account(sandbox)
    for name in ("earlier.txt", "later.txt"):
        (tmp_path / name).write_text(f"the words of {name}")
    assert "Paused until 2" in program.run("pause", "--for", "1h").expect(0).out
    for name in ("earlier.txt", "later.txt"):
        ended = program.run("upload", tmp_path / name).expect(1)
        assert "Uploads are paused (QUEUE_PAUSED): until 2" in ended.err
        assert "exai-desktop resume" in ended.err
        assert "0 of 1 files are uploaded. Queued: 1." in ended.out
    program.run("retry", "--failed").expect(0)
    assert sandbox.stored() == []
    resumed = program.run("resume", "--json").expect(0)
    assert resumed.row == {"paused": False, "until": None}
    program.run("upload", tmp_path / "earlier.txt", tmp_path / "later.txt").expect(0)
    assert sorted(file["name"] for file in sandbox.stored()) == ["earlier.txt", "later.txt"]


@pytest.mark.usefixtures("interruptible")
def test_watching_without_a_window_respects_a_pause(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("the words of a watched file")
    program.run("pause").expect(0)
    program.run("watch", "add", folder, "--settle", "0.2").expect(0)
    process = program.start("watch", "run", "--json")
    assert eventually(
        lambda: [r["state"] for r in program.run("list", "--json").rows] == ["queued"]
    )
    assert sandbox.stored() == []
    program.run("resume").expect(0)
    assert eventually(lambda: [file["name"] for file in sandbox.stored()] == ["a.txt"])
    process.send_signal(signal.SIGTERM)
    ended = program.finish(process).expect(130)
    assert "Uploads are paused\n" in ended.err
    assert "Uploads go on." in ended.err


def test_a_pause_that_cannot_be_kept_is_not_promised(program: Program) -> None:
    program.run("list").expect(0)
    (program.home / "pause.json" / "in the way").mkdir(parents=True)
    assert "could not be written" in program.run("pause").expect(1).err


def test_a_length_that_is_none_is_refused(program: Program) -> None:
    for wrong in ("soon", "0", "-1h", "1d", ""):
        assert "is not a time" in program.run("pause", "--for", wrong).expect(2).err


def test_files_that_wait_are_moved_and_listed_in_the_order_of_sending(
    program: Program, window: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    program.run("pause", "--sandbox").expect(0)
    files = [tmp_path / f"{letter}.txt" for letter in "abcd"]
    for file in files:
        file.write_text(file.name)
    # While the queue is paused the files are added, and that is said.
    program.run("upload", *files, "--sandbox", "--json").expect(1)

    def line(*words: str) -> str:
        rows = program.run("list", "--line", *words, "--sandbox", "--json").expect(0).rows
        return "".join(Path(row["path"]).name[0] for row in rows)

    def move(*words: str, code: int = 0) -> str:
        return program.run("move", *words, "--sandbox").expect(code).out

    assert eventually(lambda: sorted(line()) == list("abcd"))
    listed = program.run("list", "--sandbox", "--json").rows
    ids = {Path(row["path"]).name[0]: str(row["id"]) for row in listed}
    assert f"Moved: {ids['c']}" in move(ids["c"], "--first")
    move(ids["a"], "--after", ids["d"])
    assert line() == "cbda"
    move(ids["a"], ids["d"], "--up")
    assert line() == "cdab"
    assert line("--limit", "2") == "cd"
    program.run("move", ids["a"], "--first", "--last", "--sandbox").expect(2)
    program.run("move", ids["a"], "--sandbox").expect(2)
    assert "NOT_IN_LINE" in program.run(
        "move", ids["a"], "--before", ids["a"], "--sandbox", "--json"
    ).expect(1).out  # fmt: skip
    program.run("resume", "--sandbox").expect(0)

    def states() -> set[str]:
        return {str(row["state"]) for row in program.run("list", "--sandbox", "--json").rows}

    assert eventually(lambda: states() == {"done"})
    # What has ended has no place in the line any more.
    assert f"Not possible for: {ids['a']}" in move(ids["a"], "--first", code=1)
