"""How the last run ended, and what the database was then: a file beside the snapshots.

A wrong or missing file costs one thorough check, so it is not forced to disk. It is forced to
disk only while a recovery is in progress.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from exai_desktop.core.machine import WriteFile

# Larger files are known by size, time and inode, and checked while they are in use: hashing them
# would be felt at every start.
MOST_HASHED: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LastRun:
    """`digest` and `file` (size, time, inode) only after a clean end. `recovering`: since when the
    record may lack files. `damaged`: the check behind has found so."""

    clean: bool = False
    digest: str = ""
    schema: str = ""
    checked_at: float = 0.0
    recovering: float | None = None
    problem: str = ""
    detail: str = ""
    # The name of the run in the database, and the anchor that was last found missing there.
    run: str = ""
    lacking: str = ""
    file: tuple[int, int, int] = (0, 0, 0)
    damaged: bool = False


_FORM: Final = TypeAdapter(LastRun)


class LastRunFile:
    def __init__(self, path: Path, write_file: WriteFile) -> None:
        self._path = path
        self._write_file = write_file

    def load(self) -> LastRun | None:
        """None: this profile has never had a database. A file that is not valid counts as empty."""
        try:
            return _FORM.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return LastRun()

    def save(self, run: LastRun, *, to_disk: bool = False) -> None:
        """Best effort, except `to_disk`: that raises OSError."""
        try:
            self._write_file(self._path, json.dumps(asdict(run)).encode(), to_disk=to_disk)
        except OSError:
            if to_disk:
                raise
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
