"""What the engine needs from the outside world, as protocols. `bootstrap` brings the real ones.

`UploadService` (the face towards window and command line) is in `core.service`, the stores are
in `core.stores`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from exai_desktop.core.accounts import Account, TransportStatus
from exai_desktop.core.audit import AuditAnchor
from exai_desktop.core.errors import Sent
from exai_desktop.core.models import FileId, RemoteFile
from exai_desktop.core.scans import ScanResult


class Clock(Protocol):
    """Time as a parameter: tests bring one that jumps."""

    def now(self) -> float:
        """Wall clock, Unix seconds: what is written down."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: what is waited for."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Snapshots(Protocol):
    """Verified copies of the database. All calls block: use a thread, one at a time."""

    def age_s(self, now: float) -> float | None:
        """Seconds since the newest one; None: there is none."""
        ...

    def is_changed(self) -> bool:
        """Whether there is anything that the newest one does not hold."""
        ...

    def take(self, now: float) -> None:
        """Make one; raises `EngineError` and leaves the earlier ones as they are."""
        ...


class Disk(Protocol):
    """The disk with the profile, and the room kept on it for bad times."""

    @property
    def size(self) -> int:
        """Bytes of the room kept."""
        ...

    def free_bytes(self) -> int:
        """May raise OSError."""
        ...

    def is_held(self) -> bool: ...

    def hold(self) -> bool:
        """Take the room again; whether it is held now."""
        ...

    def release(self) -> bool:
        """Give it up; whether there was any."""
        ...

    def watch(self, on_release: Callable[[], None]) -> None:
        """Call this, in whatever thread, each time the room was given up."""
        ...


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


class Upload(Protocol):
    """One body to send. `sha256` is what the bytes must hash to: else the last block stays."""

    @property
    def file(self) -> OpenFile: ...

    @property
    def sha256(self) -> str: ...

    @property
    def name(self) -> str:
        """The name sent, already cleaned."""
        ...

    @property
    def purpose(self) -> str: ...

    @property
    def block(self) -> int | None:
        """The largest block in bytes to hand to the network at once; None: any."""

    async def may_leave(self, size: int) -> None:
        """Wait until so many bytes may leave; asked before each block."""

    def on_bytes(self, total_sent: int) -> None:
        """Called in the engine's loop after each block; never goes back within an attempt."""
        ...

    def on_left(self, sent: Sent) -> None:
        """Called in the engine's loop *before* the first block (SOME) and before the last
        block (ALL) is handed to the network: what is true after a cancel or a crash."""
        ...


class FileProvider(Protocol):
    """An account at a provider. All methods raise `TransferError` and nothing else of ours.

    A cancelled `upload` closes its connection before it lets go; `Upload.on_left` has told
    whether the last block had left.
    """

    @property
    def transport(self) -> str:
        """Name of the tier in use, for the record: `http`."""
        ...

    @property
    def transport_status(self) -> TransportStatus:
        """The same with its reason, for people."""
        ...

    async def ready(self) -> None:
        """Make sure the tier in use works, step down or up; before `transport` is recorded."""
        ...

    async def upload(self, upload: Upload) -> RemoteFile:
        """Send one file. Returns only with an id and a plausible size in the answer."""
        ...

    async def list(self, purpose: str) -> Sequence[RemoteFile]:
        """All files of this purpose, oldest first; follows pages to the end."""
        ...

    async def find(self, file_id: str, purpose: str) -> RemoteFile | None:
        """The file as the provider sees it now, None when it is not there."""
        ...

    async def delete(self, file_id: str) -> None:
        """Delete at the provider; a file that is not there counts as deleted."""
        ...

    async def close(self) -> None: ...


class Credentials(Protocol):
    """API keys. Calls block for up to seconds (a locked keyring): use a reader thread.

    Raise `AccountError` CREDENTIAL_STORE_LOCKED or CREDENTIAL_STORE_UNAVAILABLE.
    """

    @property
    def kind(self) -> str:
        """What holds the keys, for people: "Secret Service", "this session only"."""
        ...

    def get(self, account: str) -> str | None: ...

    def set(self, account: str, key: str) -> None: ...

    def delete(self, account: str) -> None: ...


class AccountBook(Protocol):
    """The list of accounts in the settings file, without keys. Writes are atomic."""

    def load(self) -> tuple[Account, ...]: ...

    def save(self, accounts: Sequence[Account]) -> None: ...


class AnchorFile(Protocol):
    """Where the newest row of the audit trail is noted outside the database. Calls block."""

    def load(self) -> AuditAnchor | None: ...

    def save(self, anchor: AuditAnchor) -> None:
        """Best effort: a failure is logged."""
        ...


# Builds a provider's client for an account and its key.
ProviderFactory = Callable[[Account, str], FileProvider]
