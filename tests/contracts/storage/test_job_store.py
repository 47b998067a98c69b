"""The contract of `core.jobs.store.JobStore`: adding, moving, forgetting."""

from __future__ import annotations

import os

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView, FileError, IllegalMoveError
from exai_desktop.core.jobs.jobs import (
    JOB_MOVES,
    AddOptions,
    Attempt,
    JobQuery,
    JobState,
    NewJob,
    Origin,
)
from exai_desktop.core.jobs.store import JobChanges, JobStore, Move, StaleJobError
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import SqliteCopyStore
from tests.contracts.storage.job_rig import HASH, TO_SENDING, TO_WAITING, S, add, lead, new_copy


async def test_jobs_are_born_queued_or_refused(store: JobStore) -> None:
    options = AddOptions("work", "file-extract", allow_fallback=True, origin=Origin.CLI)
    batch = await store.add_batch(options, [NewJob("/a/first.pdf", 1)], 5.0)
    why = ErrorView.of(FileError(ErrorCode.EMPTY_FILE, "0 bytes"))
    added = await store.add_jobs(
        batch, [NewJob("/a/b.pdf", 2**40), NewJob("/a/empty.pdf", 0, why)], 6.0
    )

    queued, refused = added
    assert (queued.state, queued.size, queued.name) == (S.QUEUED, 2**40, "b.pdf")
    assert (queued.wanted_account, queued.wanted_purpose) == ("work", "file-extract")
    assert queued.allow_fallback
    assert (queued.created_at, queued.updated_at, queued.finished_at) == (6.0, 6.0, None)
    assert (refused.state, refused.error, refused.finished_at) == (S.REFUSED, why, 6.0)
    assert refused.id == queued.id + 1
    for view in added:
        assert await store.get(view.id) == view
        detail = await store.detail(view.id)
        assert detail is not None
        assert [(e.old, e.new) for e in detail.history] == [(None, view.state)]
    page = await store.page(JobQuery(batch_id=batch))
    assert page.total == 3
    assert await store.add_jobs(batch, [], 7.0) == []


async def test_a_job_may_want_another_account_than_its_batch(store: JobStore) -> None:
    """As a plan says, which has accounts of its own for its files."""
    jobs = [NewJob("/a.pdf", 1), NewJob("/b.pdf", 1, account="glm")]
    planned = await store.add_batch(AddOptions(account="kimi", origin=Origin.PLAN), jobs, 1.0)
    dropped = await store.add_batch(AddOptions(), [], 1.0)
    page = await store.page(JobQuery(batch_id=planned, descending=False))
    assert [row.wanted_account for row in page.rows] == ["kimi", "glm"]
    assert await store.is_of_plan(planned)
    assert not await store.is_of_plan(dropped)
    assert not await store.is_of_plan(dropped + 1)


async def test_many_at_once_are_all_there(store: JobStore) -> None:
    """More than one statement holds."""
    batch = await store.add_batch(AddOptions(origin=Origin.UNATTENDED, accepted=("m",)), (), 5.0)
    why = ErrorView.of(FileError(ErrorCode.FILE_TOO_LARGE, "\udce9"))
    jobs = [NewJob(f"/a/{n}.pdf", n, why if n % 3 == 0 else None) for n in range(1, 1_203)]
    added = await store.add_jobs(batch, [*jobs, NewJob("/a/huge", 2**62)], 6.0)
    page = await store.page(JobQuery(batch_id=batch, limit=-1, descending=False))
    assert list(page.rows) == added
    summary = await store.summary()
    assert (summary.counts[S.QUEUED], summary.counts[S.REFUSED]) == (803, 400)
    assert summary.open_bytes == sum(n for n in range(1, 1_203) if n % 3) + 2**50


async def test_an_unknown_batch(store: JobStore) -> None:
    with pytest.raises(AppError):
        await store.add_jobs(99, [NewJob("/a", 1)], 1.0)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
