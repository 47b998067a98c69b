"""One process a profile: a lock of the kernel, gone with the process however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, not_written


class ProfileLock:
    """The lock file itself stays for ever: deleting one lets two processes hold "the" lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # A file of its own: on Windows no process can read a locked file.
        self._pid_file = path.with_suffix(".pid")
        self._lock = FileLock(
            path,
            mode=0o600,
            thread_local=False,
            blocking=False,
            fallback_to_soft=False,
            preserve_lock_file=True,
        )

    def acquire(self) -> None:
        """Raises ANOTHER_INSTANCE at once when another process, or another object, holds it."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            pid = self.holder()
            who = f"process {pid}" if pid else "its process is not known"
            raise EngineError(ErrorCode.ANOTHER_INSTANCE, who) from error
        except OSError as error:
            # Also a network folder without locks: without one the database is not safe.
            raise not_written(error, f"the profile cannot be locked: {self._path}") from error
        with suppress(OSError):
            self._pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")

    def release(self) -> None:
        if self._lock.is_locked:
            self._pid_file.unlink(missing_ok=True)
            self._lock.release()

    def holder(self) -> int | None:
        """The process that wrote its number last; only for people, it may be gone."""
        try:
            return int(self._pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
