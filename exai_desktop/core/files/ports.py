"""A file on this computer: its identity, reading it, its fingerprint, scanning it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from exai_desktop.core.files.scans import ScanResult


@dataclass(frozen=True, slots=True)
class FileId:
    """What tells whether a path still shows the same file: size, times and the inode."""

    size: int
    mtime_ns: int
    device: int
    inode: int

    def __str__(self) -> str:
        return f"{self.size} {self.mtime_ns} {self.device} {self.inode}"


class OpenFile(Protocol):
    """One descriptor for check, hash and send. Reads block: call them in a reader thread."""

    @property
    def id(self) -> FileId:
        """Size, mtime and inode when it was opened."""
        ...

    def read_at(self, offset: int, size: int) -> bytes: ...

    def has_changed(self) -> bool:
        """Whether the open file, or what its path leads to now, differs from `id`."""
        ...

    def close(self) -> None: ...


class FileOnDisk(OpenFile, Protocol):
    """An open file that is also told by its place, for what takes no descriptor."""

    @property
    def path(self) -> str:
        """Where it was when it was opened, links resolved."""
        ...


class MalwareScanner(Protocol):
    """Looks for malware in an open file. Nothing it meets is raised: it was not scanned then."""

    async def describe(self) -> str:
        """Which one it is and how old its knowledge, for people; raises OSError without answer."""
        ...

    async def scan(self, file: FileOnDisk) -> ScanResult:
        """Raises only the `FileError` of a disk that cannot be read."""
        ...


class Fingerprints(Protocol):
    """Cache of content hashes; a hit needs path, size, mtime, device and inode to agree."""

    async def get(self, path: str, file_id: FileId) -> str | None: ...

    async def put(self, path: str, file_id: FileId, sha256: str, at: float) -> None: ...
