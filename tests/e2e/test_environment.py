"""The program among other things: proxies, locales, pipes that close, names made to deceive."""

import os
import socket
import subprocess
import unicodedata
from pathlib import Path

import pytest

from .processes import COMMAND
from .program import Program
from .server import KIMI, Server

ESCAPE = "\x1b[31mred\x1b]0;title\x07"
# Shown from right to left it ends in ".png".
RTL = "\u202egnp.txt"
DECEPTIVE = {
    "line\nbreak.txt": "a newline",
    f"{ESCAPE}.txt": "escape sequences",
    RTL: "text direction",
    "\x9b31mshort form.txt": "the one-character escape",
    "tab\there.txt": "a tab",
    "[bold]markup :smile:.txt": "markup of the output library",
}


def _is_harmless(char: str) -> bool:
    if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
        return False
    return unicodedata.bidirectional(char) not in (
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
    )


def _assert_harmless(text: str) -> None:
    harmful = {char for line in text.split("\n") for char in line if not _is_harmless(char)}
    assert not harmful, f"a terminal would carry out {harmful!r}"


@pytest.fixture
def deceptive(program: Program, sandbox: Server, tmp_path: Path) -> Path:
    program.add_account(sandbox)
    folder = tmp_path / "names"
    folder.mkdir()
    for name, text in DECEPTIVE.items():
        (folder / name).write_text(text)
    return folder


def test_deceptive_names_are_shown_harmlessly(program: Program, deceptive: Path) -> None:
    ended = program.run("upload", deceptive).expect(1)
    _assert_harmless(ended.out + ended.err)
    # One line a file and the sum; reason, hint and command for the refused one: no name adds any.
    assert len(ended.out.splitlines()) == len(DECEPTIVE) + 4
    assert "[bold]markup :smile:.txt" in ended.out
    _assert_harmless(program.run("list").expect(0).out)
    for job in program.jobs():
        _assert_harmless(program.run("show", str(job["id"])).expect(0).out)


def test_deceptive_names_are_exact_and_harmless_in_json(program: Program, deceptive: Path) -> None:
    ended = program.upload(deceptive).expect(1)
    refused = [row for row in ended.rows if row["state"] == "refused"]
    assert [Path(row["path"]).name for row in refused] == [RTL]
    assert refused[0]["error"]["code"] == "DECEPTIVE_NAME"
    assert {Path(row["path"]).name for row in ended.rows} == set(DECEPTIVE)
    _assert_harmless(ended.out)


def test_deceptive_names_leave_as_plain_ones(
    program: Program, sandbox: Server, deceptive: Path
) -> None:
    program.upload(deceptive).expect(1)
    names = [stored["name"] for stored in sandbox.stored()]
    assert len(names) == len(DECEPTIVE) - 1
    _assert_harmless("".join(names))


def test_a_name_that_is_not_utf8_is_uploaded(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with open(path, "wb") as file:  # noqa: PTH123 - a name in bytes
        file.write(b"text")
    row = program.upload(os.fsdecode(path)).expect(0).row
    assert os.fsencode(row["path"]) == path
    assert sandbox.stored()[0]["name"].isprintable()
    _assert_harmless(program.run("list").expect(0).out)


NARROW = {
    "C": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Western Windows": {"PYTHONIOENCODING": "cp1252"},
}


@pytest.mark.parametrize("locale", NARROW)
def test_a_narrow_locale_breaks_nothing(
    program: Program, sandbox: Server, tmp_path: Path, locale: str
) -> None:
    program.add_account(sandbox)
    (tmp_path / "季度报告 🎉.txt").write_text("text")
    (tmp_path / "empty.txt").touch()
    ended = program.run("upload", tmp_path, environment=NARROW[locale]).expect(1)
    assert "1 of 2 files" in ended.out
    rows = program.upload(tmp_path, environment=NARROW[locale]).expect(1).rows
    assert {row["state"] for row in rows} == {"duplicate", "refused"}
    program.run("list", environment=NARROW[locale]).expect(0)
    assert "upload" in program.run("--help", environment=NARROW[locale]).expect(0).out


@pytest.mark.parametrize("arguments", [("list", "--json"), ("list",), ("doctor",)], ids=" ".join)
def test_a_reader_that_has_enough_is_no_error(
    program: Program, sandbox: Server, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """`exai-desktop list | head -1`: the pipe is closed while there is more to say."""
    program.add_account(sandbox)
    for number in range(40):
        (tmp_path / f"a file with a rather long name to fill the pipe {number}.bin").touch()
    program.upload(tmp_path).expect(1)
    reading, writing = os.pipe()
    os.close(reading)
    process = program.start(*arguments, stdout=writing)
    os.close(writing)
    ended = program.finish(process)
    assert ended.err == ""
    assert ended.code in (0, 1, 141)


def test_a_reader_that_leaves_an_upload_early_loses_nothing(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    with subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as head:
        assert head.stdin is not None
        process = program.start("upload", "--json", tmp_path, stdout=head.stdin)
        head.stdin.close()
        assert program.finish(process).err == ""
    for _ in range(5):
        program.upload(tmp_path)
        if {job["state"] for job in program.jobs()} <= {"done", "duplicate"}:
            break
    assert {job["state"] for job in program.jobs()} <= {"done", "duplicate"}
    assert len({stored["sha256"] for stored in sandbox.stored()}) == len(sandbox.stored()) == 20


def test_proxies_of_the_environment_are_not_for_this_machine(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("text")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        variables = dict.fromkeys((*names, "EXAI_DESKTOP_PROXY"), address)
        variables |= {"no_proxy": "", "NO_PROXY": ""}
        program.upload(tmp_path / "a.txt", environment=variables).expect(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert len(sandbox.stored(KIMI)) == 1


def test_a_setting_without_sense_is_ignored_not_fatal(program: Program, sandbox: Server) -> None:
    program.add_account(sandbox)
    for variables in ({"EXAI_DESKTOP_SETTLE_S": "soon"}, {"EXAI_DESKTOP_NO_SUCH_SETTING": "1"}):
        program.run("account", "test", "main", environment=variables).expect(0)


def test_the_window_is_not_opened_by_a_verb(program: Program) -> None:
    """No display, no Qt: the command line works on a server."""
    environment = {n: v for n, v in program.environment.items() if n != "QT_QPA_PLATFORM"}
    code = "import sys; sys.argv = ['x', 'list']\nfrom exai_desktop.__main__ import main\n" + (
        "try:\n    main()\nexcept SystemExit:\n    assert 'PySide6' not in sys.modules"
    )
    subprocess.run([COMMAND[0], "-c", code], env=environment, check=True, timeout=240)
