"""Judging one file before it is opened: by its name and size. Pure.

What is judged by content has its place behind this, in the engine's *checking* stage.
"""

from __future__ import annotations

from typing import Final

from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import FileError
from exai_desktop.core.path_policy import secret_folder_of

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
    return None if secret is None else f"{secret} holds secrets"


def judge(name: str, size: int, max_bytes: int) -> None:
    """Raise `FileError` SYSTEM_FILE, EMPTY_FILE or FILE_TOO_LARGE (app limit `max_bytes`)."""
    lower = name.lower()
    if lower in _SYSTEM_NAMES or lower.startswith(_SYSTEM_PREFIXES):
        raise FileError(ErrorCode.SYSTEM_FILE)
    if size == 0:
        raise FileError(ErrorCode.EMPTY_FILE)
    if size > max_bytes:
        raise FileError(ErrorCode.FILE_TOO_LARGE, f"{size:,} bytes; the limit is {max_bytes:,}")
