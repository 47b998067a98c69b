"""Locks of the kernel on single bytes of one empty file: as many locks as there are numbers.

A lock ends with its process, however that ends. The file itself stays for ever: deleting it lets
two processes hold "the" lock.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path
from typing import Final

# The kernel's answers when another process holds it.
_TAKEN: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})


class ByteLocks:
    """One object a file and process. Any thread may take a lock, and any may give it back.

    With POSIX a process loses all its locks on a file when it closes any handle of that file: so
    there is one handle, open as long as anything is held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._held: set[int] = set()
        self._handle = -1

    def take(self, at: int) -> bool:
        """Take the lock of byte `at`; False: somebody has it. Raises OSError."""
        with self._guard:
            if at in self._held:
                return False
            if self._handle < 0:
                flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
                self._handle = os.open(self._path, flags, 0o600)
            try:
                _lock(self._handle, at)
            except OSError as error:
                self._close_unused()
                if error.errno in _TAKEN:
                    return False
                raise
            self._held.add(at)
            return True

    def give_back(self, at: int) -> None:
        with self._guard:
            if at in self._held:
                _unlock(self._handle, at)
                self._held.discard(at)
            self._close_unused()

    def _close_unused(self) -> None:
        if not self._held and self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


_known: Final[dict[str, ByteLocks]] = {}
_known_guard: Final = threading.Lock()


def byte_locks(path: Path) -> ByteLocks:
    """The only object for this file."""
    with _known_guard:
        return _known.setdefault(os.path.realpath(path), ByteLocks(path))


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, at: int) -> None:
        os.lseek(handle, at, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _unlock(handle: int, at: int) -> None:
        os.lseek(handle, at, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(handle: int, at: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)

    def _unlock(handle: int, at: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_UN, 1, at)