async def test_a_name_that_is_not_utf8_comes_back_as_it_was(store: JobStore) -> None:
    path = os.fsdecode(b"/folder/\xff\xe9 \xe2\x80\xaegnp.exe")
    (job,) = await add(store, path)
    assert job.path == path
    assert "\ufffd" in job.name
    job.name.encode()
    # Such text may come back in an error: it must not stop the move.
    changes = JobChanges(error_code="READ_FAILED", error_detail=f"cannot read {path}")
    await store.apply(Move(job.id, S.QUEUED, S.CHECKING, 2.0, note=path, changes=changes))


async def test_a_move_writes_all_that_belongs_to_it(store: JobStore) -> None:
    (job,) = await add(store, "/a/b.pdf")
    await lead(store, job, *TO_WAITING)
    started = Attempt(1, "http", "b.pdf", 10, HASH, 3.0)
    changes = JobChanges(
        attempts=1,
        transport="http",
        sent_name="b.pdf",
        mtime_ns=2**70,
        device=2**64 - 1,
        inode=2**127,
        route_reason="the only account",
    )
    sending = await store.apply(
        Move(job.id, S.WAITING, S.SENDING, 3.0, "first", changes, attempt=started)
    )
    assert (sending.mtime_ns, sending.device, sending.inode) == (2**70, 2**64 - 1, 2**127)
    assert (sending.account, sending.sha256, sending.transport) == ("work", HASH, "http")
    detail = await store.detail(job.id)
    assert detail is not None
    assert detail.attempts == (started,)

    ended = Attempt(1, "other", "other", 1, "", 9.0, 4.0, "ok", None, "fine", 200, "req-1")
    await store.apply(
        Move(job.id, S.SENDING, S.CONFIRMING, 4.0, changes=JobChanges(file_id="f1"), attempt=ended)
    )
    done = await store.apply(Move(job.id, S.CONFIRMING, S.DONE, 5.0, copy=new_copy("f1")))

    assert (done.state, done.file_id, done.updated_at, done.finished_at) == (S.DONE, "f1", 5.0, 5.0)
    detail = await store.detail(job.id)
    assert detail is not None
    assert detail.view == done
    # The end of an attempt never rewrites what was sent.
    assert detail.attempts == (
        Attempt(1, "http", "b.pdf", 10, HASH, 3.0, 4.0, "ok", None, "fine", 200, "req-1"),
    )
    assert [entry.new for entry in detail.history] == [*TO_SENDING, S.CONFIRMING, S.DONE]
    assert [entry.old for entry in detail.history] == [None, *TO_SENDING, S.CONFIRMING]
    assert detail.history[4].note == "first"
    assert detail.copy is not None
    assert detail.copy.remote_id == "f1"


async def test_a_move_from_another_state_is_stale_and_leaves_nothing(store: JobStore) -> None:
    (job,) = await add(store, "/a")
    await store.apply(Move(job.id, S.QUEUED, S.CHECKING, 2.0))
    before = await store.detail(job.id)
    with pytest.raises(StaleJobError):
        await store.apply(Move(job.id, S.QUEUED, S.CANCELLED, 3.0, copy=new_copy("f1")))
    with pytest.raises(StaleJobError):
        await store.apply(Move(job.id + 1, S.QUEUED, S.CANCELLED, 3.0))
    assert await store.detail(job.id) == before


@pytest.mark.parametrize("old", S)
async def test_only_the_moves_of_the_table(store: JobStore, old: JobState) -> None:
    for new in S:
        if new not in JOB_MOVES[old] and not (old.is_final and new is S.QUEUED):
            with pytest.raises(IllegalMoveError):
                await store.apply(Move(1, old, new, 2.0))


async def test_columns_that_do_not_exist_are_refused(store: JobStore) -> None:
    (job,) = await add(store, "/a")
    changes: JobChanges = {"state = 'done' --": 1}  # type: ignore[typeddict-unknown-key]
    with pytest.raises(KeyError):
        await store.apply(Move(job.id, S.QUEUED, S.CHECKING, 2.0, changes=changes))


