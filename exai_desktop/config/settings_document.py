"""The JSON file that holds settings and accounts: read with care, replaced as a whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.errors.tree import not_written

VERSION: Final = 1

_SHAPE: Final[dict[str, type]] = {"version": int, "settings": dict, "accounts": list}
_LARGEST_BYTES: Final = 4 * 1024 * 1024

Content = dict[str, Any]


class SettingsDocument:
    """`settings.json` as plain JSON. What cannot be read is set aside, never overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()

    def read(self) -> tuple[Content, str]:
        """The content (empty when there is none) and what was wrong, "" if nothing was."""
        with self._lock:
            try:
                return _parsed(self._path), ""
            except FileNotFoundError:
                return _empty(), ""
            except (OSError, ValueError, RecursionError) as error:
                why = error.strerror if isinstance(error, OSError) else error
            try:
                after = f"kept as {self._set_aside().name}"
            except OSError as error:
                after = f"it cannot be moved away: {error.strerror}"
            return _empty(), f"{self._path.name}: {why}; {after}"

    def change(self, change: Callable[[Content], None]) -> None:
        """Read, change and replace the file; either all of it is on disk, or the old one is."""
        with self._lock:
            content, problem = self.read()
            try:
                # A newer program may have written more than we can write back. And a file that
                # could not be read is still there if it could not be set aside.
                if self._path.exists() and (problem or content["version"] > VERSION):
                    self._set_aside()
                change(content)
                content["version"] = VERSION
                text = json.dumps(content, indent=2, ensure_ascii=False)
                write_file(self._path.resolve(), f"{text}\n".encode(errors="backslashreplace"))
            except OSError as error:
                raise not_written(error, self._path.name) from error

    def _set_aside(self) -> Path:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        kept = self._path.with_name(f"{self._path.name}.bad-{stamp}")
        self._path.replace(kept)
        return kept


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
