"""Watched folders and what was found in them; see `m0020_watched_folders`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.files.files import ASKING
from exai_desktop.core.jobs.jobs import JobState, JobView, NewJob
from exai_desktop.core.jobs.states import FINAL
from exai_desktop.core.jobs.watched_folders import (
    UNREAD,
    FolderMark,
    FoundFile,
    WatchCounts,
    WatchedFolder,
    WatchOptions,
)
from exai_desktop.storage.audit.trail import AuditTrail
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.jobs import add_jobs
from exai_desktop.storage.record.rows import Value, words_of
from exai_desktop.storage.sqlite.driver import Connection, Row

_ADD: Final = """
INSERT INTO watched_folders (path, inode, file_system, account, purpose, with_subfolders, ignore,
    settle_s, added_at, listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *"""
_SAVE: Final = """
UPDATE watched_folders SET inode = ?, file_system = ?, account = ?, purpose = ?,
    with_subfolders = ?, ignore = ?, settle_s = ?, paused = ?, listed = ? WHERE id = ?"""
_KNOWN: Final = "SELECT memory FROM watched_files WHERE folder = ? AND path = ?"
_NOTE: Final = """
INSERT INTO watched_files (folder, path, memory, job_id) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET memory = excluded.memory, job_id = excluded.job_id"""
# Its size, times and place are those that were found: only this file may be sent.
_MARK: Final = "UPDATE jobs SET watched = ?, mtime_ns = ?, device = ?, inode = ? WHERE id = ?"

_FORGET: Final = """
DELETE FROM watched_files WHERE folder = ? AND job_id IN (
    SELECT id FROM jobs WHERE watched = ? AND state IN ('refused', 'failed')
        AND error_code IN (SELECT value FROM json_each(?)))"""

_BY_STATE: Final = """
SELECT state, error_code IN (SELECT value FROM json_each(?)) AS asks, count(*) AS jobs
FROM jobs WHERE watched = ? GROUP BY 1, 2"""
_QUESTIONS: Final = json.dumps([*ASKING.values(), ErrorCode.CONSENT_NEEDED])


class SqliteWatchStore:
    """`core.jobs.watched_folders.WatchStore` on the profile's database."""

    def __init__(self, database: Database, trail: AuditTrail | None = None) -> None:
        self._database = database
        self._trail = trail or AuditTrail()

    async def all(self) -> list[WatchedFolder]:
        def read(connection: Connection) -> list[WatchedFolder]:
            return list(map(_folder, connection.execute("SELECT * FROM watched_folders")))

        return await self._database.read(read)

    async def add(
        self, path: str, mark: FolderMark, options: WatchOptions, at: float, *, only_new: bool
    ) -> WatchedFolder:
        values = (os.fsencode(path), *_marked(mark), *_wanted(options), at, int(not only_new))
        return await self._database.write(
            lambda connection: _folder(connection.execute(_ADD, values).fetchone())
        )

    async def save(self, folder: WatchedFolder) -> None:
        flags = (int(folder.is_paused), int(folder.is_listed))
        values = (*_marked(folder.mark), *_wanted(folder.options), *flags, folder.id)
        await self._database.write(lambda connection: connection.execute(_SAVE, values))

    async def remove(self, folder_id: int) -> None:
        sql = "DELETE FROM watched_folders WHERE id = ?"
        await self._database.write(lambda connection: connection.execute(sql, (folder_id,)))

    async def unknown(self, folder_id: int, files: Sequence[FoundFile]) -> list[FoundFile]:
        return await self._database.read(lambda connection: _unknown(connection, folder_id, files))

    async def note(self, folder_id: int, files: Sequence[FoundFile]) -> None:
        rows = [(folder_id, os.fsencode(file.path), file.memory, None) for file in files]
        await self._database.write(lambda connection: connection.executemany(_NOTE, rows))

    async def enqueue(
        self, folder: WatchedFolder, batch_id: int, files: Sequence[FoundFile], at: float
    ) -> list[JobView]:
        def write(connection: Connection) -> list[JobView]:
            fresh = _unknown(connection, folder.id, files)
            jobs = [NewJob(str(Path(folder.path, file.path)), file.id.size) for file in fresh]
            views = add_jobs(connection, batch_id, jobs, at, self._trail) if jobs else []
            pairs = list(zip(views, fresh, strict=True))
            connection.executemany(_MARK, [_found(folder.id, *pair) for pair in pairs])
            connection.executemany(
                _NOTE, [(folder.id, os.fsencode(f.path), f.memory, view.id) for view, f in pairs]
            )
            if fresh:
                connection.execute(
                    "UPDATE watched_folders SET last_path = ?, last_at = ? WHERE id = ?",
                    (os.fsencode(fresh[-1].path), at, folder.id),
                )
            return [replace(view, watched=folder.id) for view in views]

        return await self._database.write(write)

    async def forget_unsent(self, folder_id: int, codes: Sequence[ErrorCode] = UNREAD) -> int:
        values = (folder_id, folder_id, json.dumps(list(codes)))
        return await self._database.write(
            lambda connection: connection.execute(_FORGET, values).rowcount
        )

    async def counts(self, folder_id: int) -> WatchCounts:
        return await self._database.read(lambda connection: _counts(connection, folder_id))


def _folder(row: Row) -> WatchedFolder:
    options = WatchOptions(
        account=row["account"],
        purpose=row["purpose"],
        with_subfolders=bool(row["with_subfolders"]),
        ignore=words_of(row["ignore"]),
        settle_s=row["settle_s"],
    )
    return WatchedFolder(
        id=row["id"],
        path=os.fsdecode(row["path"]),
        mark=FolderMark(int(row["inode"]), row["file_system"]),
        options=options,
        added_at=row["added_at"],
        is_paused=bool(row["paused"]),
        is_listed=bool(row["listed"]),
        last_path=None if row["last_path"] is None else os.fsdecode(row["last_path"]),
        last_at=row["last_at"],
    )


def _found(folder_id: int, job: JobView, file: FoundFile) -> tuple[Value, ...]:
    known = file.id
    return folder_id, str(known.mtime_ns), str(known.device), str(known.inode), job.id


def _marked(mark: FolderMark) -> tuple[Value, ...]:
    return str(mark.inode), mark.file_system


def _wanted(options: WatchOptions) -> tuple[Value, ...]:
    patterns = json.dumps(list(options.ignore))
    return (
        *(options.account, options.purpose, int(options.with_subfolders), patterns),
        options.settle_s,
    )


def _unknown(connection: Connection, folder_id: int, files: Sequence[FoundFile]) -> list[FoundFile]:
    def is_known(file: FoundFile) -> bool:
        row = connection.execute(_KNOWN, (folder_id, os.fsencode(file.path))).fetchone()
        return row is not None and row["memory"] == file.memory

    return [file for file in files if not is_known(file)]


def _counts(connection: Connection, folder_id: int) -> WatchCounts:
    sql = "SELECT count(job_id) FROM watched_files WHERE folder = ?"
    [taken] = connection.execute(sql, (folder_id,)).fetchone()
    found = dict.fromkeys(("open", "done", "same_content", "refused", "asking", "failed"), 0)
    for state, asks, jobs in connection.execute(_BY_STATE, (_QUESTIONS, folder_id)):
        found[_group(JobState(state), asks=bool(asks))] += jobs
    return WatchCounts(taken=taken, **found)


def _group(state: JobState, *, asks: bool) -> str:
    if state in (JobState.HELD, JobState.NEEDS_REVIEW) or (asks and state in FINAL):
        return "asking"
    if state is JobState.DUPLICATE:
        return "same_content"
    if state in (JobState.DONE, JobState.REFUSED):
        return state.value
    return "failed" if state in FINAL else "open"
