"""Walking what was dropped: every file below becomes one new job, accepted or refused.

Runs in a reader thread. Nothing found is passed over in silence: a folder skipped by rule, an
unreadable one or an empty one is a row of its own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.files.files import judge, why_skipped
from exai_desktop.core.files.names import display_name
from exai_desktop.core.files.path_policy import secret_folder_of
from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.engine.files.folder_places import without_parents
from exai_desktop.engine.files.open_file import AllowedPlaces, translate

# One transaction and one model change each.
CHUNK: Final = 500

_REFUSED_KINDS: Final = (stat.S_ISFIFO, stat.S_ISSOCK, stat.S_ISCHR, stat.S_ISBLK)


def _refused(path: str, code: ErrorCode, detail: str = "") -> NewJob:
    return NewJob(path, 0, ErrorView.of(AppError(code, detail)))


class Scanner:
    """One walk over one drop. `max_bytes` is the app's own limit.

    `places`: all must lie there; None: a person has chosen the paths.
    """

    def __init__(
        self,
        max_bytes: int,
        stopped: Callable[[], bool],
        places: AllowedPlaces | None = None,
    ) -> None:
        self._places = places
        # The path itself lies among secrets: its user has named it.
        self._is_among_secrets = False
        self._max_bytes = max_bytes
        self._stopped = stopped
        # Folders by device and inode: a link or junction back up would never end.
        self._seen: set[tuple[int, int]] = set()

    def walk(self, paths: Sequence[str]) -> Iterator[list[NewJob]]:
        """Lists of up to `CHUNK` jobs, in the order of the names on disk."""
        chunk: list[NewJob] = []
        is_empty = True
        for path in paths:
            for job in self._named(path):
                if self._stopped():
                    return
                is_empty = False
                chunk.append(job)
                if len(chunk) >= CHUNK:
                    yield chunk
                    chunk = []
        if is_empty and paths and not self._stopped():
            # A folder that holds only a link back to itself: even that is said.
            chunk.append(_refused(without_parents(paths[0]), ErrorCode.EMPTY_FOLDER))
        if chunk:
            yield chunk

    def _named(self, given: str) -> Iterator[NewJob]:
        path = without_parents(given) if given else ""
        if self._places is not None:
            try:
                self._places.check_given(given)
            except AppError as error:
                yield NewJob(path.replace("\0", "\ufffd"), 0, ErrorView.of(error))
                return
        yield from self._dropped(path)

    def _dropped(self, path: str) -> Iterator[NewJob]:
        """A path the user named: a link is followed, a skipped folder is not skipped."""
        try:
            found = os.stat(path)
        except OSError as error:
            refusal = translate(error, path)
            yield NewJob(path, 0, ErrorView.of(refusal))
            return
        except ValueError:
            yield _refused(path.replace("\0", "\ufffd"), ErrorCode.FILE_NOT_FOUND)
            return
        if stat.S_ISDIR(found.st_mode):
            both = (path, os.path.realpath(path))
            self._is_among_secrets = any(map(secret_folder_of, both))
            yield from self._folder(path)
        else:
            yield self._file(path, found)

    def _file(self, path: str, found: os.stat_result) -> NewJob:
        mode = found.st_mode
        if not stat.S_ISREG(mode) and any(is_kind(mode) for is_kind in _REFUSED_KINDS):
            return _refused(path, ErrorCode.NOT_A_FILE)
        try:
            judge(display_name(path), found.st_size, self._max_bytes)
        except AppError as error:
            return NewJob(path, found.st_size, ErrorView.of(error))
        return NewJob(path, found.st_size)

    def _folder(self, path: str) -> Iterator[NewJob]:
        """Depth first without recursion, so that depth costs no stack."""
        waiting = [path]
        while waiting and not self._stopped():
            folder = waiting.pop()
            try:
                info = os.stat(folder)
                if (info.st_dev, info.st_ino) in self._seen:
                    continue
                self._seen.add((info.st_dev, info.st_ino))
                with os.scandir(folder) as entries:
                    listed = sorted(entries, key=lambda e: e.name)
            except OSError as error:
                yield _refused(folder, ErrorCode.FOLDER_UNREADABLE, error.strerror or "")
                continue
            if not listed:
                yield _refused(folder, ErrorCode.EMPTY_FOLDER)
            folders: list[str] = []
            for entry in listed:
                yield from self._entry(entry, folders)
            waiting.extend(reversed(folders))

    def _entry(self, entry: os.DirEntry[str], folders: list[str]) -> Iterator[NewJob]:
        try:
            is_folder = entry.is_dir()
            if is_folder or entry.is_symlink():
                why = self._why_skipped(entry, is_folder=is_folder)
                if why is not None:
                    yield _refused(entry.path, ErrorCode.FOLDER_SKIPPED, why)
                    return
            if self._places is not None and entry.is_symlink():
                self._places.check_found(entry.path)
            if is_folder:
                folders.append(entry.path)
                return
            found = entry.stat()
        except AppError as error:
            yield NewJob(entry.path, 0, ErrorView.of(error))
            return
        except OSError as error:
            yield NewJob(entry.path, 0, ErrorView.of(translate(error, entry.path)))
            return
        yield self._file(entry.path, found)

    def _why_skipped(self, entry: os.DirEntry[str], *, is_folder: bool) -> str | None:
        """A link in a folder from elsewhere may lead to the user's keys, under any name."""
        lies_at = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
        return why_skipped(
            entry.name if is_folder else "", "" if self._is_among_secrets else lies_at
        )
