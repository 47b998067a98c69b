"""Programs that start without importing everything anew: forks of one process a test session.

A start costs half a second of processor time for imports; the end-to-end tests start the program
some thousand times. EXAI_DESKTOP_TEST_COLD=1 starts each one as a user's shell does.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .warm_parent import LENGTH

_ROOT: Final = Path(__file__).resolve().parents[2]
_PR_SET_CHILD_SUBREAPER: Final = 36
# What the interpreter itself reads when it starts: with other values only a real start is right.
_OF_THE_INTERPRETER: Final = ("PYTHON", "LC_", "LANG", "LD_", "SSL_", "OPENSSL")
# Read when tests are collected: each of them runs without our own variables.
_ALL_COLD: Final = bool(os.environ.get("EXAI_DESKTOP_TEST_COLD"))
_READ_LATER: Final = frozenset({"PYTHON_KEYRING_BACKEND", "PYTHONDONTWRITEBYTECODE"})


def can_be_warm(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a fork runs it as `command` would."""
    if not sys.platform.startswith("linux") or _ALL_COLD:
        return False
    is_module = len(command) > 2 and list(command[:2]) == [sys.executable, "-m"]
    return is_module and _of_interpreter(environment) == _of_interpreter(os.environ)


def _of_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_OF_THE_INTERPRETER) and name not in _READ_LATER
    }


class _Parent:
    """The process that is forked, started when it is first needed."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        number = str(theirs.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.warm_parent", number],
            cwd=_ROOT,
            pass_fds=(theirs.fileno(),),
            # Pipes, as its forks have them: Python chooses by it how streams are buffered.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        theirs.close()
        self._connection = ours
        assert ours.recv(1) == b"!", "the program could not be imported"
        atexit.register(self.close)

    def fork(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: str | None,
        streams: Sequence[int],
    ) -> int:
        """The id of a new child of this process."""
        request = {
            "module": command[2],
            "arguments": list(command[3:]),
            "environment": dict(environment),
            "folder": folder or str(Path.cwd()),
            "is_deaf": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        }
        body = json.dumps(request).encode("ascii")
        _adopt_orphans(yes=True)
        try:
            socket.send_fds(self._connection, [LENGTH.pack(len(body))], list(streams))
            self._connection.sendall(body)
            answer = self._connection.recv(LENGTH.size, socket.MSG_WAITALL)
        finally:
            _adopt_orphans(yes=False)
        assert len(answer) == LENGTH.size, "the process that is forked has ended"
        return int(LENGTH.unpack(answer)[0])

    def close(self) -> None:
        self._connection.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(60)


def _adopt_orphans(*, yes: bool) -> None:
    """Only for the moment of a start: orphans of programs are none of a test's children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


_lock = threading.Lock()
_parents: list[_Parent] = []


class WarmProcess(subprocess.Popen[bytes]):
    """A `subprocess.Popen` whose child is a fork; all else is the standard library's."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        _, _, _, _, folder, environment = rest[:6]
        pipes = rest[9:15]
        p2cread, _, _, c2pwrite, _, errwrite = pipes
        given = ((p2cread, 0), (c2pwrite, 1), (errwrite, 2))
        streams = [own if stream == -1 else stream for stream, own in given]
        with _lock:
            if not _parents:
                _parents.append(_Parent())
            self.pid = _parents[0].fork(args, environment, folder, streams)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
