"""What a provider must be able to do, and what some can do beyond that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from exai_desktop.core.accounts.accounts import Account, Balance, TransportStatus
from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.tree import Sent
from exai_desktop.core.files.files import OpenFile


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


# Builds a provider's client for an account and its key.
ProviderFactory = Callable[[Account, str], FileProvider]


@runtime_checkable
class ExtractsText(Protocol):
    """Ability: the provider gives back the text it read from a file."""

    async def content(self, file_id: str) -> str: ...


@runtime_checkable
class ReportsBalance(Protocol):
    """Ability: the provider tells what is left to spend."""

    async def balance(self) -> Balance: ...


@runtime_checkable
class KeepsConnections(Protocol):
    """Ability: it keeps connections open for the next request."""

    async def close_unused(self) -> None:
        """Close them, if no request is under way and none was sent since the last call."""
        ...


@runtime_checkable
class TellsTime(Protocol):
    """Ability: the provider's answers say what time it is there."""

    @property
    def clock_offset_s(self) -> float | None:
        """Its clock minus ours in seconds, by its last answer; None before the first."""
        ...


@runtime_checkable
class TellsRate(Protocol):
    """Ability: the provider's headers tell when its limit is used up."""

    @property
    def rate_limit_wait_s(self) -> float:
        """Seconds until its limit allows the next request; 0.0 when it allows one now."""
        ...
