"""Microsoft Defender's command-line scan of one file. It reports; it removes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from exai_desktop.core.files.files import (
    FileOnDisk,
    ScanResult,
    ScanVerdict,
    not_scanned,
    scanner_text,
)

ENGINE: Final = "Microsoft Defender"
_FOUND: Final = 2
_PROGRAM: Final = "MpCmdRun.exe"
# It ends with 2 also when it could not scan (switched off, no rights), and then names the error.
_ERROR: Final = re.compile(rb"\bhr\s*=\s*0x[0-9a-fA-F]{8}")
_THREAT: Final = re.compile(rb"Threat\s*:\s*([\x21-\x7e]{1,150})")


def find_defender(environment: Mapping[str, str] | None = None) -> str | None:
    """The newest one: updates come into folders of their own, named by version."""
    given = os.environ if environment is None else environment
    data, programs = given.get("PROGRAMDATA"), given.get("PROGRAMFILES")
    if data:
        platform = Path(data, "Microsoft", "Windows Defender", "Platform")
        found = list(platform.glob(f"*/{_PROGRAM}"))
        if found:
            return str(max(found, key=lambda path: _version(path.parent.name)))
    if programs:
        built_in = Path(programs, "Windows Defender", _PROGRAM)
        if built_in.is_file():
            return str(built_in)
    return None


def _version(folder: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder)]


class Defender:
    """`core.machine.MalwareScanner`. `command` is what the arguments are put behind."""

    def __init__(self, command: Sequence[str], answer_s: float = 120.0) -> None:
        self._command = tuple(command)
        self._answer_s = answer_s

    async def describe(self) -> str:
        return f"{scanner_text(ENGINE, '')} ({self._command[0]})"

    async def scan(self, file: FileOnDisk) -> ScanResult:
        try:
            async with asyncio.timeout(self._answer_s):
                code, said = await self._run(file.path)
        except TimeoutError:
            return not_scanned("the scanner did not answer in time", ENGINE)
        except OSError:
            return not_scanned("the scanner could not be started", ENGINE)
        # It goes by the path: only an unchanged file is the one that is open here.
        if file.has_changed():
            return not_scanned("the file changed during the scan", ENGINE)
        if code == 0:
            return ScanResult(ScanVerdict.CLEAN, "", ENGINE)
        if code == _FOUND and not _ERROR.search(said):
            named = _THREAT.search(said)
            return ScanResult(ScanVerdict.FOUND, named[1].decode() if named else "malware", ENGINE)
        return not_scanned(f"the scanner ended with code {code}", ENGINE)

    async def _run(self, path: str) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *("-Scan", "-ScanType", "3", "-File", path, "-DisableRemediation"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            said, _ = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            code = await process.wait()
        return code, said
