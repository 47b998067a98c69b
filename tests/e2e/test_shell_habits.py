"""The habits of a Unix shell: pipes, lists of files, standard input, signals, exit codes."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .processes import COMMAND, eventually
from .program import LIMIT_S, Ended, Program
from .server import Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the habits of Unix")

X = shlex.join(COMMAND)


def bash(
    program: Program, line: str, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One line of a user; `$X` is the program."""
    ended = subprocess.run(
        ["bash", "-c", f"X={shlex.quote(X)}; {line}"],
        cwd=folder,
        env=program.environment | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture
def files(program: Program, sandbox: Server, tmp_path: Path) -> Path:
    """An account, and a folder with eight files to send."""
    program.add_account(sandbox)
    folder = tmp_path / "pp"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.txt").write_text(f"text {number}")
    return folder


# -- what is no failure


def test_what_is_skipped_is_no_failure(program: Program, sandbox: Server, tmp_path: Path) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / ".DS_Store").write_text("the system's")
    (tmp_path / "~$report.docx").write_text("a lock file")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref")
    (tmp_path / "empty").mkdir()
    ended = program.run("upload", tmp_path).expect(0)
    assert ended.out.splitlines()[-1] == "1 of 1 files are uploaded. Skipped: 4."
    assert ended.out.count("Skipped: ") == 5
    rows = program.upload(tmp_path).expect(0).by_name()
    assert {name: row["skipped"] for name, row in rows.items()} == {
        "a.txt": False,
        ".DS_Store": True,
        "~$report.docx": True,
        ".git": True,
        "empty": True,
    }
    # What is work of the user, and stays behind, is a failure as ever.
    (tmp_path / "zero.txt").touch()
    ended = program.run("upload", tmp_path).expect(1)
    assert ended.out.splitlines()[-1] == "1 of 2 files are uploaded. Refused: 1. Skipped: 4."


# -- standard output


def test_a_reader_that_has_seen_enough_stops_no_upload(
    program: Program, sandbox: Server, files: Path
) -> None:
    ended = bash(program, "$X upload . | grep -q -m1 '✓'; echo ${PIPESTATUS[0]}", files)
    assert ended.stdout == "0\n"
    assert ended.stderr == ""
    assert len(sandbox.stored()) == 8
    ended = bash(program, "$X upload --json . | head -n 1; echo ${PIPESTATUS[0]}", files)
    assert ended.stdout.splitlines()[-1] == "0"


def test_an_output_that_cannot_be_written_is_told_after_the_work(
    program: Program, sandbox: Server, files: Path
) -> None:
    for option in ("", "--json"):
        ended = bash(program, f"$X upload {option} . > /dev/full", files)
        assert ended.returncode == 1
        assert "The output could not be written: No space left on device." in ended.stderr
    assert len(sandbox.stored()) == 8


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&-"])
def test_closed_streams_are_no_trouble(
    program: Program, sandbox: Server, files: Path, closed: str
) -> None:
    assert bash(program, f"$X upload 0.txt {closed}", files).returncode == 0
    assert bash(program, f"$X list --json {closed}", files).returncode == 0
    assert len(sandbox.stored()) == 1
    # None of the profile's files took the place of a stream, and got what was printed.
    assert [job["state"] for job in program.jobs()] == ["done"]


# -- what to send


def piped(program: Program, text: bytes, *arguments: str, **environment: str) -> Ended:
    return program.run("upload", *arguments, stdin=text, environment=environment)


def test_standard_input_gets_a_name(program: Program, sandbox: Server, files: Path) -> None:
    row = piped(program, b"hello", "-", "--name", "hello.txt", "--json").expect(0).row
    assert Path(row["path"]).name == "hello.txt"
    [stored] = sandbox.stored()
    assert stored["name"] == "hello.txt"
    # Nothing of it is left on this computer.
    assert list((program.home / "from-stdin").iterdir()) == []
    for wrong in ((), ("--name", "a/b.txt"), ("--name", "..")):
        assert "--name" in piped(program, b"hello", "-", *wrong).expect(2).err
    piped(program, b"", str(files / "1.txt"), "--name", "hello.txt").expect(2)
    assert len(sandbox.stored()) == 1


def test_standard_input_that_was_not_uploaded_is_kept(
    program: Program, sandbox: Server, files: Path
) -> None:
    sandbox.faults({"kind": "http_status", "status": 400, "method": "POST"})
    failed = piped(program, b"hello", "-", "--name", "hello.txt", "--json").expect(1).row
    [copy] = (program.home / "from-stdin").glob("*/hello.txt")
    assert copy.stat().st_mode & 0o777 == 0o600
    sandbox.faults()
    program.run("retry", str(failed["id"])).expect(0)
    program.finish_queue(files / "0.txt")
    assert {file["name"] for file in sandbox.stored()} == {"hello.txt", "0.txt"}
    # The next one that reads standard input tidies up.
    piped(program, b"more", "-", "--name", "more.txt").expect(0)
    assert list((program.home / "from-stdin").iterdir()) == []


