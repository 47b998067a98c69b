"""The contract of `core.jobs.store.CopyStore`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import COPY_MOVES, Copy, CopyState
from exai_desktop.core.copies.store import CopyStore, NewCopy
from exai_desktop.core.errors.tree import IllegalMoveError
from exai_desktop.core.jobs.jobs import AddOptions, JobState, NewJob
from exai_desktop.core.jobs.store import JobChanges, Move, StaleJobError
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.jobs import SqliteJobStore

S, C = JobState, CopyState
COPY = NewCopy("kimi", "work", "file-extract", "ab" * 32, 10, "f1", "a.pdf", expires_at=99.0)
PREPARED = (S.QUEUED, S.CHECKING, S.HASHING, S.WAITING)


class Desk:
    """The copy store, and jobs that bring copies: there is no other way for one to come in."""

    def __init__(self, database: Database) -> None:
        self.copies: CopyStore = SqliteCopyStore(database)
        self.jobs = SqliteJobStore(database)

    async def waiting_job(self) -> int:
        batch = await self.jobs.add_batch(AddOptions(), [], 1.0)
        (job,) = await self.jobs.add_jobs(batch, [NewJob("/a.pdf", 10)], 1.0)
        for old, new in itertools.pairwise(PREPARED):
            await self.jobs.apply(Move(job.id, old, new, 2.0))
        return job.id

    async def record(self, copy: NewCopy, at: float = 3.0) -> int:
        """A job that ends with this copy noted; returns its number."""
        job_id = await self.waiting_job()
        # An own content: what is in flight shall not matter here.
        changes = JobChanges(account=copy.account, purpose="p", sha256=f"{job_id:064x}")
        await self.jobs.apply(Move(job_id, S.WAITING, S.SENDING, at, changes=changes))
        changes = JobChanges(file_id=copy.remote_id)
        await self.jobs.apply(Move(job_id, S.SENDING, S.CONFIRMING, at, changes=changes))
        done = await self.jobs.apply(Move(job_id, S.CONFIRMING, S.DONE, at, copy=copy))
        assert done.state is S.DONE
        return job_id

    async def get(self, remote_id: str = "f1") -> Copy:
        copy = await self.copies.by_remote_id("work", remote_id)
        assert copy is not None
        return copy

    async def in_use(self, copy: NewCopy = COPY) -> str | None:
        found = await self.copies.find_present(copy.account, copy.purpose, copy.sha256)
        return None if found is None else found.remote_id

    async def move(self, copy: Copy, *states: CopyState, at: float = 4.0) -> Copy:
        for state in states:
            copy = await self.copies.move(copy.id, copy.state, state, at)
        return copy


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(tmp_path / "test.db")
    yield Desk(database)
    database.close()


async def test_a_copy_is_recorded_as_it_is(desk: Desk) -> None:
    job_id = await desk.record(COPY)
    copy = await desk.get()
    assert copy == Copy(
        id=copy.id,
        provider="kimi",
        account="work",
        purpose="file-extract",
        sha256="ab" * 32,
        size=10,
        remote_id="f1",
        remote_name="a.pdf",
        state=C.PRESENT,
        usable=True,
        recorded_at=3.0,
        job_id=job_id,
        verified_at=3.0,
        expires_at=99.0,
    )
    assert await desk.copies.find_present("work", "file-extract", "ab" * 32) == copy
    assert await desk.copies.of_account("work") == [copy]
    assert await desk.copies.of_job(job_id) == copy


async def test_account_purpose_and_content_must_agree(desk: Desk) -> None:
    await desk.record(COPY)
    assert await desk.copies.find_present("home", "file-extract", "ab" * 32) is None
    assert await desk.copies.find_present("work", "image", "ab" * 32) is None
    assert await desk.copies.find_present("work", "file-extract", "cd" * 32) is None
    assert await desk.copies.by_remote_id("home", "f1") is None
    assert await desk.copies.of_account("home") == []


async def test_an_unusable_copy_is_known_but_not_used(desk: Desk) -> None:
    await desk.record(replace(COPY, usable=False))
    assert await desk.in_use() is None
    assert await desk.copies.usage() == {"work": (1, 10)}
    await desk.record(replace(COPY, remote_id="f2"))
    assert await desk.in_use() == "f2"


async def test_of_two_copies_of_one_content_the_older_is_used(desk: Desk) -> None:
    await desk.record(COPY)
    await desk.record(replace(COPY, remote_id="f2"))
    assert await desk.in_use() == "f1"
    second = await desk.get("f2")
    assert (second.state, second.usable) == (C.PRESENT, False)
    assert await desk.copies.usage() == {"work": (2, 20)}


async def test_a_known_id_is_brought_up_to_date(desk: Desk) -> None:
    first_job = await desk.record(COPY)
    await desk.move(await desk.get(), C.MISSING)
    await desk.record(replace(COPY, size=11, remote_name="b.pdf", expires_at=None), at=7.0)
    (copy,) = await desk.copies.of_account("work")
    assert (copy.state, copy.size, copy.remote_name, copy.expires_at) == (
        C.PRESENT,
        11,
        "b.pdf",
        None,
    )
    assert (copy.job_id, copy.recorded_at, copy.verified_at) == (first_job, 3.0, 7.0)


async def test_an_account_may_have_the_id_of_another(desk: Desk) -> None:
    await desk.record(COPY)
    await desk.record(replace(COPY, account="home"))
    assert await desk.copies.usage() == {"work": (1, 10), "home": (1, 10)}


async def test_names_and_ids_from_a_server_may_be_anything(desk: Desk) -> None:
    await desk.record(replace(COPY, remote_id="f\ud800", remote_name="\x00\udfff'\"%"))
    found = await desk.copies.by_remote_id("work", "f\ud800")
    assert found is not None
    assert found.state is C.PRESENT


async def test_a_copy_that_left_is_not_found(desk: Desk) -> None:
    await desk.record(COPY)
    deleting = await desk.move(await desk.get(), C.DELETING)
    assert await desk.in_use() is None
    assert await desk.copies.usage() == {}
    assert (deleting.usable, deleting.verified_at) == (True, 3.0)
    back = await desk.move(deleting, C.PRESENT, at=8.0)
    assert back.verified_at == 8.0
    assert await desk.in_use() == "f1"
    await desk.move(back, C.DELETING, C.DELETED)
    assert [copy.state for copy in await desk.copies.of_account("work")] == [C.DELETED]


async def test_back_when_the_content_was_sent_again(desk: Desk) -> None:
    await desk.record(COPY)
    missing = await desk.move(await desk.get(), C.MISSING)
    await desk.record(replace(COPY, remote_id="f2"))
    assert await desk.in_use() == "f2"
    back = await desk.move(missing, C.PRESENT)
    assert (back.state, back.usable) == (C.PRESENT, False)
    assert await desk.in_use() == "f2"


async def test_moves_start_from_the_state_they_name(desk: Desk) -> None:
    await desk.record(COPY)
    copy = await desk.get()
    await desk.move(copy, C.EXPIRED)
    with pytest.raises(StaleJobError):
        await desk.copies.move(copy.id, C.PRESENT, C.MISSING, 5.0)
    with pytest.raises(StaleJobError):
        await desk.copies.move(copy.id + 1, C.PRESENT, C.MISSING, 5.0)


@pytest.mark.parametrize("old", C)
async def test_only_the_moves_of_the_table(desk: Desk, old: CopyState) -> None:
    for new in set(C) - COPY_MOVES[old]:
        with pytest.raises(IllegalMoveError):
            await desk.copies.move(1, old, new, 5.0)


async def test_a_duplicate_leads_to_the_copy_it_stands_for(desk: Desk) -> None:
    original = await desk.record(COPY)
    by_job, by_id, neither = [await desk.waiting_job() for _ in range(3)]
    changes = {
        by_job: JobChanges(twin_of=original),
        by_id: JobChanges(account="work", file_id="f1"),
        neither: JobChanges(),
    }
    for job_id, change in changes.items():
        await desk.jobs.apply(Move(job_id, S.WAITING, S.DUPLICATE, 4.0, changes=change))
    copy = await desk.get()
    assert await desk.copies.of_job(by_job) == copy
    assert await desk.copies.of_job(by_id) == copy
    assert await desk.copies.of_job(neither) is None
    assert await desk.copies.of_job(99) is None

    # The job that made it may be forgotten: the file is still there.
    await desk.jobs.remove([original])
    found = await desk.copies.of_job(by_id)
    assert found is not None
    assert (found.remote_id, found.job_id) == ("f1", None)


async def test_the_result_of_a_job_comes_before_what_it_left_on_the_way(desk: Desk) -> None:
    job_id = await desk.waiting_job()
    changes = JobChanges(account="work", purpose="p", sha256="cd" * 32)
    for remote_id, end in (("bad", S.FAILED), ("good", S.DONE)):
        copy = replace(COPY, remote_id=remote_id, usable=end is S.DONE)
        await desk.jobs.apply(Move(job_id, S.WAITING, S.SENDING, 4.0, changes=changes))
        named = JobChanges(file_id=remote_id)
        await desk.jobs.apply(Move(job_id, S.SENDING, S.CONFIRMING, 4.0, changes=named))
        await desk.jobs.apply(Move(job_id, S.CONFIRMING, end, 4.0, copy=copy))
        if end is S.FAILED:
            for old, new in itertools.pairwise((S.FAILED, *PREPARED)):
                await desk.jobs.apply(Move(job_id, old, new, 5.0))
    found = await desk.copies.of_job(job_id)
    assert found is not None
    assert found.remote_id == "good"
