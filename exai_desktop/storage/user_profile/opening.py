"""Opening the profile's database: looked at first, and replaced when it is beyond use."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import WriteFile
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations.migrate import NewerSchemaError
from exai_desktop.storage.record import recovery_log
from exai_desktop.storage.sqlite.driver import open_reader
from exai_desktop.storage.user_profile.integrity import DamageError, examine, schema_of
from exai_desktop.storage.user_profile.last_run import MOST_HASHED, LastRun, LastRunFile
from exai_desktop.storage.user_profile.network_folder import refuse_network_folder
from exai_desktop.storage.user_profile.reserved_space import Ballast
from exai_desktop.storage.user_profile.set_aside import aside, bring_back, set_aside, stamp
from exai_desktop.storage.user_profile.snapshots import SnapshotFolder, digest_of
from exai_desktop.storage.user_profile.wal_frames import log_of

log = logging.getLogger(__name__)

WEEK_S: Final = 7 * 86_400.0

# The ballast is only taken where it does not take the last that there is.
_ROOMY: Final = 4


@dataclass(frozen=True, slots=True)
class Opened:
    """A database to work with; `problems` are for the user. Close it with `close`."""

    database: Database
    snapshots: SnapshotFolder
    ballast: Ballast
    problems: tuple[EngineError, ...]
    is_read_only: bool
    marks: LastRunFile
    path: Path

    def close(self) -> None:
        """Ends the threads and notes that all went well. Blocks."""
        self.database.close()
        if self.is_read_only:
            return
        mark = self.marks.load() or LastRun()
        if log_of(self.path).exists():
            return
        try:
            small = self.path.stat().st_size <= MOST_HASHED
            digest = digest_of(self.path) if small else ""
        except OSError:
            return
        self.marks.save(replace(mark, clean=True, digest=digest))


def open_profile(path: Path, now: Callable[[], float], write_file: WriteFile) -> Opened:
    """Blocks. Raises `EngineError` for what only the user can mend; nothing is touched then."""
    refuse_network_folder(path.parent)
    snapshots = SnapshotFolder(path.parent / "snapshots", path)
    marks = LastRunFile(path.parent / "snapshots" / "last-run.json", write_file)
    ballast = Ballast(path.parent)
    _Opening(path, now(), snapshots, marks, ballast).make_sound()
    mark = marks.load() or LastRun(checked_at=now())
    try:
        problems = _note_recovery(path, mark, now())
        database = Database(path, on_full=ballast.release)
    except NewerSchemaError as error:
        database = Database(path, refusal=error)
        return Opened(database, snapshots, ballast, (error,), True, marks, path)
    with closing(open_reader(path)) as connection:
        schema = schema_of(connection)
    marks.save(replace(mark, clean=False, digest="", schema=schema, recovering=None, problem=""))
    if ballast.free_bytes() > _ROOMY * ballast.size:
        ballast.hold()
    return Opened(database, snapshots, ballast, problems, False, marks, path)


def _note_recovery(path: Path, mark: LastRun, now: float) -> tuple[EngineError, ...]:
    """Write into the database that it was recovered; until then the mark says so."""
    if mark.recovering is None:
        return ()
    Database(path).close()  # a snapshot may have an older schema
    recovery_log.begin(path, now, mark.recovering, mark.problem)
    known = {code.value: code for code in ErrorCode}
    return (EngineError(known.get(mark.problem, ErrorCode.DATABASE_RECOVERED), mark.detail),)


class _Opening:
    """The steps before a database is opened for work."""

    def __init__(
        self,
        path: Path,
        now: float,
        snapshots: SnapshotFolder,
        marks: LastRunFile,
        ballast: Ballast,
    ) -> None:
        self._path = path
        self._now = now
        self._snapshots = snapshots
        self._marks = marks
        self._ballast = ballast
        self._mark = marks.load()

    def make_sound(self) -> None:
        try:
            if self._is_new():
                return
            if not self._is_as_it_was_left():
                self._examine()
        except DamageError as damage:
            log.warning("the database cannot be used: %s", damage)
            self._replace(str(damage))

    def _is_new(self) -> bool:
        """Raises `DamageError` when there was a database and is none."""
        is_gone = not self._path.exists() or not self._path.stat().st_size
        if is_gone and (self._mark is not None or _size(log_of(self._path))):
            raise DamageError("the database is missing")
        return is_gone

    def _is_as_it_was_left(self) -> bool:
        mark = self._mark
        if mark is None or not mark.clean or not mark.digest or log_of(self._path).exists():
            return False
        if not 0 <= self._now - mark.checked_at < WEEK_S:
            return False
        return digest_of(self._path) == mark.digest

    def _examine(self) -> None:
        mark = self._mark or LastRun()
        # Too large to be hashed, but ended well: a quick look, and a thorough one every week.
        is_due = not 0 <= self._now - mark.checked_at < WEEK_S
        thorough = is_due or not mark.clean or bool(mark.digest)
        found = examine(
            self._path,
            thorough=thorough,
            schema=mark.schema,
            now=self._now,
            aside=aside(log_of(self._path), self._now),
        )
        if thorough:
            mark = replace(mark, checked_at=self._now)
        if found.lost_commits and mark.recovering is None:
            mark = replace(
                mark,
                recovering=found.newest,
                problem=ErrorCode.DATABASE_RECOVERED.value,
                detail="the end of the log was damaged; the database is intact up to"
                f" {stamp(found.newest)}",
            )
        self._marks.save(replace(mark, clean=False), to_disk=found.lost_commits)

    def _replace(self, why: str) -> None:
        try:
            self._put_another(why)
        except OSError as error:
            self._ballast.release()
            raise EngineError(
                ErrorCode.DATABASE_ERROR,
                f"{why}; it cannot be replaced: {error.strerror}. Free some disk space and start"
                " again; no data is lost",
            ) from error

    def _put_another(self, why: str) -> None:
        draft = self._path.with_name(f"{self._path.name}.draft")
        self._path.parent.joinpath("snapshots").mkdir(mode=0o700, exist_ok=True)
        since = bring_back(self._snapshots, draft, self._now)
        mark = LastRun(
            recovering=since or 0.0,
            problem=ErrorCode.DATABASE_REBUILT.value
            if since is None
            else ErrorCode.DATABASE_RECOVERED.value,
            checked_at=self._now,
        )
        # In this order: whoever finds the new file also finds what it is.
        self._marks.save(replace(mark, detail=why), to_disk=True)
        kept = set_aside(self._path, self._now)
        parts = [why]
        if since:
            parts.append(f"restored as of {stamp(since)}")
        if kept:
            parts.append(f"the old file is {kept}")
        self._marks.save(replace(mark, detail="; ".join(parts)), to_disk=True)
        if since is not None:
            draft.replace(self._path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
