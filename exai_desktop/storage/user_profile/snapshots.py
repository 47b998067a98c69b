"""Verified copies of the database, taken while it is in use.

A copy is made by a reader of its own, so the writer never waits for it. Its name carries a
running number (clocks jump), the time, and the start of its hash: a copy is taken back only
when it still is what was verified.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.tree import not_written
from exai_desktop.storage.sqlite.driver import (
    Connection,
    Error,
    as_engine_error,
    open_copier,
    open_reader,
)

HOURLY: Final = 24
DAILY: Final = 7

_NAME: Final = re.compile(r"(?P<number>\d{6,})-(?P<day>\d{8})T\d{6}Z-(?P<digest>[0-9a-f]{16})\.db")
_UNFINISHED: Final = "unfinished"
_BLOCK: Final = 1024 * 1024

# What changes with every move of a job or a copy.
_RECORD_STATE: Final = (
    "SELECT coalesce((SELECT max(id) FROM history), 0) || ':' || coalesce((SELECT group_concat(n)"
    " FROM (SELECT state || count(*) AS n FROM copies GROUP BY state)), '')"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    path: Path
    number: int
    day: str
    digest: str


def digest_of(path: Path) -> str:
    """SHA-256 of the file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


class SnapshotFolder:
    """`core.machine.Snapshots` in one folder. Its calls block; one at a time."""

    def __init__(self, folder: Path, database: Path) -> None:
        self._folder = folder
        self._database = database

    def newest_first(self) -> list[Snapshot]:
        found = []
        for path in self._folder.glob("*.db"):
            match = _NAME.fullmatch(path.name)
            if match is not None:
                number = int(match["number"])
                found.append(Snapshot(path, number, match["day"], match["digest"]))
        return sorted(found, key=lambda snapshot: snapshot.number, reverse=True)

    def age_s(self, now: float) -> float | None:
        """Of the newest one; None: there is none. A clock that went back makes none older."""
        newest = self.newest_first()
        return max(0.0, now - newest[0].path.stat().st_mtime) if newest else None

    def is_changed(self) -> bool:
        """Whether there is anything that the newest one does not hold."""
        newest = self.newest_first()
        try:
            now = _state_of_file(self._database)
            if not newest:
                return now != "0:"
            return now != _state_of_file(newest[0].path)
        except Error:
            return True

    def take(self, now: float) -> None:
        """Copy, verify, keep; then delete the superseded ones. Raises `EngineError`."""
        try:
            self._take(now)
        except Error as error:
            raise as_engine_error(error) from error
        except OSError as error:
            raise not_written(error, "snapshot") from error
        finally:
            self._remove_unfinished()

    def _take(self, now: float) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._remove_unfinished()
        earlier = self.newest_first()
        number = earlier[0].number + 1 if earlier else 1
        target = self._folder / f"{_UNFINISHED}-{number:06}"
        # SQLite fills an empty file but would make its own one readable for everybody.
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(open_copier(self._database)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        verify(target)
        digest = digest_of(target)
        _to_disk(target)
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        os.replace(target, self._folder / f"{number:06}-{stamp}-{digest[:16]}.db")  # noqa: PTH105 - as below
        folder_to_disk(self._folder)
        for old in superseded(self.newest_first()):
            old.path.unlink(missing_ok=True)

    def _remove_unfinished(self) -> None:
        for left in self._folder.glob(f"{_UNFINISHED}-*"):
            left.unlink(missing_ok=True)

    def copy_newest(self, target: Path) -> Snapshot | None:
        """Put the newest sound one at `target`, on disk; None when there is none."""
        for snapshot in self.newest_first():
            try:
                shutil.copyfile(snapshot.path, target)
                target.chmod(0o600)
                if digest_of(target)[:16] != snapshot.digest:
                    continue
                verify(target)
            except Error:
                continue
            _to_disk(target)
            return snapshot
        return None


def superseded(newest_first: Sequence[Snapshot]) -> list[Snapshot]:
    """All but the newest 24, and the newest of each of seven earlier days."""
    days: set[str] = set()
    old = []
    for snapshot in newest_first[HOURLY:]:
        if snapshot.day in days or len(days) == DAILY:
            old.append(snapshot)
        else:
            days.add(snapshot.day)
    return old


def verify(path: Path) -> None:
    """Raises the driver's error for a copy that is not sound."""
    with closing(open_reader(path)) as connection:
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise Error(said)


def _state_of_file(path: Path) -> str:
    with closing(open_reader(path)) as connection:
        return record_state(connection)


def record_state(connection: Connection) -> str:
    """A text that differs whenever the record does."""
    found: str = connection.execute(_RECORD_STATE).fetchone()[0]
    return found


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def folder_to_disk(folder: Path) -> None:
    """Make the names in a folder survive a power failure, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
