"""The guarded child: does a PDF open without a password? One line of JSON, then the end.

Started by `engine.files.file_checks` for one file, and by `engine.files.warm_child` for one after
the other ("serve"). Nothing of the file is parsed before the limits are in
force, and before it can open no other file, no socket and no program (where the system has that).
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import BinaryIO, Final

VERB: Final = "guarded-pdf"
SERVE: Final = "serve"
_LONGEST_ANSWER: Final = 4 * 1024
MEMORY_BYTES: Final = 1024 * 1024 * 1024
CPU_S: Final = 30


# What Python imports when a text of this kind is first met, which is too late then.
_TEXTS: Final = (
    "ascii",
    "charmap",
    "cp1252",
    "latin-1",
    "utf-8",
    "utf-16",
    "utf-16-be",
    "utf-16-le",
)


def limit_self(memory_bytes: int = MEMORY_BYTES, cpu_s: int = CPU_S) -> None:
    """Memory and computing time, no core file, nothing written. Windows has only the wall clock."""
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def opens_without_password(stream: BinaryIO) -> bool:
    """Whether it is encrypted and the empty password opens it. Raises whatever pypdf raises."""
    from pypdf import PasswordType, PdfReader  # only in this process

    reader = PdfReader(stream)
    if not reader.is_encrypted or reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        return False
    # The password fits; a page that can be reached shows that the rest does too.
    return reader.get_num_pages() > 0


def import_all() -> None:
    """The parser and all it may import later."""
    parser = importlib.import_module("pypdf")
    for module in pkgutil.walk_packages(parser.__path__, "pypdf."):
        with contextlib.suppress(ImportError):  # what only an extra of it would need
            importlib.import_module(module.name)
    for name in _TEXTS:
        codecs.lookup(name)


def answer_about(stream: BinaryIO) -> bytes:
    """Confines this process for good, then parses."""
    from exai_desktop.engine.files.confinement import confine  # late: only in this process

    is_confined = confine()
    opens = opens_without_password(stream)
    return json.dumps({"opens": opens, "is_confined": is_confined}).encode() + b"\n"


def _answer_of_copy(descriptor: int) -> bytes:
    """What a copy of this process says; it has the limits of one file, and ends with it."""
    reading, writing = os.pipe()
    copy = os.fork()
    if copy == 0:
        code = 1
        try:
            os.close(0)
            os.close(reading)
            with os.fdopen(descriptor, "rb") as stream:
                os.write(writing, answer_about(stream))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        line = answer.read(_LONGEST_ANSWER)
    _, status = os.waitpid(copy, 0)
    return line if status == 0 and line.endswith(b"\n") else b"null\n"


def _serve() -> int:
    """Descriptors come over the socket that is the standard input; its end is ours."""
    import gc
    import socket  # late: not for the child of one file

    gc.collect()
    gc.freeze()  # copies share all this as long as nobody touches it
    with socket.socket(fileno=0) as control:
        while True:
            word, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not word:
                return 0
            [descriptor] = descriptors
            line = _answer_of_copy(descriptor)
            os.close(descriptor)
            os.write(1, line)


def _serve_paths() -> int:
    """On Windows: a path a line. A file that goes wrong ends the process."""
    for line in sys.stdin.buffer:
        with open(json.loads(line), "rb") as stream:  # noqa: PTH123 - as it was given
            sys.stdout.buffer.write(answer_about(stream))
            sys.stdout.buffer.flush()
    return 0


def main(arguments: Sequence[str]) -> int:
    """`arguments`: an inherited descriptor, or on Windows the path; or "serve"."""
    importlib.import_module("exai_desktop.engine.files.confinement")
    limit_self()
    import_all()
    [given] = arguments
    if given == SERVE:
        return _serve_paths() if sys.platform == "win32" else _serve()
    with os.fdopen(int(given), "rb") if given.isdecimal() else open(given, "rb") as stream:  # noqa: PTH123 - as it was given
        line = answer_about(stream)
    sys.stdout.write(line.decode())
    return 0
