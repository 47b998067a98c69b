"""A program that crashes leaves no memory with keys behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import COMMAND, eventually
from tests.e2e.program import Program
from tests.e2e.server import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prlimit and /proc are Linux's")

UNLIMITED = ("prlimit", "--core=unlimited")


def _dumped(process: subprocess.Popen[bytes]) -> bool:
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGABRT
    return os.WCOREDUMP(status)


def test_a_crash_while_sending_writes_no_core(
    program: Program, sandbox: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program.add_account(sandbox)
    sandbox.faults({"kind": "stall", "method": "POST"})
    (tmp_path / "a.txt").write_text("text")
    process = program.start("upload", tmp_path / "a.txt", command=(*UNLIMITED, *COMMAND))
    assert eventually(lambda: bool(sandbox.uploads()))
    limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")
    [line] = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
    process.send_signal(signal.SIGABRT)
    assert not _dumped(process)
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt"}


def test_the_kernel_would_refuse_also_without_the_limit(tmp_path: Path) -> None:
    """Services that collect cores from a pipe are given them whatever the limit is."""
    code = (
        "import os, resource; from exai_desktop.engine.files.confinement import forbid_core_dumps;"
        "resource.setrlimit = lambda *_: None; {} os.abort()"
    )
    seen = []
    for act in ("", "forbid_core_dumps();"):
        command = [*UNLIMITED, sys.executable, "-c", code.format(act)]
        with subprocess.Popen(command, cwd=tmp_path) as process:
            seen.append(_dumped(process))
    # Where this machine writes cores at all, the first shows that the second means something.
    assert seen[1] is False, seen
