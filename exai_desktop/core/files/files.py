"""A file on this computer: what it is, what is not taken, what a malware scanner said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.path_policy import secret_folder_of

# A file up to this size is read, judged and hashed within milliseconds.
SMALL: Final = 1024 * 1024


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


class ScanVerdict(StrEnum):
    """ "Not scanned" is never told as "clean"."""

    CLEAN = "clean"
    FOUND = "found"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """`engine` and `database` (version and date of the signatures) are empty when unknown.

    `detail` is the name of what was found, or why it was not scanned.
    """

    verdict: ScanVerdict
    detail: str = ""
    engine: str = ""
    database: str = ""


def not_scanned(why: str, engine: str = "", database: str = "") -> ScanResult:
    return ScanResult(ScanVerdict.NOT_SCANNED, why, engine, database)


def scanner_text(engine: str, database: str) -> str:
    """A scanner and how old its knowledge is."""
    return (
        f"{engine}, signatures {database}" if database else f"{engine}, signatures of unknown date"
    )


def scan_text(result: ScanResult | None) -> str:
    """One line for people. None: from before there was a scan."""
    if result is None:
        return "Not scanned"
    if result.verdict is ScanVerdict.NOT_SCANNED:
        return f"Not scanned: {result.detail}"
    by = f"Scanned by {scanner_text(result.engine, result.database)}"
    found = result.verdict is ScanVerdict.FOUND
    return f"{by}: {f'found {result.detail}' if found else 'nothing found'}"


# Written by systems and Office programs beside the user's files; nobody means to upload them.
_SYSTEM_NAMES: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".localized"})
_SYSTEM_PREFIXES: Final = ("~$", ".~lock.", "._")

# Walked into only when the user drops the folder itself.
SKIPPED_FOLDERS: Final = frozenset(
    {
        ".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".cache",
        ".mypy_cache", ".pytest_cache", ".ruff_cache", ".idea", "__macosx",
        "$recycle.bin", "system volume information",
    }
)  # fmt: skip


def why_skipped(name: str, path: str) -> str | None:
    """Why what was met on the way is passed over, None when it is not; `path` is where it lies."""
    if name.lower() in SKIPPED_FOLDERS:
        return name
    secret = secret_folder_of(path)
    return None if secret is None else f"{secret} contains keys or passwords"


def judge(name: str, size: int, max_bytes: int) -> None:
    """Raise `FileError` SYSTEM_FILE, EMPTY_FILE or FILE_TOO_LARGE (app limit `max_bytes`).

    By name and size, before it is opened; its content is judged in the *checking* stage.
    """
    lower = name.lower()
    if lower in _SYSTEM_NAMES or lower.startswith(_SYSTEM_PREFIXES):
        raise FileError(ErrorCode.SYSTEM_FILE)
    if size == 0:
        raise FileError(ErrorCode.EMPTY_FILE)
    if size > max_bytes:
        raise FileError(ErrorCode.FILE_TOO_LARGE, f"{size:,} bytes; the limit is {max_bytes:,}")


# The short name is the one of the command line and of the setting `content_<name>`.
ASKING: Final[dict[str, ErrorCode]] = {
    "macros": ErrorCode.MACROS_FOUND,
    "encrypted": ErrorCode.ENCRYPTED_DOCUMENT,
    "mismatch": ErrorCode.CONTENT_MISMATCH,
    "deceptive": ErrorCode.DECEPTIVE_NAME,
    "secret": ErrorCode.SECRET_INSIDE,
}
_NAMES: Final = {code.value: name for name, code in ASKING.items()}


def accepted_codes(words: Iterable[str]) -> tuple[str, ...]:
    """Names or whole codes as codes, each once and in order. Raises ValueError for another."""
    found = set()
    for word in words:
        code = ASKING.get(word.lower())
        full = code.value if code else word.upper()
        if full not in _NAMES:
            raise ValueError(f"{word!r} is not one of {', '.join(ASKING)}")
        found.add(full)
    return tuple(sorted(found))


def without_person(codes: Iterable[str]) -> tuple[str, ...]:
    """What a script may accept ahead: whether a key may leave is asked when it is found."""
    return tuple(code for code in codes if code != ErrorCode.SECRET_INSIDE)


def can_be_accepted(code: str) -> bool:
    return code in _NAMES


def names_of(codes: Iterable[str]) -> str:
    """The short names, for people."""
    return ", ".join(_NAMES.get(code, code) for code in codes)
