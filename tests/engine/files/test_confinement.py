"""What a confined process cannot do any more, on a real kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from exai_desktop.engine.files.confinement import can_confine

CHILD = """
import ctypes, json, mmap, os, socket, subprocess, sys, threading, time
from pathlib import Path
from exai_desktop.engine.files.confinement import confine
place = sys.argv[2]
kept = open(place, "rb")
if sys.argv[3] == "confined":
    assert confine()
try:
    exec(sys.argv[1])
except OSError as error:
    print(json.dumps(type(error).__name__))
except RuntimeError as error:
    print(json.dumps(str(error)))
else:
    print(json.dumps("done"))
"""

TAKEN = {
    "another file": "open(place, 'rb')",
    "a file by its folder": "os.open('/', os.O_RDONLY)",
    "writing": "open(place + '.new', 'wb')",
    "a name": "os.rename(place, place + '.moved')",
    "removal": "os.unlink(place)",
    "permissions": "os.chmod(place, 0o777)",
    "a socket": "socket.socket()",
    "a local socket": "socket.socket(socket.AF_UNIX)",
    "a pair of sockets": "socket.socketpair()",
    "a program": "subprocess.run(['/bin/true'])",
    "exec": "os.execv('/bin/true', ['true'])",
    "a fork": "os.fork()",
    "a signal to others": "os.kill(os.getppid(), 0)",
    "a thread": "threading.Thread(target=print).start()",
}
LEFT = {
    "reading what is open": "assert kept.read() == b'open'",
    "reading anywhere in it": "assert os.pread(kept.fileno(), 2, 1) == b'pe'",
    "its size": "assert os.fstat(kept.fileno()).st_size == 4",
    "memory": "mmap.mmap(-1, 1 << 26).close()",
    "time": "time.sleep(0.001)",
    "chance": "os.urandom(8)",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"open")
    return tmp_path / "file"


def run(act: str, place: Path, how: str = "confined") -> str:
    command = [sys.executable, "-c", CHILD, act, str(place), how]
    said = subprocess.run(command, capture_output=True, check=True, timeout=240)
    found = json.loads(said.stdout)
    assert isinstance(found, str)
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp is Linux's")
class TestConfined:
    def test_this_kernel_has_it(self) -> None:
        assert can_confine()

    @pytest.mark.parametrize("name", TAKEN)
    def test_it_cannot(self, place: Path, name: str) -> None:
        assert run(TAKEN[name], place) in {"PermissionError", "can't start new thread"}
        assert place.read_bytes() == b"open"
        assert [path.name for path in place.parent.iterdir()] == ["file"]

    @pytest.mark.parametrize("name", LEFT)
    def test_it_can_still(self, place: Path, name: str) -> None:
        assert run(LEFT[name], place) == "done"

    @pytest.mark.parametrize("name", [name for name in TAKEN if name not in {"exec", "a fork"}])
    def test_without_it_each_would_work(self, place: Path, name: str) -> None:
        assert run(TAKEN[name], place, "free") == "done"
