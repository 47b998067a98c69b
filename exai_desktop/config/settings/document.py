"""The JSON file that holds settings and accounts: read with care, replaced as a whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, not_written

VERSION: Final = 1

_SHAPE: Final[dict[str, type]] = {"version": int, "settings": dict, "accounts": list}
_LARGEST_BYTES: Final = 4 * 1024 * 1024

Content = dict[str, Any]


class SettingsDocument:
    """`settings.json` as plain JSON. What cannot be read stays where it is and is not changed: it
    may say where files must not go, and nobody may go on as if it had said nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()

    def read(self) -> tuple[Content, str]:
        """The content (empty when there is none) and what is wrong, "" if nothing is."""
        with self._lock:
            try:
                content = _parsed(self._path)
            except FileNotFoundError:
                if not self._path.is_symlink():
                    return _empty(), ""
                # The disk it leads to may only be away for now.
                return _empty(), f"{self._path}: the target of this link does not exist"
            except (OSError, ValueError, RecursionError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                return _empty(), (
                    f"{self._path}: it cannot be read ({why}); correct it, or rename it to begin"
                    " without settings and accounts"
                )
            if content["version"] != VERSION:
                return content, (
                    f"{self._path}: it was written by another version of the program (version"
                    f" {content['version']} of the file); install that version again, or rename the"
                    " file to begin without settings and accounts"
                )
            return content, ""

    def change(self, change: Callable[[Content], None]) -> None:
        """Read, change and replace the file; either all of it is on disk, or the old one is.

        Raises UNUSABLE_SETTING for a file that cannot be read.
        """
        with self._lock:
            content, problem = self.read()
            if problem:
                raise EngineError(ErrorCode.UNUSABLE_SETTING, problem)
            change(content)
            text = json.dumps(content, indent=2, ensure_ascii=False)
            try:
                write_file(self._path.resolve(), f"{text}\n".encode(errors="backslashreplace"))
            except OSError as error:
                raise not_written(error, self._path.name) from error


def _empty() -> Content:
    return {"version": VERSION, "settings": {}, "accounts": []}


def _parsed(path: Path) -> Content:
    with path.open("rb") as file:
        raw = file.read(_LARGEST_BYTES + 1)
    if len(raw) > _LARGEST_BYTES:
        raise ValueError("too large for a settings file")
    content = json.loads(raw.decode("utf-8-sig"))
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one kind for all that is unreadable
    content = _empty() | content
    for key, kind in _SHAPE.items():
        if not isinstance(content[key], kind):
            raise ValueError(f'"{key}" has the wrong type')  # noqa: TRY004 - as above
    return content
