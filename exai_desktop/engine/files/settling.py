"""Files that were seen and may still change: each waits until it has been the same for a while.

A file that another program has open for writing waits, too, where the system tells.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from exai_desktop.core.jobs.watched_folders import FoundFile

# More are looked for when some of these have gone: memory is bounded.
MOST: Final = 20_000

_PROCESSES: Final = Path("/proc")


class Settling:
    """`now` is monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[FoundFile, float]] = {}

    def __len__(self) -> int:
        return len(self._since)

    @property
    def is_full(self) -> bool:
        return len(self._since) >= MOST

    def see(self, file: FoundFile, now: float) -> None:
        """It is there, like this; a changed one begins to wait anew."""
        known = self._since.get(file.path)
        if known is None or known[0].id != file.id:
            self._since[file.path] = (file, now)

    def settled(self, now: float, settle_s: float, most: int) -> list[FoundFile]:
        """Those that have been the same for so long, the first ones first."""
        found: list[FoundFile] = []
        for file, since in self._since.values():
            if now - since >= settle_s:
                found.append(file)
                if len(found) >= most:
                    break
        return found

    def wait_anew(self, file: FoundFile, now: float) -> None:
        """Behind all others: somebody is still at it."""
        self._since.pop(file.path, None)
        self._since[file.path] = (file, now)

    def forget(self, path: str) -> None:
        self._since.pop(path, None)

    def next_s(self, now: float, settle_s: float) -> float | None:
        """Seconds until the first one may have settled; None: there is none."""
        firsts = (since for _, since in self._since.values())
        first = min(firsts, default=None)
        return None if first is None else max(0.0, first + settle_s - now)


def being_written(paths: Collection[str]) -> set[str]:
    """Those of these real paths that a program of this user has open for writing. Blocks.

    Only where the system tells; elsewhere size and time alone say whether a file is complete.
    """
    if sys.platform != "linux" or not paths:
        return set()
    return set(paths) & set(_written())


def _written() -> Iterator[str]:
    try:
        processes = [each for each in _PROCESSES.iterdir() if each.name.isdigit()]
    except OSError:
        return
    own = str(os.getpid())
    for process in processes:
        if process.name == own:
            continue
        # Processes of others, and those that have ended meanwhile.
        with suppress(OSError):
            for link in (process / "fd").iterdir():
                with suppress(OSError):
                    if link.lstat().st_mode & stat.S_IWUSR:
                        yield str(link.readlink())
