"""Judging an open file before it is sent: its content, and what a scan for malware says.

Whatever a parser does, the answer is a verdict. What no parser of our own must touch goes to a
separate process: it can fail, and nothing else does. The child gets the open file, limits on memory
and computing time, no secrets in its environment, and one line to answer. Whatever else happens (a
crash, a limit, silence, a flood) is no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, FileError
from exai_desktop.core.files.files import (
    FileOnDisk,
    MalwareScanner,
    OpenFile,
    ScanResult,
    ScanVerdict,
    not_scanned,
)
from exai_desktop.core.jobs.store import JobChanges
from exai_desktop.core.sniff import (
    Content,
    Damage,
    Finding,
    LookEnded,
    Note,
    Source,
    Verdict,
    sniff,
    verdict_of,
)
from exai_desktop.engine.files.clamd import Clamd
from exai_desktop.engine.files.defender import Defender, find_defender
from exai_desktop.engine.files.open_file import RegularFile
from exai_desktop.engine.files.pdf_child import VERB
from exai_desktop.engine.files.warm_child import WarmChildren
from exai_desktop.engine.waiting import Readers, uninterrupted

log = logging.getLogger(__name__)

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


def child_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


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
            env=child_environment(),
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
    verdict: Verdict, file: RegularFile, turn: asyncio.Semaphore, children: WarmChildren
) -> Verdict:
    """A PDF that is encrypted but opens for everybody is not held against anybody.

    `turn` bounds how many children run at once.
    """
    if verdict.kind != "pdf" or verdict.finding(Note.ENCRYPTED) is None:
        return verdict
    async with turn:
        answer = await children.ask(file, WALL_S)
    if answer is None or answer.get("opens") is not True:
        return verdict
    kept = (finding for finding in verdict.findings if finding.note is not Note.ENCRYPTED)
    return replace(verdict, findings=(*kept, Finding(Note.RESTRICTED, RESTRICTED)))


BUDGET_S: Final = 2.0


def inspect(file: OpenFile, path: str, budget_s: float = BUDGET_S) -> Verdict:
    """Judge in a reader thread, through the descriptor that is hashed and sent.

    Raises only the `FileError` of a disk that cannot be read. Whatever a parser does, the answer
    is the verdict `unreadable`, and unreadable files are refused.
    """
    began = time.monotonic()
    deadline = began + budget_s

    def is_late() -> bool:
        return time.monotonic() > began + budget_s / 2

    def read_at(offset: int, size: int) -> bytes:
        if time.monotonic() > deadline:
            raise LookEnded("checking its content took too long")
        return file.read_at(offset, size)

    try:
        return sniff(Source(read_at, file.id.size, is_late=is_late), path, legacy_encoding)
    except FileError:
        raise
    except Damage as error:
        return _unreadable(str(error), path)
    except Exception as error:  # noqa: BLE001 - hostile files find what nobody thought of
        # The class only: a message or a trace could quote the file.
        log.warning("judging a file failed: %s", type(error).__name__)
        return _unreadable("its content could not be checked", path)


def _unreadable(why: str, path: str) -> Verdict:
    return verdict_of(Content("unreadable", (Finding(Note.UNREADABLE, why),)), path)


def legacy_encoding(sample: bytes) -> str | None:
    """The encoding of text that is neither UTF-8 nor UTF-16, None when it is no text."""
    from charset_normalizer import from_bytes  # only such files need it

    # A sample may end within a character of up to four bytes; that alone makes it no binary.
    for missing in range(4):
        try:
            best = from_bytes(
                sample[: len(sample) - missing], steps=5, chunk_size=512, threshold=0.2
            ).best()
        except Exception as error:  # noqa: BLE001 - a guess: without one it is no text
            log.warning("guessing an encoding failed: %s", type(error).__name__)
            return None
        if best is not None:
            return best.encoding
    return None


class ContentCheck:
    """The verdict on an open file. `at_once`: each guarded child may take 1 GiB."""

    def __init__(self, readers: Readers, at_once: int = 2) -> None:
        self._readers = readers
        self._turn = asyncio.Semaphore(at_once)
        self._children = WarmChildren(child_command(), child_environment())

    async def close(self) -> None:
        """Ends the children that wait for the next file."""
        await self._children.close()

    async def judge(self, file: RegularFile, path: str, known: Verdict | None = None) -> Verdict:
        """`known`: what `inspect` has said of it already. Raises only the `FileError` of a disk
        that cannot be read."""
        # To its end even when cancelled: the descriptor must not be closed under the reader.
        verdict = known
        if verdict is None:
            verdict = await uninterrupted(self._readers.read(inspect, file, path))
        return await without_idle_password(verdict, file, self._turn, self._children)


# Where Debian, Fedora, Arch, the BSDs and Homebrew put the daemon's socket.
USUAL_SOCKETS: Final = (
    "/run/clamav/clamd.ctl",
    "/var/run/clamav/clamd.ctl",
    "/run/clamav/clamd.sock",
    "/run/clamd.scan/clamd.sock",
    "/var/run/clamav/clamd.sock",
    "/opt/homebrew/var/run/clamav/clamd.sock",
    "/usr/local/var/run/clamav/clamd.sock",
    "/tmp/clamd.socket",  # noqa: S108 - only if it belongs to somebody we trust
)
_DAEMON_USERS: Final = ("clamav", "clamscan", "_clamav", "clamupdate")

# Looking costs a few system calls: not for every one of 10,000 files.
_LOOK_EVERY_S: Final = 5.0

NO_SCANNER: Final = "no scanner on this computer"
SWITCHED_OFF: Final = "switched off in the settings"

Mode = Literal["off", "if_available", "required"]


class ScanRefusedError(FileError):
    """The file is not sent because of this scan."""

    def __init__(self, code: ErrorCode, scan: ScanResult) -> None:
        super().__init__(code, scan.detail)
        self.scan = scan


class MalwareCheck:
    """The scan that the settings ask for. `find` looks for a scanner and may be slow."""

    def __init__(
        self,
        mode: Mode,
        find: Callable[[], MalwareScanner | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mode = mode
        self._find = find
        self._monotonic = monotonic
        self._scanner: MalwareScanner | None = None
        self._look_again_at = float("-inf")

    async def describe(self) -> str:
        """For people: the scanner found now, and whether it answers."""
        if self._mode == "off":
            return SWITCHED_OFF
        scanner = self._find()
        if scanner is None:
            return f"none: {NO_SCANNER}"
        try:
            return await scanner.describe()
        except OSError:
            return "found, but it does not answer"

    async def check(self, file: FileOnDisk) -> ScanResult:
        """Raises `ScanRefusedError` MALWARE_DETECTED, and NOT_SCANNED when a scan is required."""
        if self._mode == "off":
            return not_scanned(SWITCHED_OFF)
        scanner = self._known_scanner()
        scan = not_scanned(NO_SCANNER) if scanner is None else await scanner.scan(file)
        if scan.verdict is ScanVerdict.FOUND:
            raise ScanRefusedError(ErrorCode.MALWARE_DETECTED, scan)
        if scan.verdict is ScanVerdict.NOT_SCANNED and self._mode == "required":
            raise ScanRefusedError(ErrorCode.NOT_SCANNED, scan)
        return scan

    def _known_scanner(self) -> MalwareScanner | None:
        now = self._monotonic()
        # With a scan required, whoever has just started the scanner need not wait.
        must_look = self._mode == "required" and self._scanner is None
        if must_look or now >= self._look_again_at:
            self._scanner = self._find()
            self._look_again_at = now + _LOOK_EVERY_S
        return self._scanner


def scan_changes(scan: ScanResult | None) -> JobChanges:
    """The columns that hold a scan; None leaves them as they are."""
    if scan is None:
        return JobChanges()
    return JobChanges(
        scan_verdict=scan.verdict.value,
        scan_detail=scan.detail,
        scan_engine=scan.engine,
        scan_database=scan.database,
    )


def scan_behind(error: AppError) -> ScanResult | None:
    """The scan that led to this error."""
    return error.scan if isinstance(error, ScanRefusedError) else None


def system_scanner(
    address: str, readers: Executor, places: Sequence[str] = USUAL_SOCKETS
) -> MalwareScanner | None:
    """What `clamd_address` names; else a daemon at its usual place; else Defender on Windows."""
    if address:
        return Clamd(address, readers)
    if sys.platform == "win32":
        program = find_defender()
        return Defender([program]) if program else None
    place = next(filter(_is_trusted_socket, places), None)
    return Clamd(place, readers) if place else None


def _is_trusted_socket(place: str) -> bool:
    """Whoever listens there gets all files: not just anybody who made a socket in /tmp."""
    try:
        found = Path(place).stat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid in _trusted_users()


def _trusted_users() -> set[int]:
    import pwd  # not on Windows

    trusted = {0, os.getuid()}
    for name in _DAEMON_USERS:
        try:
            trusted.add(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    return trusted
