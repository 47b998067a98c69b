"""Watched folders in the record: what was found is remembered together with its jobs."""

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import FileId
from exai_desktop.core.jobs.jobs import AddOptions, JobState, Origin
from exai_desktop.core.jobs.store import JobStore, Move
from exai_desktop.core.jobs.watched_folders import (
    FolderMark,
    FoundFile,
    WatchCounts,
    WatchedFolder,
    WatchOptions,
)
from exai_desktop.engine.scheduling.scheduler import error_changes
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.watched_folders import SqliteWatchStore

S = JobState
OPTIONS = WatchOptions("work", "file-extract", with_subfolders=False, ignore=("!a", "b c"))


@pytest.fixture
def watched(database: Database) -> SqliteWatchStore:
    return SqliteWatchStore(database)


def found(path: str, mtime_ns: int = 1_000) -> FoundFile:
    return FoundFile(path, FileId(7, mtime_ns, 3, 2**64 - 2), 1.0)


async def _folder(watched: SqliteWatchStore) -> WatchedFolder:
    return await watched.add(
        "/data/in\udcff", FolderMark(2**64 - 1, "disk"), OPTIONS, 9.0, only_new=True
    )


async def test_a_folder_comes_back_as_it_was_saved(watched: SqliteWatchStore) -> None:
    folder = await _folder(watched)
    assert folder.options == OPTIONS and folder.path == "/data/in\udcff" and not folder.is_listed
    assert await watched.all() == [folder]
    await watched.remove(folder.id)
    assert await watched.all() == []


async def test_jobs_and_memory_are_one(watched: SqliteWatchStore, store: JobStore) -> None:
    folder = await _folder(watched)
    files = [found("a.txt"), found("b\udcff.txt")]
    assert await watched.unknown(folder.id, files) == files
    batch = await store.add_batch(AddOptions(origin=Origin.WATCHED), (), 1.0)
    jobs = await watched.enqueue(folder, batch, files, 2.0)
    assert [job.path for job in jobs] == ["/data/in\udcff/a.txt", "/data/in\udcff/b\udcff.txt"]
    for job in jobs:
        kept = await store.get(job.id)
        assert kept is not None and kept.watched == folder.id and not kept.unattended
        assert (kept.size, kept.mtime_ns, kept.device, kept.inode) == (7, 1_000, 3, 2**64 - 2)
    # Once more the same: nothing. One of them changed: that one.
    assert await watched.unknown(folder.id, files) == []
    assert await watched.enqueue(folder, batch, files, 3.0) == []
    changed = found("a.txt", 2_000)
    assert await watched.unknown(folder.id, [*files, changed]) == [changed]
    assert len(await watched.enqueue(folder, batch, [changed], 4.0)) == 1
    assert await watched.counts(folder.id) == WatchCounts(taken=2, open=3)
    [now] = await watched.all()
    assert (now.last_path, now.last_at) == ("a.txt", 4.0)


async def test_what_was_there_before_has_no_job(watched: SqliteWatchStore) -> None:
    folder = await _folder(watched)
    await watched.note(folder.id, [found("old.txt")])
    assert await watched.unknown(folder.id, [found("old.txt")]) == []
    assert await watched.counts(folder.id) == WatchCounts()


async def test_what_could_not_be_read_is_found_anew(
    watched: SqliteWatchStore, store: JobStore
) -> None:
    folder = await _folder(watched)
    files = [found("gone.txt"), found("secret.txt"), found("open.txt")]
    batch = await store.add_batch(AddOptions(origin=Origin.WATCHED), (), 1.0)
    gone, secret, _ = await watched.enqueue(folder, batch, files, 2.0)
    for job, code in ((gone, ErrorCode.FILE_NOT_FOUND), (secret, ErrorCode.SECRET_INSIDE)):
        await store.apply(Move(job.id, S.QUEUED, S.CHECKING, 3.0))
        changes = error_changes(FileError(code))
        await store.apply(Move(job.id, S.CHECKING, S.REFUSED, 4.0, changes=changes))
    assert await watched.counts(folder.id) == WatchCounts(taken=3, open=1, refused=1, asking=1)
    assert await watched.forget_unsent(folder.id) == 1
    assert await watched.unknown(folder.id, files) == [files[0]]
