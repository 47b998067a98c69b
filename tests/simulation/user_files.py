"""The user's files, in memory; they change while they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import FileId
from exai_desktop.engine.files.open_file import RegularFile

from .faults import BrokenPromiseError

CHANGES = ("rewrite", "grow", "cut", "replace", "delete", "touch")


@dataclass
class Inode:
    number: int
    content: bytes
    mtime_ns: int

    def id(self) -> FileId:
        return FileId(len(self.content), self.mtime_ns, 1, self.number)


class UserFiles:
    def __init__(self, now: Callable[[], float], broken: Callable[[str], None]) -> None:
        self._now = now
        self.broken = broken
        self.by_path: dict[str, Inode] = {}
        # Every content a path has ever had, by its hash.
        self.versions: dict[str, set[str]] = {}
        # Happens right behind the next read of the path.
        self.behind_read: dict[str, str] = {}
        self._numbers = 0
        self._ticks = 0

    def _stamp(self) -> int:
        self._ticks += 1
        return int(self._now() * 1e9) + self._ticks

    def write(self, path: str, content: bytes) -> None:
        """Make it, or write over it in place."""
        inode = self.by_path.get(path)
        if inode is None:
            self._numbers += 1
            inode = self.by_path[path] = Inode(self._numbers, b"", 0)
        inode.content, inode.mtime_ns = content, self._stamp()
        self.versions.setdefault(path, set()).add(hashlib.sha256(content).hexdigest())

    def change(self, path: str, how: str) -> None:
        inode = self.by_path.get(path)
        if inode is None:
            self.write(path, f"{path} is there again {self._stamp()}\n".encode())
            return
        if how == "delete":
            del self.by_path[path]
            return
        if how == "replace":
            del self.by_path[path]
        content = inode.content
        if how == "grow":
            content += b"and one line more\n"
        elif how == "cut":
            content = content[: max(1, len(content) // 2)]
        elif how != "touch":
            content = _other(content)
        self.write(path, content)

    def hash_of(self, path: str) -> str | None:
        inode = self.by_path.get(path)
        return None if inode is None else hashlib.sha256(inode.content).hexdigest()

    def open(self, path: str) -> SimulatedFile:
        inode = self.by_path.get(path)
        if inode is None:
            raise FileError(ErrorCode.FILE_NOT_FOUND)
        return SimulatedFile(self, path, inode)


def _other(content: bytes) -> bytes:
    """Of the same size, but for each time another one."""
    digest = hashlib.sha256(content).hexdigest().encode()
    return (digest * (len(content) // 64 + 1))[: len(content)]


class SimulatedFile(RegularFile):
    """Without a descriptor: all that would use one is said here."""

    def __init__(self, files: UserFiles, path: str, inode: Inode) -> None:
        super().__init__(-1, path, inode.id())
        self._files = files
        self._inode = inode
        self._closed = False

    def read_at(self, offset: int, size: int) -> bytes:
        if self._closed:
            self._files.broken("a file was read after it was closed")
            raise BrokenPromiseError("read after close")
        piece = self._inode.content[offset : offset + size]
        how = self._files.behind_read.pop(self.path, None)
        if how is not None:
            self._files.change(self.path, how)
        return piece

    def has_changed(self) -> bool:
        return self._inode.id() != self._id or self._files.by_path.get(self.path) is not self._inode

    def close(self) -> None:
        self._closed = True

    def hash_now(self) -> str | None:
        """What whoever opens the path now would read."""
        return self._files.hash_of(self.path)