@pytest.mark.parametrize("final", [S.REFUSED, S.FAILED, S.CANCELLED])
async def test_retry_begins_afresh(store: JobStore, final: JobState) -> None:
    (job,) = await add(store, "/a")
    await store.apply(Move(job.id, S.QUEUED, S.CHECKING, 2.0))
    await store.request_cancel(job.id)
    changes = JobChanges(
        error_code="READ_FAILED",
        error_detail="disk",
        error_retry_after=3.0,
        not_before=9.0,
        wait_reason="pause",
        attempts=2,
    )
    ended = await store.apply(Move(job.id, S.CHECKING, final, 3.0, changes=changes))
    assert ended.error is not None
    assert (ended.error.code, ended.error.detail, ended.error.retry_after) == (
        "READ_FAILED",
        "disk",
        3.0,
    )
    assert (ended.finished_at, ended.cancel_requested) == (3.0, True)

    again = await store.apply(Move(job.id, final, S.QUEUED, 4.0))
    assert (again.state, again.error, again.finished_at) == (S.QUEUED, None, None)
    assert (again.not_before, again.wait_reason, again.cancel_requested) == (None, None, False)
    assert again.attempts == 2
    detail = await store.detail(job.id)
    assert detail is not None
    assert detail.history[-1].old is final


async def test_many_moves_leave_out_the_stale(store: JobStore) -> None:
    a, b, c = await add(store, "/a", "/b", "/c")
    await store.apply(Move(b.id, S.QUEUED, S.CHECKING, 2.0))
    moved = await store.apply_many([Move(job.id, S.QUEUED, S.CANCELLED, 3.0) for job in (a, b, c)])
    assert [(view.id, view.state) for view in moved] == [(a.id, S.CANCELLED), (c.id, S.CANCELLED)]
    summary = await store.summary()
    assert summary.counts == {S.CANCELLED: 2, S.CHECKING: 1}


async def test_many_moves_are_all_or_nothing(store: JobStore) -> None:
    a, b = await add(store, "/a", "/b")
    with pytest.raises(IllegalMoveError):
        await store.apply_many(
            [Move(a.id, S.QUEUED, S.CANCELLED, 3.0), Move(b.id, S.QUEUED, S.DONE, 3.0)]
        )
    assert (await store.summary()).counts == {S.QUEUED: 2}


async def test_the_wish_to_cancel(store: JobStore) -> None:
    a, b = await add(store, "/a", "/b")
    await store.apply(Move(b.id, S.QUEUED, S.CANCELLED, 2.0))
    for job in (a, b):
        await store.request_cancel(job.id)
    assert [
        view and view.cancel_requested for view in (await store.get(a.id), await store.get(b.id))
    ] == [
        True,
        False,
    ]


async def test_remove_forgets_final_jobs_only(database: Database, store: JobStore) -> None:
    a, b, c = await add(store, "/a", "/b", "/c")
    await lead(store, a, *TO_SENDING, S.CONFIRMING)
    await store.apply(Move(a.id, S.CONFIRMING, S.DONE, 9.0, copy=new_copy("f1")))
    await store.apply(Move(b.id, S.QUEUED, S.CANCELLED, 2.0))

    assert await store.remove([a.id, c.id, 99]) == 1
    assert await store.get(a.id) is None
    copy = await SqliteCopyStore(database).by_remote_id("work", "f1")
    assert copy is not None
    assert copy.job_id is None
    assert await store.remove(None) == 1
    assert [row.id for row in (await store.page(JobQuery())).rows] == [c.id]
    # A number never comes back.
    await store.apply(Move(c.id, S.QUEUED, S.CANCELLED, 2.0))
    assert await store.remove(None) == 1
    assert (await add(store, "/d"))[0].id == c.id + 1
