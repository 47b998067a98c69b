"""Opening one of the user's files: one descriptor, regular files only, links resolved once."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import stat
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import FileId
from exai_desktop.core.files.path_policy import OUTSIDE, PathPolicy
from exai_desktop.core.jobs.jobs import JobView
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.core.sniff import SecretSearch
from exai_desktop.engine.files.folder_mark import drive_of
from exai_desktop.engine.files.folder_places import holds_one
from exai_desktop.engine.waiting import Readers, goes_on, uninterrupted

# Each piece is one read and one hash update: 1 MiB is where neither call's overhead shows.
PIECE: Final = 1024 * 1024

# A drive that answers later than this does not answer. Whoever cancels waits for less.
OPENED_WITHIN_S: Final = 60.0
CANCELLED_WITHIN_S: Final = 2.0

# A FIFO must not hang the open, a link swapped in after resolving must not be followed.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

# Of a folder on the way only its name below the one before is used: that needs no right to list it.
_STEP: Final = (
    getattr(os, "O_PATH", 0)
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_CAN_STEP: Final = hasattr(os, "O_PATH") and os.open in os.supports_dir_fd

_CODES: Final = {
    errno.ENOENT: ErrorCode.FILE_NOT_FOUND,
    errno.ENOTDIR: ErrorCode.FILE_NOT_FOUND,
    errno.ENAMETOOLONG: ErrorCode.FILE_NOT_FOUND,
    errno.EACCES: ErrorCode.FILE_UNREADABLE,
    errno.EPERM: ErrorCode.FILE_UNREADABLE,
    errno.ENXIO: ErrorCode.NOT_A_FILE,
    errno.EISDIR: ErrorCode.NOT_A_FILE,
    errno.ELOOP: ErrorCode.DANGLING_LINK,
}


def translate(error: OSError, path: str) -> FileError:
    """An operating system's refusal in our words; a link that leads nowhere has its own."""
    code = _CODES.get(error.errno or 0, ErrorCode.READ_FAILED)
    if code is ErrorCode.FILE_NOT_FOUND and os.path.islink(path):
        code = ErrorCode.DANGLING_LINK
    return FileError(code, error.strerror or "")


def _identity(found: os.stat_result) -> FileId:
    return FileId(found.st_size, found.st_mtime_ns, found.st_dev, found.st_ino)


class RegularFile:
    """An open regular file. `close` may be called twice."""

    def __init__(self, fd: int, path: str, identity: FileId) -> None:
        self._fd = fd
        self._path = path
        self._id = identity
        self._ahead: bytes | None = None

    @property
    def id(self) -> FileId:
        return self._id

    @property
    def path(self) -> str:
        return self._path

    def fileno(self) -> int:
        """The descriptor, for a child that inherits it."""
        return self._fd

    def read_at(self, offset: int, size: int) -> bytes:
        if self._ahead is not None and offset + size <= len(self._ahead):
            return self._ahead[offset : offset + size]
        return self._read_at(offset, size)

    @contextmanager
    def read_ahead(self) -> Iterator[None]:
        """All of a small file in one call to the system, for several looks at the same bytes."""
        self._ahead = self._read_at(0, self._id.size)
        try:
            yield
        finally:
            self._ahead = None

    def _read_at(self, offset: int, size: int) -> bytes:
        try:
            if hasattr(os, "pread"):
                return os.pread(self._fd, size, offset)
            os.lseek(self._fd, offset, os.SEEK_SET)
            return os.read(self._fd, size)
        except OSError as error:
            raise FileError(ErrorCode.READ_FAILED, error.strerror or "") from error

    def has_changed(self) -> bool:
        try:
            if _identity(os.fstat(self._fd)) != self._id:
                return True
            return _identity(os.stat(self._path)) != self._id
        except OSError:
            return True

    def place(self) -> str:
        """Where the open file lies, all links resolved. Raises FILE_CHANGED when it is gone."""
        try:
            # The system's own word for the descriptor; elsewhere the path is looked up anew.
            link = f"/proc/self/fd/{self._fd}"
            real = os.readlink(link) if os.path.lexists(link) else os.path.realpath(self._path)
            found, mine = os.lstat(real), os.fstat(self._fd)
        except OSError as error:
            raise FileError(ErrorCode.FILE_CHANGED, error.strerror or "") from error
        if (found.st_dev, found.st_ino) != (mine.st_dev, mine.st_ino):
            raise FileError(ErrorCode.FILE_CHANGED, "another file has replaced it")
        return real

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def open_regular(path: str) -> RegularFile:
    """Open for check, hash and send. Raises `FileError` with a code that names the reason."""
    try:
        # First the system's own way: realpath alone would step from a file to its folder.
        os.stat(path)
        real = os.path.realpath(path, strict=True)
        fd = os.open(real, _FLAGS)
    except OSError as error:
        raise translate(error, path) from error
    except ValueError as error:  # a null byte in the name
        raise FileError(ErrorCode.FILE_NOT_FOUND, "the name is not valid") from error
    return _regular(fd, real)


