"""The contract of `core.stores.JobStore`."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AppError, ErrorView, FileError
from exai_desktop.core.models import AddOptions, Attempt, JobQuery, JobView, NewJob, Origin, SortKey
from exai_desktop.core.states import JOB_MOVES, IllegalMoveError, JobState
from exai_desktop.core.stores import (
    JobChanges,
    JobStore,
    Move,
    NewCopy,
    StaleJobError,
    TwinInFlightError,
    TwinPresentError,
)
from exai_desktop.storage.copies import SqliteCopyStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.jobs import SqliteJobStore

S = JobState
HASH = "ab" * 32
TO_WAITING = (S.QUEUED, S.CHECKING, S.HASHING, S.WAITING)
TO_SENDING = (*TO_WAITING, S.SENDING)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "test.db")
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> JobStore:
    return SqliteJobStore(database)


async def add(store: JobStore, *paths: str, size: int = 10) -> list[JobView]:
    batch = await store.add_batch(AddOptions(), [], 1.0)
    return await store.add_jobs(batch, [NewJob(path, size) for path in paths], 1.0)


def routed(sha256: str = HASH, account: str = "work") -> JobChanges:
    return JobChanges(account=account, purpose="file-extract", provider="kimi", sha256=sha256)


async def lead(
    store: JobStore, job: JobView, *states: JobState, changes: JobChanges | None = None
) -> JobView:
    """Take the job along these states; the first is the one it is in."""
    for number, (old, new) in enumerate(itertools.pairwise(states)):
        move = Move(job.id, old, new, 2.0 + number)
        if new is S.WAITING and old is S.HASHING:
            move = Move(job.id, old, new, 2.0 + number, changes=changes or routed())
        job = await store.apply(move)
    return job


def new_copy(remote_id: str, sha256: str = HASH, *, usable: bool = True) -> NewCopy:
    return NewCopy("kimi", "work", "file-extract", sha256, 10, remote_id, "a.pdf", usable)


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


async def test_the_same_content_is_not_in_flight_twice(store: JobStore) -> None:
    first, second, elsewhere = await add(store, "/a", "/b", "/c")
    await lead(store, first, *TO_SENDING)
    with pytest.raises(TwinInFlightError) as caught:
        await lead(store, second, *TO_SENDING)
    assert caught.value.job_id == first.id
    waiting = await store.get(second.id)
    assert waiting is not None
    assert waiting.state is S.WAITING

    # Also while it is uncertain; not at another account.
    await lead(store, first, S.SENDING, S.UNCERTAIN)
    with pytest.raises(TwinInFlightError):
        await lead(store, second, S.WAITING, S.SENDING)
    await lead(store, elsewhere, *TO_SENDING, changes=routed(account="home"))

    await lead(store, first, S.UNCERTAIN, S.WAITING)
    assert (await lead(store, second, S.WAITING, S.SENDING)).state is S.SENDING


async def test_the_same_content_is_not_sent_when_it_is_there(store: JobStore) -> None:
    first, second = await add(store, "/a", "/b")
    await lead(store, first, *TO_SENDING, S.CONFIRMING)
    await store.apply(Move(first.id, S.CONFIRMING, S.DONE, 9.0, copy=new_copy("f1")))
    with pytest.raises(TwinPresentError) as caught:
        await lead(store, second, *TO_SENDING)
    assert (caught.value.copy.remote_id, caught.value.copy.job_id) == ("f1", first.id)
    waiting = await store.get(second.id)
    assert waiting is not None
    assert (waiting.state, waiting.finished_at) == (S.WAITING, None)


async def test_sending_without_content_or_account_is_impossible(store: JobStore) -> None:
    (job,) = await add(store, "/a")
    await lead(store, job, *TO_WAITING, changes=JobChanges(sha256=HASH))
    with pytest.raises(AppError):
        await store.apply(Move(job.id, S.WAITING, S.SENDING, 2.0))


async def test_racing_moves_one_wins(database: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "test.db")
    try:
        stores = [SqliteJobStore(database), SqliteJobStore(other)]
        (job,) = await add(stores[0], "/a")
        moves = [
            store.apply(Move(job.id, S.QUEUED, new, 2.0))
            for store in stores * 5
            for new in (S.CHECKING, S.CANCELLED)
        ]
        results = await asyncio.gather(*moves, return_exceptions=True)
        assert len([r for r in results if isinstance(r, JobView)]) == 1
        assert len([r for r in results if isinstance(r, StaleJobError)]) == len(moves) - 1
        detail = await stores[1].detail(job.id)
        assert detail is not None
        assert len(detail.history) == 2
    finally:
        other.close()


async def test_racing_twins_one_is_sent(database: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "test.db")
    try:
        stores = [SqliteJobStore(database), SqliteJobStore(other)]
        jobs = await add(stores[0], *(f"/{n}" for n in range(10)))
        for job in jobs:
            await lead(stores[0], job, *TO_WAITING)
        results = await asyncio.gather(
            *(
                stores[n % 2].apply(Move(job.id, S.WAITING, S.SENDING, 3.0))
                for n, job in enumerate(jobs)
            ),
            return_exceptions=True,
        )
        (winner,) = [r for r in results if isinstance(r, JobView)]
        losers = [r for r in results if isinstance(r, TwinInFlightError)]
        assert len(losers) == 9
        assert {loser.job_id for loser in losers} == {winner.id}
    finally:
        other.close()


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


async def test_ids_and_what_is_not_there(store: JobStore) -> None:
    a, b, c = await add(store, "/a", "/b", "/c")
    await lead(store, b, *TO_WAITING)
    await store.apply(Move(c.id, S.QUEUED, S.CANCELLED, 2.0))
    assert await store.ids([S.WAITING, S.QUEUED]) == [(a.id, None), (b.id, "work")]
    assert await store.ids([]) == []
    assert await store.get(99) is None
    assert await store.detail(99) is None


async def test_summary_counts_and_sums(store: JobStore) -> None:
    assert (await store.summary()).counts == {}
    why = ErrorView.of(FileError(ErrorCode.FILE_TOO_LARGE))
    batch = await store.add_batch(AddOptions(), [NewJob("/a", 100), NewJob("/b", 20)], 1.0)
    # Sparse files claim to be as large as the system can say.
    await store.add_jobs(batch, [NewJob(f"/{n}", 2**63 - 1, why) for n in range(3)], 1.0)
    summary = await store.summary()
    assert (summary.counts, summary.open_bytes) == ({S.QUEUED: 2, S.REFUSED: 3}, 120)

    ids = [job_id for job_id, _ in await store.ids([S.QUEUED])]
    await store.apply(Move(ids[0], S.QUEUED, S.CHECKING, 2.0, changes=JobChanges(size=300)))
    assert (await store.summary()).open_bytes == 320
    await store.remove(None)
    assert (await store.summary()).counts == {S.QUEUED: 1, S.CHECKING: 1}


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


async def found(store: JobStore, text: str) -> set[str]:
    return {row.path for row in (await store.page(JobQuery(search=text))).rows}


async def test_search(store: JobStore) -> None:
    paths = ["/docs/Report_1.pdf", "/docs/report%.txt", "/docs/RÉSUMÉ.doc", "/合同/文件.pdf"]
    jobs = await add(store, *paths, r"/back\slash.pdf")
    await lead(store, jobs[0], *TO_SENDING)
    await store.apply(
        Move(jobs[0].id, S.SENDING, S.CONFIRMING, 3.0, changes=JobChanges(file_id="File_X9"))
    )

    assert await found(store, "REPORT") == set(paths[:2])
    assert await found(store, "%") == {paths[1]}
    assert await found(store, "t_1") == {paths[0]}
    assert await found(store, "\\") == {r"/back\slash.pdf"}
    assert await found(store, "re\u0301sume\u0301") == {paths[2]}
    assert await found(store, "文件") == {paths[3]}
    assert await found(store, "合同") == {paths[3]}
    assert await found(store, "file_x") == {paths[0]}
    assert await found(store, "ABAB") == {paths[0]}
    assert await found(store, "baba") == set()
    assert await found(store, "  ") == {*paths, r"/back\slash.pdf"}
    assert await found(store, "' OR 1=1 --") == set()
    assert await found(store, "\udc80") == set()


async def test_pages(store: JobStore) -> None:
    jobs = await add(store, *(f"/{name}" for name in "cBaD"))
    other = await store.add_batch(AddOptions(), [NewJob("/e", 99)], 2.0)

    async def names(query: JobQuery) -> str:
        return "".join(row.name for row in (await store.page(query)).rows)

    assert await names(JobQuery()) == "eDaBc"
    assert await names(JobQuery(descending=False)) == "cBaDe"
    assert await names(JobQuery(sort=SortKey.NAME, descending=False)) == "aBcDe"
    assert await names(JobQuery(sort=SortKey.SIZE)) == "eDaBc"
    assert await names(JobQuery(offset=1, limit=2)) == "Da"
    assert await names(JobQuery(offset=9)) == ""
    assert await names(JobQuery(batch_id=other)) == "e"
    assert await names(JobQuery(ids=())) == ""
    assert await names(JobQuery(ids=(jobs[1].id, 77, *range(1_000, 90_000)))) == "B"
    assert await names(JobQuery(states=(S.QUEUED, S.DONE))) == "eDaBc"
    assert await names(JobQuery(states=(S.DONE,))) == ""
    for sort in SortKey:
        assert len(await names(JobQuery(sort=sort))) == 5
    page = await store.page(JobQuery(offset=1, limit=2))
    assert (len(page.rows), page.total) == (2, 5)


async def test_speed_at_100_000_jobs(store: JobStore) -> None:
    """Four times the bars of the design: they tell a missing index from a busy machine."""
    batch = await store.add_batch(AddOptions(), [], 1.0)
    spent = []
    for folder in range(200):
        jobs = [NewJob(f"/home/me/documents/{folder}/report {n}.pdf", n) for n in range(500)]
        start = time.perf_counter()
        await store.add_jobs(batch, jobs, 1.0)
        spent.append(time.perf_counter() - start)
    assert sorted(spent)[100] < 0.12

    start = time.perf_counter()
    summary = await store.summary()
    assert time.perf_counter() - start < 0.02
    assert summary.total == 100_000

    start = time.perf_counter()
    page = await store.page(JobQuery(search="19/report 49", sort=SortKey.NAME))
    assert time.perf_counter() - start < 0.4
    assert page.total == 22

    start = time.perf_counter()
    await store.page(JobQuery(offset=50_000))
    assert time.perf_counter() - start < 0.1
