"""A separate process for parsers of hostile files: it can fail, and nothing else does.

The child gets the open file, limits on memory and computing time, no secrets in its environment,
and one line to answer. Whatever else happens (a crash, a limit, silence, a flood) is no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from exai_desktop.core.sniff import Finding, Note, Verdict
from exai_desktop.engine.files.open_file import RegularFile
from exai_desktop.engine.files.pdf_child import VERB

WALL_S: Final = 20.0
_LONGEST_ANSWER: Final = 4 * 1024
# What a program needs to start, on Windows and frozen; nothing that holds a secret.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "WINDIR")

RESTRICTED: Final = "it opens without a password; printing or copying may be limited"


def child_command() -> list[str]:
    """This program as the child. `-I`: nothing of the user's environment or folder is imported."""
    is_frozen = getattr(sys, "frozen", False)
    program = [sys.executable] if is_frozen else [sys.executable, "-I", "-m", "exai_desktop"]
    return [*program, VERB]


async def ask_guarded(
    command: Sequence[str], file: RegularFile, wall_s: float = WALL_S
) -> dict[str, Any] | None:
    """The child's answer about the file, None when it gave none. It has ended when this returns."""
    on_windows = sys.platform == "win32"
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            file.path if on_windows else str(file.fileno()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            limit=_LONGEST_ANSWER,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            pass_fds=() if on_windows else (file.fileno(),),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(wall_s):
            line = await process.stdout.readline()
            code = await process.wait()
        found = json.loads(line) if code == 0 else None
    except (TimeoutError, ValueError):  # too late, too much, or no JSON
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()  # a pipe that was not read to its end would stay open
    return found if isinstance(found, dict) else None


async def without_idle_password(
    verdict: Verdict, file: RegularFile, turn: asyncio.Semaphore
) -> Verdict:
    """A PDF that is encrypted but opens for everybody is not held against anybody.

    `turn` bounds how many children run at once.
    """
    if verdict.kind != "pdf" or verdict.finding(Note.ENCRYPTED) is None:
        return verdict
    async with turn:
        answer = await ask_guarded(child_command(), file)
    if answer is None or answer.get("opens") is not True:
        return verdict
    kept = (finding for finding in verdict.findings if finding.note is not Note.ENCRYPTED)
    return replace(verdict, findings=(*kept, Finding(Note.RESTRICTED, RESTRICTED)))
