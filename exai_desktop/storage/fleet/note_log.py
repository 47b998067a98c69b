"""The newest notes on the contents of one account: lines that are only ever added to a file.

A line is on disk with one sync; a database needs five for each change. Several programs write and
read the file. A line that was cut by a power failure, or that does not match its checksum, counts
as not written. All calls are made by one thread at a time.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import zlib
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_SUM: Final = 8  # hex digits before each line
# The first line is random: it tells whether the file was emptied, and perhaps filled, since.
_HEAD_BYTES: Final = 32


class NoteLog:
    """Contents and what is noted of them; a note of None: there is none any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._file: tuple[int, int] | None = None
        self._head = b""
        self._read = 0
        self._notes: dict[str, str | None] = {}

    def newest(self) -> dict[str, str | None]:
        """What the file says now. Not to be kept: the next call changes it. Raises OSError."""
        self._open_current()
        head = _read(self._fd, 0, _HEAD_BYTES)
        if head != self._head:
            self._forget()
            self._head = head
        end = os.fstat(self._fd).st_size
        if end > self._read:
            self._take(_read(self._fd, self._read, end - self._read))
        return self._notes

    def add(self, content: str, claim: str | None) -> None:
        """On disk when it returns. The caller keeps other programs from writing. Raises OSError."""
        self._open_current()
        line = json.dumps([content, claim], ensure_ascii=True).encode()
        # A line that was cut has no end: the new one begins on a line of its own.
        written = b"\n%s%s\n" % (_checksum(line), line)
        if not os.fstat(self._fd).st_size:
            written = secrets.token_hex(_HEAD_BYTES // 2).encode() + written
        if os.write(self._fd, written) != len(written):
            raise OSError(errno.ENOSPC, "a note was written in part")
        _sync(self._fd)

    def empty(self) -> None:
        """When all of it is kept elsewhere. The caller keeps other programs from writing."""
        self._open_current()
        os.ftruncate(self._fd, 0)
        os.fsync(self._fd)
        self._forget()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._file = -1, None
        self._forget()

    def _forget(self) -> None:
        self._head, self._read = b"", 0
        self._notes.clear()

    def _open_current(self) -> None:
        """The file may have been removed since: what is written into the former one is lost."""
        if self._fd >= 0 and self._found() == self._file:
            return
        self.close()
        is_new = not self._path.exists()
        self._fd = os.open(self._path, _FLAGS | _BINARY, 0o600)
        self._file = self._found()
        if is_new:
            _sync_folder(self._path.parent)

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _take(self, text: bytes) -> None:
        """The last line may be under way just now: it is read again when it has its end."""
        whole = text.rfind(b"\n") + 1
        for line in text[:whole].splitlines():
            if not line or line == self._head:
                continue
            if _checksum(line[_SUM:]) != line[:_SUM]:
                log.warning("a note on a content cannot be read")
                continue
            content, claim = json.loads(line[_SUM:])
            self._notes.pop(content, None)  # its place is that of the newest line
            self._notes[content] = claim
        self._read += whole


def _checksum(line: bytes) -> bytes:
    return b"%08x" % zlib.crc32(line)


def _read(fd: int, at: int, size: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(fd, size, at)
    os.lseek(fd, at, os.SEEK_SET)
    return os.read(fd, size)


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # a folder cannot be opened there
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
