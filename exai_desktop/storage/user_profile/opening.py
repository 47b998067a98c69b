"""Opening the profile's database: it is checked first, and replaced when it is damaged."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from exai_desktop.core.audit.audit import AuditAnchor
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, not_written
from exai_desktop.core.files.mounts import NETWORK, mount_of
from exai_desktop.core.machine import WriteFile
from exai_desktop.storage.database import Database
from exai_desktop.storage.migrations.migrate import NewerSchemaError
from exai_desktop.storage.record import recovery_log
from exai_desktop.storage.sqlite.driver import open_reader
from exai_desktop.storage.user_profile.integrity import DamageError, examine, schema_of
from exai_desktop.storage.user_profile.last_run import MOST_HASHED, LastRun, LastRunFile
from exai_desktop.storage.user_profile.later_check import LaterCheck
from exai_desktop.storage.user_profile.put_back import find_put_back, note_run
from exai_desktop.storage.user_profile.reserved_space import ReservedSpace
from exai_desktop.storage.user_profile.set_aside import (
    aside,
    copy_newest_snapshot,
    set_aside,
    stamp,
)
from exai_desktop.storage.user_profile.snapshots import SnapshotFolder, digest_of
from exai_desktop.storage.user_profile.wal_frames import log_of

log = logging.getLogger(__name__)

WEEK_S: Final = 7 * 86_400.0
PATIENCE_S: Final = 4 * WEEK_S

# Space is reserved only where the disk has this many times as much free.
_FREE_AT_LEAST: Final = 4
_MOUNTS: Final = Path("/proc/self/mounts")


@dataclass(frozen=True, slots=True)
class Opened:
    """A database to work with; `problems` are for the user. Close it with `close`."""

    database: Database
    snapshots: SnapshotFolder
    reserved_space: ReservedSpace
    problems: tuple[EngineError, ...]
    is_read_only: bool
    last_run_file: LastRunFile
    path: Path
    # Of a profile that cannot be written: the folder with the copy that is read.
    copy: TemporaryDirectory[str] | None = None
    # What is still owed to a large database.
    check: LaterCheck | None = None

    @property
    def read_path(self) -> Path:
        """The database that is read: of a profile that cannot be written, the copy."""
        return self.path if self.copy is None else Path(self.copy.name) / self.path.name

    def close(self) -> None:
        """End the threads and write down that the run ended cleanly. Blocks."""
        self.database.close()
        if self.copy is not None:
            self.copy.cleanup()
        if self.is_read_only:
            return
        last_run = self.last_run_file.load() or LastRun()
        if log_of(self.path).exists():
            return
        if last_run.damaged:
            return  # the next start looks at it first
        try:
            file = _file_of(self.path)
            digest = digest_of(self.path) if file[0] <= MOST_HASHED else ""
        except OSError:
            return
        self.last_run_file.save(replace(last_run, clean=True, digest=digest, file=file))


def open_profile(
    path: Path,
    now: Callable[[], float],
    write_file: WriteFile,
    anchor: AuditAnchor | None = None,
) -> Opened:
    """Blocks. Raises `EngineError` for what only the user can mend; nothing is touched then.

    `anchor`: the newest row of the audit trail, as it was noted outside this folder.
    """
    refuse_network_folder(path.parent)
    snapshots = SnapshotFolder(path.parent / "snapshots", path)
    last_run_file = LastRunFile(path.parent / "snapshots" / "last-run.json", write_file)
    reserved = ReservedSpace(path.parent)
    opening = _Opening(path, now(), snapshots, last_run_file, reserved, anchor)
    opening.prepare()
    last_run = last_run_file.load() or LastRun(checked_at=now())
    try:
        problems = _note_recovery(path, last_run, now())
        database = Database(path, on_full=reserved.release)
    except NewerSchemaError as error:
        database = Database(path, refusal=error)
        return Opened(database, snapshots, reserved, (error,), True, last_run_file, path)
    with closing(open_reader(path)) as connection:
        schema = schema_of(connection)
    # In this order: the file never names a run that the database does not know.
    run = note_run(path)
    last_run = replace(last_run, clean=False, digest="", schema=schema, run=run)
    last_run_file.save(replace(last_run, recovering=None, problem=""))
    if reserved.free_bytes() > _FREE_AT_LEAST * reserved.size:
        reserved.hold()
    check = None
    if opening.owes_check:
        is_due = not 0 <= now() - last_run.checked_at < WEEK_S
        check = LaterCheck(path, last_run_file, now, thorough=is_due)
    return Opened(database, snapshots, reserved, problems, False, last_run_file, path, check=check)


def open_to_read(path: Path, refusal: EngineError, write_file: WriteFile) -> Opened:
    """Of a profile that cannot be written, a copy is read. `refusal` is raised for each write.

    SQLite cannot read a log where it may not write; and the record may be of an older version.
    """
    try:
        copy = TemporaryDirectory(prefix="exai-desktop-")
    except OSError as error:
        raise not_written(error, "the copy of the database") from error
    target = Path(copy.name) / path.name
    try:
        for source in (path, log_of(path)):
            if source.exists():
                shutil.copyfile(source, target.with_name(source.name))
        with suppress(NewerSchemaError):
            Database(target).close()
        database = Database(target, refusal=refusal)
    except OSError as error:
        copy.cleanup()
        raise not_written(error, "the copy of the database") from error
    except BaseException:
        copy.cleanup()
        raise
    snapshots = SnapshotFolder(path.parent / "snapshots", path)
    last_run_file = LastRunFile(path.parent / "snapshots" / "last-run.json", write_file)
    reserved = ReservedSpace(path.parent)
    return Opened(database, snapshots, reserved, (refusal,), True, last_run_file, path, copy)


def _note_recovery(path: Path, last_run: LastRun, now: float) -> tuple[EngineError, ...]:
    """Write into the database that it was recovered; until then `LastRunFile` says so."""
    if last_run.recovering is None:
        return ()
    Database(path).close()  # a snapshot may have an older schema
    recovery_log.begin(path, now, last_run.recovering, last_run.problem)
    known = {code.value: code for code in ErrorCode}
    return (
        EngineError(known.get(last_run.problem, ErrorCode.DATABASE_RECOVERED), last_run.detail),
    )


class _Opening:
    """The steps before a database is opened for work."""

    def __init__(
        self,
        path: Path,
        now: float,
        snapshots: SnapshotFolder,
        last_run_file: LastRunFile,
        reserved: ReservedSpace,
        anchor: AuditAnchor | None,
    ) -> None:
        self._path = path
        self._now = now
        self._snapshots = snapshots
        self._last_run_file = last_run_file
        self._reserved = reserved
        self._anchor = anchor
        self._last_run = last_run_file.load()
        # The database is large, and looks as it was left: it is checked while it is in use.
        self.owes_check = False

    def prepare(self) -> None:
        try:
            if self._is_new():
                return
            if not self._is_unchanged():
                self._examine()
            self._look_whether_put_back()
        except DamageError as damage:
            log.warning("the database cannot be used: %s", damage)
            self._replace(str(damage))

    def _is_new(self) -> bool:
        """Raises `DamageError` when there was a database and is none."""
        is_gone = not self._path.exists() or not self._path.stat().st_size
        if is_gone and (self._last_run is not None or _size(log_of(self._path))):
            raise DamageError("the database is missing")
        return is_gone

    def _is_unchanged(self) -> bool:
        last_run = self._last_run
        if last_run is None or not last_run.clean or log_of(self._path).exists():
            return False
        age_s = self._now - last_run.checked_at
        if last_run.digest:
            return 0 <= age_s < WEEK_S and digest_of(self._path) == last_run.digest
        # Where no run lasts long enough for it, the check is not owed for ever.
        is_same = last_run.file == _file_of(self._path) and 0 <= age_s < PATIENCE_S
        self.owes_check = is_same
        return is_same

    def _examine(self) -> None:
        last_run = self._last_run or LastRun()
        # Too large to be hashed, but ended cleanly: a quick check, and a thorough one every week.
        is_due = not 0 <= self._now - last_run.checked_at < WEEK_S
        thorough = is_due or not last_run.clean or bool(last_run.digest)
        found = examine(
            self._path,
            thorough=thorough,
            schema=last_run.schema,
            now=self._now,
            aside=aside(log_of(self._path), self._now),
        )
        if thorough:
            last_run = replace(last_run, checked_at=self._now)
        if found.lost_commits and last_run.recovering is None:
            last_run = replace(
                last_run,
                recovering=found.newest,
                problem=ErrorCode.DATABASE_RECOVERED.value,
                detail="the end of the log was damaged; the database is intact up to"
                f" {stamp(found.newest)}",
            )
        last_run = replace(last_run, clean=False, damaged=False)
        self._last_run_file.save(last_run, to_disk=found.lost_commits)

    def _look_whether_put_back(self) -> None:
        """One that lacks what was noted outside it goes through a recovery, once."""
        last_run = self._last_run_file.load() or LastRun()
        if last_run.recovering is not None:
            # Whatever else it lacks, the lists are compared.
            self._last_run_file.save(replace(last_run, lacking=self._anchored), to_disk=True)
            return
        anchor = None if last_run.lacking == self._anchored else self._anchor
        found = find_put_back(self._path, last_run.run, anchor, self._now)
        if found is None:
            return
        log.warning("the database is an older one: %s", found.why)
        last_run = replace(
            last_run,
            lacking=self._anchored,
            recovering=found.newest,
            problem=ErrorCode.DATABASE_PUT_BACK.value,
            detail=f"{found.why}; it is as of {stamp(found.newest)}",
        )
        self._last_run_file.save(last_run, to_disk=True)

    @property
    def _anchored(self) -> str:
        return self._anchor.mac if self._anchor is not None else ""

    def _replace(self, why: str) -> None:
        try:
            self._put_another(why)
        except OSError as error:
            self._reserved.release()
            raise EngineError(
                ErrorCode.DATABASE_ERROR,
                f"{why}; it cannot be replaced: {error.strerror}. Free some disk space and start"
                " again; no data is lost",
            ) from error

    def _put_another(self, why: str) -> None:
        draft = self._path.with_name(f"{self._path.name}.draft")
        self._path.parent.joinpath("snapshots").mkdir(mode=0o700, exist_ok=True)
        since = copy_newest_snapshot(self._snapshots, draft, self._now)
        last_run = LastRun(
            recovering=since or 0.0,
            problem=ErrorCode.DATABASE_REBUILT.value
            if since is None
            else ErrorCode.DATABASE_RECOVERED.value,
            checked_at=self._now,
            lacking=self._anchored,
        )
        # In this order: a start that finds the new database also finds why it is there.
        self._last_run_file.save(replace(last_run, detail=why), to_disk=True)
        kept = set_aside(self._path, self._now)
        parts = [why]
        if since:
            parts.append(f"restored as of {stamp(since)}")
        if kept:
            parts.append(f"the old file is {kept}")
        self._last_run_file.save(replace(last_run, detail="; ".join(parts)), to_disk=True)
        if since is not None:
            draft.replace(self._path)


def _file_of(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def refuse_network_folder(folder: Path, mounts: Path = _MOUNTS) -> None:
    """In a folder of another computer SQLite's locks and shared memory do not hold.

    Raises DATABASE_ERROR; where the system has no such list, it lets everything pass.
    """
    try:
        table = os.fsdecode(mounts.read_bytes())
    except OSError:
        return
    found = mount_of(os.fspath(folder.resolve()), table)
    if found is not None and found.kind in NETWORK:
        raise EngineError(
            ErrorCode.DATABASE_ERROR,
            f"the profile {folder} is on a network folder ({found.kind}), where a database is not"
            " safe; set EXAI_DESKTOP_HOME to a folder on this computer",
        )
