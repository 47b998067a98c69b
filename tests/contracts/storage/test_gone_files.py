"""Jobs that share an id lose it together, and only then leave their final state."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState, JobView, NewJob
from exai_desktop.core.jobs.store import IdTakenError, JobChanges, Move, StaleJobError
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.jobs import SqliteJobStore

S, C = JobState, CopyState
SHA = "ab" * 32
COPY = NewCopy("kimi", "work", "file-extract", SHA, 10, "f1", "a.pdf")
CONTENT = JobChanges(account="work", purpose="file-extract", sha256=SHA, provider="kimi")


class Desk:
    def __init__(self, database: Database) -> None:
        self.copies = SqliteCopyStore(database)
        self.jobs = SqliteJobStore(database)

    async def waiting(self) -> int:
        batch = await self.jobs.add_batch(AddOptions(), [], 1.0)
        (job,) = await self.jobs.add_jobs(batch, [NewJob("/a.pdf", 10)], 1.0)
        for old, new in itertools.pairwise((S.QUEUED, S.CHECKING, S.HASHING, S.WAITING)):
            await self.jobs.apply(Move(job.id, old, new, 2.0, changes=CONTENT))
        return job.id

    async def done(self, copy: NewCopy = COPY) -> int:
        job_id = await self.waiting()
        changes = JobChanges(sha256=copy.sha256, account=copy.account)
        await self.jobs.apply(Move(job_id, S.WAITING, S.SENDING, 3.0, changes=changes))
        changes = JobChanges(file_id=copy.remote_id)
        await self.jobs.apply(Move(job_id, S.SENDING, S.CONFIRMING, 3.0, changes=changes))
        await self.jobs.apply(Move(job_id, S.CONFIRMING, S.DONE, 3.0, copy=copy))
        return job_id

    async def duplicate(self) -> int:
        job_id = await self.waiting()
        changes = JobChanges(file_id="f1")
        await self.jobs.apply(Move(job_id, S.WAITING, S.DUPLICATE, 4.0, changes=changes))
        return job_id

    async def move(self, *states: CopyState) -> None:
        copy = await self.copies.by_remote_id("work", "f1")
        assert copy is not None
        for state in states:
            copy = await self.copies.move(copy.id, copy.state, state, 5.0)

    async def view(self, job_id: int) -> JobView:
        view = await self.jobs.get(job_id)
        assert view is not None
        return view


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(tmp_path / "test.db")
    yield Desk(database)
    database.close()


@pytest.mark.parametrize(
    "way",
    [(C.DELETING,), (C.DELETING, C.DELETED), (C.MISSING,), (C.EXPIRED,)],
    ids=lambda way: way[-1].value,
)
async def test_all_that_share_an_id_lose_it_together(desk: Desk, way: tuple[CopyState]) -> None:
    ids = [await desk.done(), await desk.duplicate(), await desk.duplicate()]
    other = await desk.done(NewCopy("kimi", "home", "file-extract", SHA, 10, "f1", "a.pdf"))
    await desk.move(*way)
    for job_id in ids:
        view = await desk.view(job_id)
        assert view.file_state is way[-1]
        assert view.error is not None
        assert view.error.code == ErrorCode.FILE_GONE
    assert (await desk.view(other)).file_state is None
    page = await desk.jobs.page(JobQuery(gone=True, descending=False))
    assert [view.id for view in page.rows] == ids
    assert (await desk.jobs.page(JobQuery(file=("work", "f1"), limit=1))).total == len(ids)


async def test_what_is_back_is_not_gone(desk: Desk) -> None:
    job_id = await desk.done()
    await desk.move(C.MISSING, C.PRESENT)
    view = await desk.view(job_id)
    assert (view.file_state, view.error) == (None, None)


async def test_a_stored_job_goes_back_only_when_its_file_is_gone(desk: Desk) -> None:
    ids = [await desk.done(), await desk.duplicate()]
    for job_id, state in zip(ids, (S.DONE, S.DUPLICATE), strict=True):
        with pytest.raises(StaleJobError):
            await desk.jobs.apply(Move(job_id, state, S.QUEUED, 6.0))
    await desk.move(C.DELETING, C.DELETED)
    for job_id, state in zip(ids, (S.DONE, S.DUPLICATE), strict=True):
        view = await desk.jobs.apply(Move(job_id, state, S.QUEUED, 6.0))
        assert (view.file_id, view.twin_of, view.file_state, view.error) == (None,) * 4


async def test_a_duplicate_of_what_was_deleted_a_moment_ago_says_so(desk: Desk) -> None:
    await desk.done()
    await desk.move(C.DELETING, C.DELETED)
    late = await desk.duplicate()
    assert (await desk.view(late)).file_state is C.DELETED


async def test_an_id_belongs_to_one_content(desk: Desk) -> None:
    first = await desk.done()
    with pytest.raises(IdTakenError, match="f1") as caught:
        await desk.done(NewCopy("kimi", "work", "file-extract", "cd" * 32, 10, "f1", "b.pdf"))
    assert caught.value.copy.job_id == first
    copy = await desk.copies.by_remote_id("work", "f1")
    assert copy is not None
    assert copy.sha256 == SHA


async def test_copies_go_over_to_another_name(desk: Desk) -> None:
    job_id = await desk.done()
    await desk.copies.hand_over("work", "home")
    [copy] = await desk.copies.of_account("home")
    assert (copy.remote_id, copy.usable) == ("f1", True)
    assert (await desk.view(job_id)).account == "home"
    assert await desk.copies.of_account("work") == []
