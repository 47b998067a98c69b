"""A start beside an open window, and starts with files, on a screen and without one."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import eventually
from .program import Program
from .screen import Screen, virtual_screen
from .server import Server
from .test_start import ENGINE, loaded, of

TITLE = "EXAI Desktop"


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with virtual_screen() as shown:
        yield shown


@pytest.fixture
def shown(program: Program, screen: Screen) -> Program:
    """The program on this screen; each start is a process of its own."""
    program.environment |= screen.environment
    program.is_warm = False
    return program


def opened(program: Program, *words: str | Path) -> subprocess.Popen[bytes]:
    """A window that answers on its socket."""
    window = program.start(*words)
    assert eventually((program.home / "engine.sock").exists)
    return window


def ended(window: subprocess.Popen[bytes]) -> None:
    window.send_signal(signal.SIGTERM)
    assert window.wait(60) == 0


def names(program: Program) -> list[str]:
    return sorted(Path(row["path"]).name for row in program.jobs())


def test_a_second_start_hands_its_files_over_and_raises_the_window(
    shown: Program, screen: Screen, sandbox: Server, tmp_path: Path
) -> None:
    shown.add_account(sandbox)
    files = [tmp_path / name for name in ("报告.txt", "b c.txt", "d.txt")]
    for file in files:
        file.write_text(f"the content of {file.name}")
    window = opened(shown, files[0])
    assert eventually(lambda: names(shown) == ["报告.txt"]), "files of the first start"
    number = screen.find(TITLE)
    screen.xdotool("windowminimize", number)
    assert eventually(lambda: not screen.xdotool("search", "--onlyvisible", "--name", TITLE))
    # At login, when it runs already: nobody has asked for the window.
    shown.run("--minimized").expect(0)
    assert not screen.xdotool("search", "--onlyvisible", "--name", TITLE)
    handed = shown.run(files[1], files[2], tmp_path / "missing.txt").expect(0)
    assert not handed.raw_out + handed.raw_err
    assert screen.find(TITLE)
    assert eventually(lambda: len(shown.jobs()) == 4)
    assert eventually(lambda: all(row["state"] in ("done", "refused") for row in shown.jobs()))
    states = {Path(row["path"]).name: row["state"] for row in shown.jobs()}
    assert states.pop("missing.txt") == "refused"
    assert states == dict.fromkeys(("报告.txt", "b c.txt", "d.txt"), "done")
    ended(window)


def test_it_loads_neither_qt_nor_the_engine(shown: Program, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    window = opened(shown)
    modules = loaded(shown, str(tmp_path / "a.txt"))
    heavy = ("asyncio", "typer", "dataclasses", "ctypes", "exai_desktop.core.service")
    assert of(modules, (*ENGINE, *heavy)) == []
    ended(window)


def test_files_are_handed_to_no_command(shown: Program, sandbox: Server, tmp_path: Path) -> None:
    """A command that holds the profile shows nothing: the window waits for its end."""
    shown.add_account(sandbox)
    sandbox.settings(answer_delay_s=3.0)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"content of {name}")
    command = shown.start("upload", "--json", tmp_path / "a.txt")
    assert eventually(lambda: bool(sandbox.uploads()))
    window = shown.start(tmp_path / "b.txt")
    shown.finish(command).expect(0)
    assert eventually(lambda: names(shown) == ["a.txt", "b.txt"])
    ended(window)


def test_without_a_display_files_are_uploaded(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        program.environment.pop(name, None)
    program.is_warm = False
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("a")
    ended = program.run(tmp_path / "a.txt").expect(0)
    assert "a.txt" in ended.out
    assert names(program) == ["a.txt"]
    nothing = program.run().expect(1)
    assert nothing.err.count("\n") == 1
    assert "There is no display" in nothing.err


def test_a_file_that_is_not_there_is_said(shown: Program, tmp_path: Path) -> None:
    said = shown.run(tmp_path / "report.pdf").expect(1).err
    assert "report.pdf" in said
    assert said.count("\n") == 1