def _regular(fd: int, path: str) -> RegularFile:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise FileError(ErrorCode.NOT_A_FILE)
    return RegularFile(fd, path, _identity(found))


def open_without_links(path: str) -> RegularFile:
    """The file of a watched folder, found without a link on its way: where there is one now, it may
    lead out of the folder. Raises WATCHED_FILE_CHANGED then, and `FileError` as `open_regular`.

    Where the system cannot step from folder to folder, it is looked at where the open file lies.
    """
    if not _CAN_STEP:
        file = open_regular(path)
        try:
            if os.path.normcase(file.place()) != os.path.normcase(path):
                raise FileError(ErrorCode.WATCHED_FILE_CHANGED)
        except BaseException:
            file.close()
            raise
        return file
    try:
        return _regular(_step_to(path), path)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FileError(ErrorCode.WATCHED_FILE_CHANGED) from error
        raise translate(error, path) from error


def _step_to(path: str) -> int:
    """The descriptor of what lies at the path, no link followed."""
    top, *folders, name = Path(path).parts
    here = os.open(top, _STEP)
    try:
        for folder in folders:
            below = os.open(folder, _STEP, dir_fd=here)
            os.close(here)
            here = below
        return os.open(name, _FLAGS, dir_fd=here)
    finally:
        os.close(here)


def hash_file(
    file: RegularFile,
    on_bytes: Callable[[int], None],
    stopped: Callable[[], bool],
    search: SecretSearch | None = None,
) -> str:
    """SHA-256 of all of it, in a reader thread. Raises FILE_CHANGED, READ_FAILED, CANCELLED.

    `search` sees the same bytes: what it finds nothing in is what is sent.
    """
    digest = hashlib.sha256()
    done = 0
    while done < file.id.size:
        if stopped():
            raise FileError(ErrorCode.CANCELLED)
        piece = file.read_at(done, min(PIECE, file.id.size - done))
        if not piece:
            break
        goes_on()
        digest.update(piece)
        if search is not None:
            search.feed(piece)
        done += len(piece)
        on_bytes(done)
    if done != file.id.size or file.has_changed():
        raise FileError(ErrorCode.FILE_CHANGED)
    if search is not None:
        search.finish()
    return digest.hexdigest()


