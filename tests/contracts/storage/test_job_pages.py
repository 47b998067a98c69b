"""The contract of `core.jobs.store.JobStore`: pages from anywhere, ranges named by their ends."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest

from exai_desktop.cli.jobs.following import rows_of
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.jobs import AddOptions, JobPage, JobQuery, NewJob, SortKey
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from exai_desktop.core.jobs.store import JobChanges, JobStore, Move
from exai_desktop.core.service import UploadService
from exai_desktop.storage.database import Database
from exai_desktop.storage.record import job_pages
from exai_desktop.storage.sqlite.driver import Connection
from tests.contracts.storage.job_rig import TO_SENDING, TO_WAITING, S, add, lead, routed

# Two of one name, size and account each: the number decides.
NAMES = ("b", "B", "a", "C", "c", "A", "d")


async def mixed(store: JobStore) -> None:
    batch = await store.add_batch(AddOptions(), [], 1.0)
    jobs = await store.add_jobs(
        batch, [NewJob(f"/{place}/{name}", place // 2) for place, name in enumerate(NAMES)], 1.0
    )
    for number, job in enumerate(jobs[::2]):
        account = "work" if number % 2 else "home"
        await lead(store, job, *TO_WAITING, changes=routed(account=account))


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", SortKey)
async def test_a_page_is_the_same_from_wherever_it_is_read(
    store: JobStore, sort: SortKey, descending: bool
) -> None:
    await mixed(store)
    for query in (
        JobQuery(sort=sort, descending=descending),
        JobQuery(sort=sort, descending=descending, states=(S.QUEUED, S.DONE)),
        JobQuery(sort=sort, descending=descending, search="/"),
    ):
        whole = (await store.page(query)).rows
        # Nobody has moved a job in the line: its number is its place.
        keys = [
            (row.id if sort is SortKey.LINE else getattr(row, sort.value), row.id) for row in whole
        ]
        folded = [(str(key or "").lower(), number) for key, number in keys]  # numbers of one digit
        assert folded == sorted(folded, reverse=descending)
        places = range(len(whole) + 1)
        for offset, limit, known in itertools.product(places, (1, 3), range(len(whole))):
            part = replace(query, offset=offset, limit=limit, known=(known, whole[known].id))
            assert (await store.page(part)).rows == whole[offset : offset + limit], part
            far = replace(part, known=None)
            assert (await store.page(far)).rows == whole[offset : offset + limit], far


async def test_a_page_goes_on_from_a_row_whose_place_has_changed(store: JobStore) -> None:
    jobs = await add(store, "/a", "/b", "/c", "/d")
    shown = (await store.page(JobQuery(limit=2))).rows
    await add(store, "/e", "/f")
    # The window does not know of these yet: for it, the second page goes on behind /c.
    page = await store.page(JobQuery(offset=2, known=(1, shown[1].id)))
    assert [row.path for row in page.rows] == ["/b", "/a"]
    assert (page.total, page.newest) == (6, 6)
    await store.apply(Move(jobs[2].id, S.QUEUED, S.CANCELLED, 2.0))
    await store.remove([jobs[2].id])
    page = await store.page(JobQuery(offset=2, known=(1, shown[1].id)))  # /c is gone
    assert [row.path for row in page.rows] == ["/d", "/b", "/a"]


def steps(connection: Connection, query: JobQuery) -> int:
    """How many steps SQLite takes, in tens."""
    taken = itertools.count()
    connection.set_progress_handler(lambda: next(taken) < 0, 10)
    try:
        job_pages.page(connection, query)
    finally:
        connection.set_progress_handler(None, 0)
    return next(taken)


@pytest.mark.parametrize("sort", SortKey)
async def test_what_a_page_costs_does_not_depend_on_its_place(
    store: JobStore, database: Database, sort: SortKey
) -> None:
    count = 12_000
    batch = await store.add_batch(AddOptions(), [], 1.0)
    await store.add_jobs(
        batch, [NewJob(f"/d/{n * 7919 % count:05}.txt", n * 31 % 1_000) for n in range(count)], 1.0
    )
    query = JobQuery(sort=sort)
    first = await database.read(partial(steps, query=query))
    middle = (await store.page(replace(query, offset=count // 2))).rows[0]
    for offset in (200, count // 2 + 200, count // 2 - 200, count - 200):
        known = None if offset in (200, count - 200) else (count // 2, middle.id)
        there = replace(query, offset=offset, known=known)
        assert await database.read(partial(steps, query=there)) < 2 * first, there
    # A jump from nowhere passes over numbers, not over rows: some steps for each.
    jump = replace(query, offset=count // 2)
    assert await database.read(partial(steps, query=jump)) - first < count // 2


async def test_a_range_is_what_stands_between_its_ends(store: JobStore) -> None:
    jobs = await add(store, *(f"/{name}" for name in "dbfac"))
    by_name = JobQuery(sort=SortKey.NAME, descending=False)
    b, d, f = jobs[1].id, jobs[0].id, jobs[2].id

    async def paths(spans: tuple[tuple[int | None, int | None], ...], query: JobQuery) -> str:
        newest = max(job.id for job in jobs)
        found = await store.ids_in(JobRange(query, spans, newest), RangeOrder.CANCEL)
        known = {job.id: job.name for job in jobs}
        return "".join(known[job_id] for job_id in found)

    assert await paths(((b, d),), by_name) == "dbc"
    assert await paths(((None, b), (f, None)), by_name) == "bfa"
    assert await paths(((d, b),), replace(by_name, descending=True)) == "dbc"
    assert await paths(((None, None),), by_name) == "dbfac"
    assert await paths((), by_name) == ""
    await add(store, "/bb")  # came after the selection
    assert await paths(((b, d),), by_name) == "dbc"
    await store.request_cancel(jobs[4].id)
    assert await paths(((b, d),), by_name) == "db"
    assert await paths(((b, d),), replace(by_name, search="d")) == "d"
    with pytest.raises(EngineError) as caught:
        await paths(((b, 99),), by_name)
    assert caught.value.code is ErrorCode.UNKNOWN_JOB


async def test_a_range_as_of_a_moment_leaves_out_what_has_changed_since(store: JobStore) -> None:
    """A yes to a question is for the files that were there when it was asked."""
    jobs = await add(store, "/a", "/b", "/c", "/d", "/e")
    a, b, c, d, e = (job.id for job in jobs)

    async def cancel(*ids: int, at: float) -> None:
        for job_id in ids:
            await store.apply(Move(job_id, S.QUEUED, S.CANCELLED, at))

    async def found(order: RangeOrder, jobs: JobRange) -> list[int]:
        return (await store.ids_in(jobs, order)).tolist()

    await cancel(a, b, e, at=50.0)
    query = JobQuery(states=(S.CANCELLED,))
    page = await store.page(replace(query, limit=1))
    asked = JobRange(query, ((None, None),), page.newest, page.moment)
    assert (page.total, await found(RangeOrder.REMOVE, asked)) == (3, [a, b, e])
    # Numbers of removed changes are given again: the time tells these.
    await store.remove([e])
    await cancel(c, at=51.0)
    assert await found(RangeOrder.REMOVE, asked) == [a, b]
    # And a clock that was put back: their number tells these.
    await add(store, "/f", "/g", "/h")
    await cancel(d, at=2.0)
    # Still there, yet not what it was: it went back to the queue, and was cancelled once more.
    await store.apply(Move(b, S.CANCELLED, S.QUEUED, 2.0))
    await cancel(b, at=2.0)
    assert await found(RangeOrder.REMOVE, asked) == [a]
    assert await found(RangeOrder.REMOVE, replace(asked, as_of=None)) == [a, b, c, d]


async def test_file_ids_of_a_range_come_in_pieces(store: JobStore) -> None:
    jobs = await add(store, *(f"/{n}" for n in range(5)))
    for number, job in enumerate(jobs[:4]):
        await lead(store, job, *TO_SENDING, changes=routed(sha256=f"{number}" * 64))
        sent = JobChanges(file_id=f"id-{number}")
        await store.apply(Move(job.id, S.SENDING, S.CONFIRMING, 3.0, changes=sent))
    everything = JobRange(JobQuery(), ((None, None),), jobs[-1].id)
    piece = await store.file_ids(everything, 0, 3)
    assert (piece.text, piece.count, piece.last) == ("id-0\nid-1\nid-2", 3, jobs[2].id)
    piece = await store.file_ids(everything, jobs[2].id, 3)
    assert (piece.text, piece.count, piece.gone, piece.last) == ("id-3", 1, 0, None)
    earlier = replace(everything, newest=jobs[1].id)  # the others came after the selection
    assert (await store.file_ids(earlier, 0, 9)).text == "id-0\nid-1"


async def test_a_list_read_page_by_page_has_each_job_once(store: JobStore) -> None:
    """What `list` does, while files keep coming in."""
    there = await add(store, *(f"/{n}" for n in range(1_100)))

    class Queue:
        async def page(self, query: JobQuery) -> JobPage:
            page = await store.page(query)
            await add(store, "/a", "/b")
            return page

    service = cast(UploadService, SimpleNamespace(queue=Queue()))
    rows = await rows_of(service, JobQuery())
    assert [row.id for row in rows] == [job.id for job in reversed(there)]
