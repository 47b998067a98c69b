"""The process that has imported the program once, and of which the programs of tests are forks.

    python -m tests.e2e.warm_parent SOCKET

Started by `warm_start`. What a fork runs is what `python -m MODULE` runs, in a process of its own
with its own environment and streams; only the imports are done already. One request at a time.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import struct
import sys
import threading
from typing import Any, Final, NoReturn

# What `upload` with an engine of its own imports; more would be found later, each time anew.
PROGRAM: Final = (
    "exai_desktop.cli.main",
    "exai_desktop.bootstrap.joining",
    "exai_desktop.bootstrap.opening",
    "exai_desktop.bootstrap.passphrases",
    "exai_desktop.engine.files.file_checks",
    "exai_desktop.engine.ipc.client",
    "exai_desktop.providers.custom",
    "exai_desktop.providers.glm",
    "exai_desktop.providers.kimi",
    "exai_desktop.bootstrap.sandbox_process",
    "anyio._backends._asyncio",
    "certifi",
    "cryptography.hazmat.backends.openssl",
    "cryptography.hazmat.primitives.asymmetric.padding",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.scrypt",
    "encodings.ascii",
    "encodings.idna",
    "encodings.utf_8_sig",
    "exai_desktop.bootstrap.owner",
    "exai_desktop.core.sniff.secret_shapes",
    "httpx",
    "mimetypes",
    "keyring.backends.chainer",
    "keyring.backends.SecretService",
    "secretstorage",
    "sqlite_utils",
)
LENGTH: Final = struct.Struct("!I")
STREAMS: Final = 3


def _modules_of_verbs() -> set[str]:
    from exai_desktop.cli.main import VERBS

    return {f"exai_desktop.cli.{place.partition(':')[0]}" for place, _ in VERBS.values()}


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next request with its three streams; None when nobody will ask again."""
    room = socket.CMSG_SPACE(STREAMS * array.array("i").itemsize)
    head, control, _, _ = connection.recvmsg(LENGTH.size, room, socket.MSG_WAITALL)
    if len(head) < LENGTH.size:
        return None
    streams = array.array("i")
    for _, _, data in control:
        streams.frombytes(data)
    (left,) = LENGTH.unpack(head)
    body = b""
    while len(body) < left:
        body += connection.recv(left - len(body))
    return json.loads(body), list(streams)


def become(request: dict[str, Any], streams: list[int], connection: socket.socket) -> None:
    """This process is the program from here on."""
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    _open_streams()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["-m", *request["arguments"]]
    # A child inherits whether Ctrl+C is ignored; its parent here may have another answer.
    deaf = request["is_deaf"]
    signal.signal(signal.SIGINT, signal.SIG_IGN if deaf else signal.default_int_handler)


def _open_streams() -> None:
    """As the interpreter does: how a stream is buffered depends on what is behind it."""
    encoding = sys.stdout.encoding
    strict, lax = sys.stdin.errors, "backslashreplace"
    sys.stdin = os.fdopen(0, encoding=encoding, errors=strict, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, errors=strict, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=encoding, errors=lax, closefd=False)


def fork(connection: socket.socket) -> dict[str, Any] | None:
    """Serve; returns in a fork only, with what it is to run. None at the end."""
    while (asked := receive(connection)) is not None:
        request, streams = asked
        told, tell = os.pipe()
        between = os.fork()
        if between == 0:
            os.close(told)
            child = os.fork()
            if child == 0:
                os.close(tell)
                become(request, streams, connection)
                return request
            os.write(tell, LENGTH.pack(child))
            # With its parent gone the fork becomes a child of the test process.
            os._exit(0)
        os.close(tell)
        for stream in streams:
            os.close(stream)
        number = os.read(told, LENGTH.size)
        os.close(told)
        os.waitpid(between, 0)
        connection.sendall(number)
    return None


def main() -> None:
    """Ends when its socket is closed; in a fork, as the program ends."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    for name in (*PROGRAM, *_modules_of_verbs()):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    connection.sendall(b"!")
    request = fork(connection)
    if request is not None:
        _leave(_run(request["module"]))


def _run(module: str) -> int:
    """Its exit code. What is no ordinary end goes on to the interpreter, which tells of it."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        return end.code or 0
    return 0


def _leave(code: int) -> NoReturn:
    """End as the interpreter does, but keep the modules: to take them apart would copy all the
    memory that a fork shares, and that takes longer than most verbs do."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    # What is garbage by now may have a complaint, as at any end.
    gc.collect()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):
        sys.exit(code)  # nobody reads: the interpreter has a word and a code for it
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
