"""Which words mean the window, and what becomes of their paths."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exai_desktop import __version__
from exai_desktop.bootstrap import owner
from exai_desktop.bootstrap.second_start import (
    WindowStart,
    handed_over,
    has_display,
    says_nothing_is_there,
    window_start,
)


def test_options_and_paths_are_for_the_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert window_start([]) == WindowStart()
    assert window_start(["--sandbox"]) == WindowStart(frozenset({"--sandbox"}))
    start = window_start(["a.pdf", "--minimized", "/b/../c", "./d"])
    assert start is not None
    assert start.options == {"--minimized"}
    assert start.paths == (f"{tmp_path}/a.pdf", "/b/../c", f"{tmp_path}/./d")
    assert not start.is_sandbox


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["upload", "a.pdf"],
        ["a.pdf", "list"],
        ["--help"],
        ["--version"],
        ["a.pdf", "--json"],
        ["--sandbox", "upload"],
        ["-x.pdf"],
        ["README"],
    ],
    ids=" ".join,
)
def test_all_else_is_for_the_command_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where files with the names of verbs lie."""
    monkeypatch.chdir(tmp_path)
    for name in ("list", "upload", "README", "a.pdf"):
        (tmp_path / name).write_text("x")
    assert window_start(words) is None


def test_addresses_of_files_are_paths() -> None:
    start = window_start(["file:///a/b%20c.pdf", "file://localhost/d%FF"])
    assert start is not None
    assert start.paths == ("/a/b c.pdf", os.fsdecode(b"/d\xff"))
    elsewhere = window_start(["file://server/share/a.pdf"])
    assert elsewhere is not None
    assert elsewhere.paths[0].endswith("file://server/share/a.pdf")


def test_a_slip_of_the_hand_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, gone = str(tmp_path), str(tmp_path / "no.pdf")
    assert not says_nothing_is_there(WindowStart())
    assert not says_nothing_is_there(WindowStart(paths=(gone, there)))
    assert says_nothing_is_there(WindowStart(paths=(gone,)))
    assert "no.pdf" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_a_display_is_told_by_the_environment(name: str) -> None:
    assert has_display({name: "x"})
    assert not has_display({name: ""})


def test_without_a_window_nothing_is_handed_over() -> None:
    assert handed_over(WindowStart(paths=("/a",))) is None


@pytest.mark.parametrize("facts", [b"[]", b"7", b'{"version": "x"}', b"null"])
def test_whatever_else_listens_there_is_no_window(
    facts: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "s")
    monkeypatch.setattr(owner, "plain_socket", lambda *, sandbox: place)
    with answering(place, b'{"result": ' + facts + b"}\n"):
        assert handed_over(WindowStart(paths=("/a",))) is None


def test_a_window_that_confirms_nothing_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "s")
    monkeypatch.setattr(owner, "plain_socket", lambda *, sandbox: place)
    monkeypatch.setattr(owner, "WINDOW_TAKES_WITHIN_S", 0.05)
    facts = {"result": {"version": __version__, "face": "window"}}
    with answering(place, json.dumps(facts).encode() + b"\n"):
        assert handed_over(WindowStart(paths=("/a",))) == 1
    assert "has not confirmed" in capsys.readouterr().err


@contextmanager
def answering(place: str, line: bytes) -> Iterator[None]:
    """Somebody who answers the first question, and then nothing."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        done = threading.Event()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(line)
                done.wait(60)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
