"""The computer the program runs on: clock, disk, power and network."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

# Python's monotonic clock stops while a Linux machine or a Mac sleeps; these clocks do not.
_CLOCK_NAMES: Final = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
_CLOCK: Final[int | None] = getattr(time, _CLOCK_NAMES.get(sys.platform, ""), None)


def steady_time() -> float:
    """Seconds of a clock that nobody can set and that runs while the machine sleeps."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class Clock(Protocol):
    """Time as a parameter: tests bring one that jumps."""

    def now(self) -> float:
        """Wall clock, Unix seconds: what is written down."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: what is waited for."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class RunToEnd(Protocol):
    """Runs a coroutine to its end, also when the caller is cancelled; then the cancel is raised."""

    def __call__(self, coroutine: Coroutine[object, object, T]) -> Awaitable[T]: ...


class WriteFile(Protocol):
    """Replaces a small file as a whole. Blocks; raises OSError and leaves the old content."""

    def __call__(self, path: Path, content: bytes, *, to_disk: bool = True) -> None: ...


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


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What is in a backup file. `made_at` is in Unix seconds, `program` the version that made it.

    `jobs` and `copies` are rows of the record, `accounts` names; `bytes` is the size of the file.
    """

    made_at: float
    program: str
    jobs: int
    copies: int
    accounts: tuple[str, ...]
    has_texts: bool
    has_keys: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class FileManagerEntry:
    """`is_there`: whether the file manager is installed, `is_set`: whether it has our entry."""

    name: str
    path: str
    is_there: bool
    is_set: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that is the profile now; `aside` is where the former one is, "" for none.

    `without_key`: accounts whose key is neither in the backup nor on this computer.
    `has_its_vault`: the keys are in a vault that the passphrase of the backup opens.
    """

    content: BackupContent
    aside: str
    without_key: tuple[str, ...]
    has_its_vault: bool = False


class BackupMaker(Protocol):
    """Writes a backup of the profile into one file. Blocks; raises `AppError`."""

    def __call__(self, file: Path, *, texts: bool, passphrase: str) -> BackupContent:
        """With a passphrase the keys are in it, too."""
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

    def total_bytes(self) -> int:
        """Of the whole disk. May raise OSError."""
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


@dataclass(frozen=True, slots=True)
class KeptPause:
    """A pause by the user, in wall-clock time. `until` None: until they say otherwise."""

    since: float
    until: float | None = None


class PauseBook(Protocol):
    """Where a pause outlives the program. Both block; `save` raises OSError."""

    def load(self) -> KeptPause | None: ...

    def save(self, pause: KeptPause | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Situation:
    """None: the system does not tell."""

    is_metered: bool | None = None
    on_battery: bool | None = None


class Surroundings(Protocol):
    def look(self) -> Situation:
        """Blocks for some milliseconds, a second at most; never raises."""
        ...


def why_not_now(
    situation: Situation, *, waits_when_metered: bool, waits_on_battery: bool
) -> str | None:
    """The reason to wait, for people; None: go on. What is not known is no reason."""
    if waits_when_metered and situation.is_metered:
        return "on a metered connection"
    if waits_on_battery and situation.on_battery:
        return "on battery power"
    return None


class BackupService(Protocol):
    """Backups of the profile, made while it is in use. Restoring one needs no engine."""

    async def create(
        self, file: str, *, texts: bool = False, passphrase: str = ""
    ) -> BackupContent:
        """Write record, settings and accounts into this file; it is replaced as a whole.

        `texts`: with the kept texts. With a `passphrase` the keys are in it, too, encrypted.
        Raises BACKUP_NOT_WRITTEN, and what keeps the keys from being read.
        """


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """This version, how it was installed, and what is known of another one."""

    version: str
    # "deb", "rpm", "archive", "appimage", "python"; "" if it is not known.
    installed_by: str
    # Installed over this one while it runs, "" if there is none.
    replaced_by: str = ""
    # Published, and newer than this one, as of the last check; "" if there is none.
    newest: str = ""
    page: str = ""
    notes: str = ""
    checked_at: float | None = None
    # Why nobody can be asked, "" if one can.
    why_not: str = ""

    @property
    def is_by_system(self) -> bool:
        """Whether the system's own updates bring the next version."""
        return self.installed_by in ("deb", "rpm")

    @property
    def way(self) -> str:
        """How the newer version gets here. The program installs nothing by itself."""
        if self.is_by_system:
            return "Your system updates this program, or you install the new package by its tools."
        if self.installed_by == "archive":
            return "Unpack the new archive and run its install.sh."
        if self.installed_by == "python":
            return "Update it by the tool that installed it, such as pipx."
        return "Put the new file in the place of this one."


class Release(NamedTuple):
    """The newest version that is known, and when it was asked for."""

    version: str
    page: str
    notes: str
    checked_at: float
    is_newer: bool


class UpdateService(Protocol):
    """What is known of newer versions. Nothing is ever installed."""

    async def status(self) -> UpdateStatus:
        """Asks nobody."""
        ...

    async def check(self) -> UpdateStatus:
        """Ask now where the project publishes its releases.

        Raises UPDATE_CHECK_OFF, UPDATE_CHECK_FAILED, UPDATE_FEED_REFUSED, or why the way is closed.
        """
        ...
