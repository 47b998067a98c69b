"""Whether a path lies inside the folders that unattended uploads may take files from. Pure.

What a person drops, chooses or names is their own choice. What a script hands over is judged
here, first as it was given and then as the place where the opened file really lies.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Final
from urllib.parse import unquote

from exai_desktop.core.files.names import is_reserved

# Folders of keys, passwords and sessions: by their name, or by their name and their parent's.
_SECRET: Final = frozenset(
    {
        ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".password-store", ".mozilla",
        ".thunderbird", "keyrings", "keychains", "bravesoftware",
    }
)  # fmt: skip
_SECRET_PAIRS: Final = frozenset(
    {
        (".config", "google-chrome"), (".config", "chromium"), (".config", "gcloud"),
        (".config", "gh"), ("google", "chrome"), ("mozilla", "firefox"), ("microsoft", "edge"),
        ("microsoft", "credentials"), ("microsoft", "protect"),
    }
)  # fmt: skip
_DEVICE_FOLDERS: Final = frozenset({"dev", "proc", "sys"})
_LONGEST: Final = 32_767

OUTSIDE: Final = "outside the allowed folders"


def secret_folder_of(path: str, *, windows: bool = sys.platform == "win32") -> str | None:
    """The part of the path that names a folder of secrets, None when there is none."""
    before = ""
    for part in _pure(path, windows=windows).parts:
        name = part.casefold()
        if name in _SECRET or (before, name) in _SECRET_PAIRS:
            return part
        before = name
    return None


@dataclass(frozen=True, slots=True)
class PathPolicy:
    """`folders` are absolute, real places; without one nothing is inside."""

    folders: Sequence[str]
    windows: bool = sys.platform == "win32"
    # Also right on a disk that tells A from a: it only allows more where names are the same.
    ignore_case: bool = sys.platform == "win32"

    def objection(self, path: str) -> str | None:
        """Why this path is not taken, None when it is: absolute, canonical and inside."""
        malformed = self.malformed(path)
        if malformed is not None:
            return malformed
        secret = secret_folder_of(path, windows=self.windows)
        if secret is not None:
            return f"{secret} contains keys or passwords"
        if not self.folders:
            return "the list of allowed folders is empty"
        if not any(self.contains(folder, path) for folder in self.folders):
            return OUTSIDE
        return None

    def is_usable(self, folder: str) -> bool:
        """Whether it can be an allowed folder: a whole path, and not the whole disk."""
        parts = _pure(folder, windows=self.windows).parts
        return self.malformed(folder) is None and len(parts) > 1

    def malformed(self, path: str) -> str | None:
        """What is wrong with the path as text, before anything is looked up."""
        if not path or len(path) > _LONGEST:
            return "the path is not valid"
        if any(ord(char) < 32 for char in path):
            return "it contains a control character"
        if path.startswith(("//", "\\\\", "/\\", "\\/")):
            return "a network or device path"
        pure = _pure(path, windows=self.windows)
        if not pure.is_absolute():
            return "not an absolute path"
        if any(_climbs(part) for part in path.replace("\\", "/").split("/")):
            return "it leads to a parent folder"
        return self._device(pure)

    def _device(self, pure: PurePath) -> str | None:
        parts = pure.parts[1:]
        if self.windows:
            # Also what Windows would open under another name: a stream, a trailing dot.
            named = any(
                ":" in part or part != part.rstrip(" .") or is_reserved(part) for part in parts
            )
        else:
            named = bool(parts) and parts[0] in _DEVICE_FOLDERS
        return "a device" if named else None

    def contains(self, folder: str, path: str) -> bool:
        """Whether it is the folder or below it, by parts: `/data/in-x` only begins so."""
        if not self.is_usable(folder):
            return False
        outer = _pure(folder, windows=self.windows).parts
        inner = _pure(path, windows=self.windows).parts
        return len(inner) >= len(outer) and all(map(self._same, outer, inner))

    def _same(self, one: str, other: str) -> bool:
        if not self.ignore_case:
            return one == other
        # Both ways: `ß` becomes `SS` in one of them only, and these are two names on a disk.
        return one.lower() == other.lower() and one.upper() == other.upper()


def _pure(path: str, *, windows: bool) -> PurePath:
    return PureWindowsPath(path) if windows else PurePosixPath(path)


def _climbs(part: str) -> bool:
    """`.` and `..`, also written so that only a later reader would see it."""
    for _ in range(3):
        part = unicodedata.normalize("NFKC", unquote(part))
    return any(piece.strip() in (".", "..") for piece in part.replace("\\", "/").split("/"))