class AllowedPlaces:
    """Each look is a new one: a folder may have become a link meanwhile. Blocks."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = tuple(folders)

    def check_given(self, path: str) -> None:
        """Judge a path as it was handed over. Raises PATH_TRAVERSAL."""
        malformed = PathPolicy(self._folders).malformed(path)
        if malformed is not None:
            raise FileError(ErrorCode.PATH_TRAVERSAL, malformed)
        self.check_found(path)

    def check_found(self, path: str) -> None:
        """Judge where a path leads now, whether something is there or not."""
        self._check(os.path.realpath(path))

    def check_open(self, file: RegularFile) -> None:
        """Judge where the open file lies: a path can be turned between a look and the opening."""
        self._check(file.place())

    def _check(self, real: str) -> None:
        folders = tuple(os.path.realpath(folder) for folder in self._folders)
        policy = PathPolicy(folders)
        objection = policy.objection(real)
        usable = list(filter(policy.is_usable, folders))
        # Written otherwise, it may be the same folder: the file system knows.
        if objection == OUTSIDE and holds_one(usable, real):
            return
        if objection is not None:
            raise FileError(ErrorCode.PATH_TRAVERSAL, objection)


class HangingPlaces:
    """Folders and network drives in which an opening hangs: meanwhile no other one begins there,
    so that they take no more threads."""

    def __init__(self) -> None:
        self._places: Counter[str] = Counter()

    def check(self, path: str) -> None:
        """Raises READ_FAILED at once, instead of hanging, too."""
        if any(path.startswith(place) for place in +self._places):
            raise _silent()

    def give_up(self, path: str, opening: asyncio.Future[RegularFile]) -> FileError:
        """What hangs is closed whenever it comes to its end."""
        place = drive_of(path).rstrip(os.sep) + os.sep
        self._places[place] += 1

        def ended(opening: asyncio.Future[RegularFile]) -> None:
            self._places[place] -= 1
            close_late(opening)

        opening.add_done_callback(ended)
        return _silent()


def _silent() -> FileError:
    return FileError(ErrorCode.READ_FAILED, "the drive does not answer")


def close_late(opening: asyncio.Future[RegularFile]) -> None:
    """The file that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


@dataclass(frozen=True, slots=True)
class FileOpener:
    """Opens the files of jobs. `open_file` is another one for tests with files in memory only."""

    readers: Readers
    settings: CurrentSettings
    open_file: Callable[[str], RegularFile] = open_regular
    open_watched: Callable[[str], RegularFile] = open_without_links
    hanging: HangingPlaces = field(default_factory=HangingPlaces)

    @asynccontextmanager
    async def opened(
        self, job: JobView, look: Callable[[RegularFile], None] = lambda _: None
    ) -> AsyncIterator[RegularFile]:
        """The file, open; closed again whatever happens, a cancel while opening included. Raises
        READ_FAILED also when the drive does not answer.

        `look` is called in the reader that opens it, and may refuse it. What comes in unattended
        must lie in an allowed folder before it is looked at: PATH_TRAVERSAL.
        """
        file = await self._open(job, (lambda _: None) if job.unattended else look)
        try:
            if job.unattended:
                places = AllowedPlaces(self.settings.value.allowed_folders)
                await uninterrupted(self.readers.read(places.check_open, file))
            yield file
        finally:
            file.close()

    async def _open(self, job: JobView, look: Callable[[RegularFile], None]) -> RegularFile:
        begun: list[float] = []

        def open_and_look() -> RegularFile:
            begun.append(time.monotonic())
            found = (self.open_file if job.watched is None else self.open_watched)(job.path)
            try:
                look(found)
            except BaseException:
                found.close()
                raise
            return found

        self.hanging.check(job.path)
        opening = asyncio.ensure_future(self.readers.read(open_and_look))
        try:
            while not opening.done():
                await asyncio.wait({opening}, timeout=OPENED_WITHIN_S)
                # Behind long reads of other files it is not its turn yet.
                is_late = begun and time.monotonic() - begun[0] >= OPENED_WITHIN_S
                if is_late and not opening.done():
                    raise self.hanging.give_up(job.path, opening)
        except asyncio.CancelledError:
            await asyncio.wait({opening}, timeout=CANCELLED_WITHIN_S)
            opening.add_done_callback(close_late)
            raise
        return await opening
