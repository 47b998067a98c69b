"""The guarded child: does a PDF open without a password? One line of JSON, then the end.

Started by `engine.files.file_checks` only. Nothing of the file is parsed before the limits
are in force.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import BinaryIO, Final

VERB: Final = "guarded-pdf"
MEMORY_BYTES: Final = 1024 * 1024 * 1024
CPU_S: Final = 30


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


def main(arguments: Sequence[str]) -> int:
    """`arguments`: an inherited descriptor, or on Windows the path."""
    limit_self()
    [given] = arguments
    with os.fdopen(int(given), "rb") if given.isdecimal() else open(given, "rb") as stream:  # noqa: PTH123 - as it was given
        opens = opens_without_password(stream)
    sys.stdout.write(json.dumps({"opens": opens}) + "\n")
    return 0
