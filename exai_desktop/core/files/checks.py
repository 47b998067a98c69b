"""Judging one file before it is opened: by its name and size. Pure.

What is judged by content has its place behind this, in the engine's *checking* stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.path_policy import secret_folder_of

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
    """Raise `FileError` SYSTEM_FILE, EMPTY_FILE or FILE_TOO_LARGE (app limit `max_bytes`)."""
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


def can_be_accepted(code: str) -> bool:
    return code in _NAMES


def names_of(codes: Iterable[str]) -> str:
    """The short names, for people."""
    return ", ".join(_NAMES.get(code, code) for code in codes)
