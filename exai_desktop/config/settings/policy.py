"""Settings that an administrator has fixed for every user of this computer."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, Final

import platformdirs

_FILE: Final = "policy.json"
_PLACES: Final = {"linux": Path("/etc/exai-desktop")}
_LARGEST_BYTES: Final = 1024 * 1024
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def policy_file() -> Path:
    """Where an administrator puts it. No variable of the user's environment moves it."""
    of_others = Path(platformdirs.site_config_dir("EXAI Desktop", appauthor=False))
    return _PLACES.get(sys.platform, of_others) / _FILE


class Policy:
    """`{"settings": {...}}`, written by an administrator."""

    def __init__(self, path: Path, owner: int = 0) -> None:
        """`owner`: the user (uid) to whom the file must belong, where there are such numbers."""
        self._path = path
        self._owner = owner

    def read(self) -> tuple[dict[str, Any], str]:
        """The settings it fixes and why it cannot be used, "" if it can. No file: nothing fixed."""
        try:
            with self._path.open("rb") as file:
                if not self._is_trusted(os.fstat(file.fileno())):
                    why = "it must belong to the administrator, and nobody else may write to it"
                    return {}, f"{self._path}: {why}"
                raw = file.read(_LARGEST_BYTES + 1)
            return _settings(raw), ""
        except FileNotFoundError:
            if self._path.is_symlink():  # the disk that has it may only be away for now
                return {}, f"{self._path}: the target of this link does not exist"
            return {}, ""
        except (OSError, ValueError, RecursionError) as error:
            why = str(error.strerror if isinstance(error, OSError) else error)
            return {}, f"{self._path}: it cannot be read ({why})"

    def _is_trusted(self, found: os.stat_result) -> bool:
        if os.name == "nt":  # the rights of that folder say it
            return True
        return found.st_uid == self._owner and not found.st_mode & _OTHERS_MAY_WRITE


def _settings(raw: bytes) -> dict[str, Any]:
    if len(raw) > _LARGEST_BYTES:
        raise ValueError("too large for a policy")
    content = json.loads(raw.decode("utf-8-sig"))
    if not isinstance(content, dict) or set(content) - {"settings"}:
        raise ValueError('not an object with "settings" alone')
    settings = content.get("settings", {})
    if not isinstance(settings, dict):
        raise ValueError('"settings" is not an object')  # noqa: TRY004 - one kind for all of them
    return settings
