"""A start that finds the imports done behaves as any other."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import COMMAND, eventually
from .program import Ended, Program
from .server import Server
from .warm_start import WarmProcess, can_be_warm


def _both(program: Program, *arguments: str | Path, stdin: bytes | None = None) -> list[Ended]:
    ended = []
    for is_warm in (True, False):
        program.is_warm = is_warm
        ended.append(program.run(*arguments, stdin=stdin))
    return ended


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("list", "--json"), ("nonsense",), ("show", "7"), ("upload", "gone.txt")],
    ids=" ".join,
)
def test_exit_code_and_words_are_the_same(program: Program, arguments: tuple[str, ...]) -> None:
    warm, cold = _both(program, *arguments)
    assert (warm.code, warm.raw_out, warm.raw_err) == (cold.code, cold.raw_out, cold.raw_err)


def test_names_that_are_no_text_reach_it(program: Program, tmp_path: Path) -> None:
    name = os.fsdecode(b"not utf-8 \xff.txt")
    warm, cold = _both(program, "upload", "--plan", tmp_path / name)
    assert (warm.code, warm.out, warm.err) == (cold.code, cold.out, cold.err)


def test_what_is_no_text_reaches_it_by_standard_input(program: Program, sandbox: Server) -> None:
    url = sandbox.url("kimi-intl")
    add = ("account", "add", "x", "--provider", "kimi", "--region", "intl", "--base-url", url)
    warm, cold = _both(program, *add, "--key-stdin", stdin=b"sk-\xff\n")
    assert (warm.code, warm.out, warm.err) == (cold.code, cold.out, cold.err)
    assert warm.code != 0


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_reach_it(
    program: Program, sandbox: Server, tmp_path: Path, number: signal.Signals
) -> None:
    program.add_account(sandbox)
    sandbox.faults({"kind": "stall", "method": "POST"})
    file = tmp_path / "a.txt"
    codes = []
    for is_warm in (True, False):
        program.is_warm = is_warm
        file.write_text(f"text {is_warm}")
        before = len(sandbox.uploads())
        process = program.start("upload", file)
        assert isinstance(process, WarmProcess) == is_warm
        assert eventually(lambda before=before: len(sandbox.uploads()) > before)  # type: ignore[misc]
        process.send_signal(number)
        codes.append(program.finish(process).code)
    assert codes[0] == codes[1] != 0


def test_its_parent_is_the_test_and_orphans_are_not_its_children(program: Program) -> None:
    process = program.start("sandbox", "serve", "--with-parent", stdin=subprocess.PIPE)
    assert isinstance(process, WarmProcess)
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    assert f"PPid:\t{os.getpid()}\n" in status
    assert program.finish(process).code == 0


def test_what_the_interpreter_reads_at_its_start_needs_a_real_one() -> None:
    environment = dict(os.environ)
    assert can_be_warm(COMMAND, environment | {"EXAI_DESKTOP_HOME": "/tmp"})
    assert not can_be_warm(COMMAND, environment | {"PYTHONUTF8": "0"})
    assert not can_be_warm(COMMAND, environment | {"LC_ALL": "C"})
    assert not can_be_warm((sys.executable, "-c", "pass"), environment)
