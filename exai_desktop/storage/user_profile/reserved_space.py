"""Reserved disk space: a file that is deleted when the disk is full."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

# 1 MiB was measured to be too little: the log, a checkpoint and a commit must fit.
RESERVED_BYTES: Final = 16 * 1024 * 1024


class ReservedSpace:
    """`core.machine.Disk`. `release` may be called from any thread."""

    def __init__(self, folder: Path, size: int = RESERVED_BYTES) -> None:
        self._folder = folder
        self._file = folder / "ballast"  # the name that existing profiles have
        self._size = size
        self._lock = threading.Lock()
        self._on_release: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        return self._size

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free

    def total_bytes(self) -> int:
        return shutil.disk_usage(self._folder).total

    def is_held(self) -> bool:
        try:
            return self._file.stat().st_size == self._size
        except OSError:
            return False

    def hold(self) -> bool:
        """Reserve the space; returns whether it is reserved now."""
        with self._lock:
            if self.is_held():
                return True
            try:
                self._fill()
            except OSError:
                self._file.unlink(missing_ok=True)
                return False
            return True

    def _fill(self) -> None:
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, self._size)
            else:
                block = bytes(1024 * 1024)
                for _ in range(0, self._size, len(block)):
                    os.write(handle, block)
        finally:
            os.close(handle)

    def release(self) -> bool:
        """Free the space; returns whether any was reserved."""
        with self._lock:
            if not self.is_held():
                return False
            self._file.unlink(missing_ok=True)
        self._on_release()
        return True

    def watch(self, on_release: Callable[[], None]) -> None:
        self._on_release = on_release
