"""Looking through a watched folder: its files, its subfolders, and what is passed over and why.

Links are never followed. Runs in a reader thread, a piece at a time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.files.files import FileId, judge, why_skipped
from exai_desktop.core.jobs.watched_folders import (
    IGNORE_FILE,
    FoundFile,
    SkippedFile,
    SkipReason,
)
from exai_desktop.engine.files.ignore_rules import IgnoreRules

R = SkipReason


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """A subfolder that was looked through; "" is the watched folder itself."""

    path: str


Found = FoundFile | FoundFolder | SkippedFile

_BY_CODE: Final = {
    ErrorCode.SYSTEM_FILE: R.SYSTEM,
    ErrorCode.EMPTY_FILE: R.EMPTY,
    ErrorCode.FILE_TOO_LARGE: R.TOO_LARGE,
    ErrorCode.INVALID_FILE_TYPE: R.KIND,
    ErrorCode.INVALID_EXTENSION: R.KIND,
}


@dataclass(frozen=True, slots=True)
class TreeRules:
    """`takes` raises an `AppError` for the name and size of a file that no account accepts.
    `own`: real folders of the program itself, from which nothing is ever sent."""

    ignore: IgnoreRules
    max_bytes: int
    takes: Callable[[str, int], None]
    own: Sequence[str] = ()
    with_subfolders: bool = True
    has_inodes: bool = True


class WatchedTree:
    """One look. `root` is the real path of the folder."""

    def __init__(self, root: str, rules: TreeRules) -> None:
        self._root = root
        self._rules = rules
        self._seen: set[tuple[int, int]] = set()

    def all(self) -> Iterator[Found]:
        """Everything."""
        yield from self._folder("")

    def at(self, paths: Sequence[str]) -> Iterator[Found]:
        """What lies at these paths, relative ones, and below them; what is gone is nothing."""
        for path in paths:
            if path in ("", "."):
                yield from self._folder("")
            elif self._is_reached(path):
                yield from self._entry(path)

    def _is_reached(self, path: str) -> bool:
        """Whether a look at everything would come to it."""
        parts = Path(path).parts
        above = [str(Path(*parts[:count])) for count in range(1, len(parts))]
        if above and not self._rules.with_subfolders:
            return False
        return ".." not in parts and all(map(self._is_entered, above))

    def _is_entered(self, folder: str) -> bool:
        try:
            found = self._whole(folder).lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and self._why_not_entered(folder) is None

    def _whole(self, path: str) -> Path:
        return Path(self._root, path)

    def _why_not_entered(self, folder: str) -> SkippedFile | None:
        whole = str(self._whole(folder))
        why = why_skipped(Path(folder).name, whole)
        if why is None and whole in self._rules.own:
            why = "it belongs to this program"
        if why is not None:
            return SkippedFile(folder, R.FOLDER, why)
        if self._rules.ignore.ignores(folder, is_folder=True):
            return SkippedFile(folder, R.PATTERN)
        return None

    def _folder(self, path: str) -> Iterator[Found]:
        """Depth first without recursion, so that depth costs no stack."""
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            whole = self._whole(folder)
            try:
                found = whole.lstat()
                if (found.st_dev, found.st_ino) in self._seen:
                    continue
                self._seen.add((found.st_dev, found.st_ino))
                names = sorted(os.listdir(whole))  # noqa: PTH208 - names as they are
            except FileNotFoundError:
                continue
            except OSError as error:
                yield SkippedFile(folder, R.UNREADABLE, error.strerror or "")
                continue
            yield FoundFolder(folder)
            below: list[str] = []
            for name in names:
                inner = str(Path(folder, name))
                yield from self._entry(inner, below)
            waiting.extend(reversed(below))

    def _entry(self, path: str, below: list[str] | None = None) -> Iterator[Found]:
        """`below` takes a subfolder for later; without it, it is looked through at once."""
        whole = self._whole(path)
        try:
            found = whole.lstat()
        except OSError:
            return  # gone meanwhile
        if _is_link(whole, found):
            yield self._link(path)
        elif stat.S_ISDIR(found.st_mode):
            if not self._rules.with_subfolders:
                return
            skipped = self._why_not_entered(path)
            if skipped is not None:
                yield skipped
            elif below is not None:
                below.append(path)
            else:
                yield from self._folder(path)
        else:
            yield self._file(path, found)

    def _link(self, path: str) -> SkippedFile:
        if self._rules.ignore.ignores(path):
            return SkippedFile(path, R.PATTERN)
        target = os.path.realpath(self._whole(path))
        is_inside = Path(target).is_relative_to(self._root)
        return SkippedFile(path, R.LINK if is_inside else R.LINK_OUT)

    def _file(self, path: str, found: os.stat_result) -> FoundFile | SkippedFile:
        if not stat.S_ISREG(found.st_mode):
            return SkippedFile(path, R.NOT_A_FILE)
        if path == IGNORE_FILE:
            return SkippedFile(path, R.SYSTEM)
        if self._rules.ignore.ignores(path):
            return SkippedFile(path, R.PATTERN)
        name = Path(path).name
        try:
            judge(name, found.st_size, self._rules.max_bytes)
            self._rules.takes(name, found.st_size)
        except AppError as error:
            reason = _BY_CODE.get(error.code)
            if reason is not None:
                return SkippedFile(path, reason, error.detail)
        return found_file(path, found, has_inode=self._rules.has_inodes)

    def again(self, file: FoundFile) -> FoundFile | None:
        """As it is now; None when it is gone, or nothing that may be sent any more."""
        if not self._is_reached(file.path):
            return None
        found = next(self._entry(file.path), None)
        return found if isinstance(found, FoundFile) else None


def _is_link(path: Path, found: os.stat_result) -> bool:
    """Windows has junctions, too."""
    return stat.S_ISLNK(found.st_mode) or getattr(path, "is_junction", bool)()


def found_file(path: str, found: os.stat_result, *, has_inode: bool) -> FoundFile:
    known = FileId(found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino)
    return FoundFile(path, known, found.st_ctime, has_inode)