def test_standard_input_without_end_fills_no_disk(
    program: Program, sandbox: Server, files: Path
) -> None:
    few = {"EXAI_DESKTOP_MAX_FILE_BYTES": "100000"}
    ended = bash(program, "yes | $X upload - --name yes.txt --json", files, few)
    assert ended.returncode == 1
    assert "FILE_TOO_LARGE" in ended.stdout
    assert list((program.home / "from-stdin").iterdir()) == []
    assert sandbox.stored() == []


def test_a_list_says_what_to_send(program: Program, sandbox: Server, files: Path) -> None:
    zero, one, two = (str(files / f"{number}.txt") for number in range(3))
    (files / "list").write_text(f"{zero}\n\n{one}\n")
    ended = piped(program, b"", "--files-from", str(files / "list"), two).expect(0)
    assert ended.out.splitlines()[-1] == "3 of 3 files are uploaded."
    (files / "a name\nof two lines.txt").write_text("odd")
    # As users have it: paths as they are seen from the folder one is in.
    found = "find . -name '[34]*' -print0 -o -name 'a name*' -print0"
    line = bash(program, f"{found} | $X upload --files-from - -0", files)
    assert line.stdout.splitlines()[-1] == "3 of 3 files are uploaded."
    assert len(sandbox.stored()) == 6
    for wrong, named in (
        (("--files-from", "missing"), "--files-from"),
        (("-0", zero), "--files-from"),
        (("-", "--name", "x", "--files-from", "-"), "standard input"),
        ((), "PATHS"),
    ):
        assert named in piped(program, b"6.txt", *wrong).expect(2).err
    assert len(sandbox.stored()) == 6


# -- the terminal


def test_without_a_display_one_sentence_says_what_to_do(program: Program, tmp_path: Path) -> None:
    ended = bash(program, "env -u DISPLAY -u WAYLAND_DISPLAY -u QT_QPA_PLATFORM $X", tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "There is no display. On the command line: exai-desktop upload FILE"
        " (all commands: exai-desktop --help)"
    ]
    ended = bash(program, "DISPLAY=:4711 QT_QPA_PLATFORM=xcb $X", tmp_path)
    assert ended.returncode == 1
    assert "The window cannot be opened" in ended.stderr


def test_the_version_has_a_short_option(program: Program, tmp_path: Path) -> None:
    ended = bash(program, "$X -V; $X --version", tmp_path)
    first, second = ended.stdout.splitlines()
    assert first == second
    assert first.startswith("exai-desktop ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_verbs(program: Program, tmp_path: Path, shell: str) -> None:
    words = "COMP_WORDS='exai-desktop upl' COMP_CWORD=1"
    asked = "_TYPER_COMPLETE_ARGS='exai-desktop upl' _TYPER_COMPLETE_FISH_ACTION=get-args"
    line = f"{words} {asked} _EXAI_DESKTOP_COMPLETE=complete_{shell} $X"
    ended = bash(program, line, tmp_path)
    assert "upload" in ended.stdout, ended.stderr
    script = bash(program, f"_EXAI_DESKTOP_COMPLETE=source_{shell} $X", tmp_path).stdout
    assert "_EXAI_DESKTOP_COMPLETE" in script


def test_without_its_terminal_an_upload_ends_well_and_under_nohup_it_goes_on(
    program: Program, sandbox: Server, files: Path
) -> None:
    sandbox.settings(answer_delay_s=0.3)
    # So many take ten seconds: on a busy machine, too, the signal finds it at work.
    many = [files / f"many {number}.txt" for number in range(60)]
    for path in many:
        path.write_text(path.name)
    process = program.start("upload", "--json", *many)
    assert eventually(lambda: bool(sandbox.uploads()))
    process.send_signal(signal.SIGHUP)
    assert "stay in the queue" in program.finish(process).expect(130).err
    # Nothing is in doubt: each is stored, or has not been sent.
    not_sent = {"queued", "checking", "hashing", "waiting"}
    assert {job["state"] for job in program.jobs()} <= {"done", *not_sent}
    sandbox.reset()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        program.is_warm = False
        process = program.start("upload", "--json", *(files / f"{n}.txt" for n in range(2, 6)))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert eventually(lambda: len(sandbox.uploads()) >= 3)
    process.send_signal(signal.SIGHUP)
    rows = program.finish(process).expect(0).rows
    assert [row["state"] for row in rows] == ["done"] * 4
