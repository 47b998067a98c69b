"""The line in which jobs are sent: moving within it, and the list in its order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, NewJob, SortKey
from exai_desktop.core.jobs.line import BESIDE, LinePlace, Spot
from exai_desktop.core.jobs.store import JobStore, Move
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.jobs import SqliteJobStore
from tests.contracts.storage.job_rig import TO_SENDING, TO_WAITING, S, add, lead

FIRST, LAST = LinePlace(Spot.FIRST), LinePlace(Spot.LAST)


async def line(store: JobStore, limit: int = -1) -> list[int]:
    page = await store.page(JobQuery(sort=SortKey.LINE, descending=False, limit=limit))
    return [job.id for job in page.rows]


async def test_jobs_are_moved_to_both_ends_by_one_step_and_beside_another(store: JobStore) -> None:
    await add(store, *(f"/{n}" for n in range(1, 7)))
    assert await line(store) == [1, 2, 3, 4, 5, 6]
    done = await store.reorder([5, 3], FIRST)
    assert done.jobs == (3, 5)  # they keep their order
    assert await line(store) == [3, 5, 1, 2, 4, 6]
    await store.reorder([3, 1], LAST)
    assert await line(store) == [5, 2, 4, 6, 3, 1]
    await store.reorder([6, 3], LinePlace(Spot.UP))
    assert await line(store) == [5, 2, 6, 3, 4, 1]
    await store.reorder([5, 2], LinePlace(Spot.DOWN))
    assert await line(store) == [6, 5, 2, 3, 4, 1]
    await store.reorder([1], LinePlace(Spot.BEFORE, 5))
    assert await line(store) == [6, 1, 5, 2, 3, 4]
    await store.reorder([6, 1], LinePlace(Spot.AFTER, 3))
    assert await line(store) == [5, 2, 3, 6, 1, 4]
    for to, ids in ((LinePlace(Spot.UP), [5]), (LinePlace(Spot.DOWN), [1, 4]), (FIRST, [99])):
        assert (await store.reorder(ids, to)).places == ()
    # Who comes later stands behind all of them.
    await add(store, "/7")
    assert await line(store) == [5, 2, 3, 6, 1, 4, 7]
    assert await store.ids([S.QUEUED]) == [(n, None) for n in (5, 2, 3, 6, 1, 4, 7)]


async def test_what_is_being_sent_or_has_ended_is_not_moved(store: JobStore) -> None:
    jobs = await add(store, *(f"/{n}" for n in range(1, 7)))
    await lead(store, jobs[0], *TO_SENDING)
    await lead(store, jobs[1], *TO_WAITING)
    for number in (2, 3):
        await store.apply(Move(jobs[number].id, S.QUEUED, S.CANCELLED, 3.0))
    await store.apply(Move(5, S.QUEUED, S.HELD, 3.0))
    # What is sent, the line, what stands still, and the finished ones, the newest first.
    assert await line(store) == [1, 2, 6, 5, 4, 3]
    done = await store.reorder([1, 3, 5, 6], FIRST)
    assert done.jobs == (5, 6)
    assert await line(store) == [1, 6, 2, 5, 4, 3]
    # A paused file has its new place when it goes on.
    await store.apply(Move(5, S.HELD, S.QUEUED, 4.0))
    assert await line(store) == [1, 5, 6, 2, 4, 3]
    for beside, code in (
        (1, "NOT_IN_LINE"),
        (4, "NOT_IN_LINE"),
        (77, "UNKNOWN_JOB"),
        (2, "NOT_IN"),
    ):
        with pytest.raises(EngineError) as caught:
            await store.reorder([2], LinePlace(Spot.BEFORE, beside))
        assert caught.value.code in (ErrorCode.NOT_IN_LINE, ErrorCode.UNKNOWN_JOB)
        assert caught.value.code.value.startswith(code)
    assert await line(store) == [1, 5, 6, 2, 4, 3]
    # It is no change of the job: who selected it before is not told that it is another.
    assert [job.updated_at for job in (await store.page(JobQuery(ids=(5, 6)))).rows] == [1.0, 4.0]


COUNT = 12
Plan = list[tuple[set[int], Spot, int]]
orders = st.lists(
    st.tuples(
        st.sets(st.integers(1, COUNT), min_size=1, max_size=4),
        st.sampled_from(list(Spot)),
        st.integers(1, COUNT),
    ),
    min_size=5,
    max_size=80,
)


def as_in_words(now: list[int], ids: set[int], spot: Spot, beside: int) -> list[int]:
    """What the words mean, said simply."""
    moved, rest = [n for n in now if n in ids], [n for n in now if n not in ids]
    first = sum(n not in ids for n in now[: now.index(moved[0])])
    last = sum(n not in ids for n in now[: now.index(moved[-1])])
    at = {
        Spot.FIRST: 0,
        Spot.LAST: len(rest),
        Spot.UP: max(first - 1, 0),
        Spot.DOWN: min(last + 1, len(rest)),
    }.get(spot)
    if (spot is Spot.UP and first == 0) or (spot is Spot.DOWN and last == len(rest)):
        return now
    if at is None:
        at = rest.index(beside) + (spot is Spot.AFTER)
    return [*rest[:at], *moved, *rest[at:]]


async def play(store: JobStore, database: Database, plan: Plan, *, is_tight: bool) -> None:
    batch = await store.add_batch(AddOptions(), [], 0.0)
    jobs = await store.add_jobs(batch, [NewJob(f"/{n}", 1) for n in range(COUNT)], 0.0)
    now = [job.id for job in jobs]
    before = now[0] - 1
    if is_tight:  # nobody has room between two neighbours
        await database.write(
            lambda connection: connection.execute(
                "UPDATE jobs SET place = id + (? << 24) WHERE id > ?", (before, before)
            )
        )
    for ids, spot, beside in plan:
        if spot in BESIDE and beside in ids:
            continue
        to = LinePlace(spot, beside + before if spot in BESIDE else None)
        await store.reorder([n + before for n in ids], to)
        now = as_in_words(now, {n + before for n in ids}, spot, beside + before)
        assert await line(store, COUNT) == now
    await store.apply_many([Move(job.id, S.QUEUED, S.CANCELLED, 1.0) for job in jobs])


@pytest.mark.parametrize("is_tight", [False, True])
def test_any_sequence_of_orders_gives_the_line_that_its_words_mean(
    tmp_path: Path, *, is_tight: bool
) -> None:
    database = Database(tmp_path / "line.db")
    store = SqliteJobStore(database)

    @given(orders)
    @effort(max_examples=25, deadline=None)
    def check(plan: Plan) -> None:
        asyncio.run(play(store, database, plan, is_tight=is_tight))

    try:
        check()
    finally:
        database.close()


async def test_in_a_long_line_a_move_changes_few_places(store: JobStore) -> None:
    """A hundred thousand wait: one moved file is one changed row, whatever the place."""
    batch, many = await store.add_batch(AddOptions(), [], 0.0), 100_000
    for start in range(0, many, 10_000):
        await store.add_jobs(batch, [NewJob(f"/{start + n}", 1) for n in range(10_000)], 0.0)
    for to in (FIRST, LAST, LinePlace(Spot.UP), LinePlace(Spot.BEFORE, 70_000)):
        assert len((await store.reorder([50_000], to)).places) == 1
    # Again and again to one place, until there is no room: some neighbours move, not all.
    most = 0
    for number in range(1, 60):
        done = await store.reorder([number], LinePlace(Spot.BEFORE, 70_000))
        most = max(most, len(done.places))
    assert 1 < most < 100
    page = await store.page(JobQuery(sort=SortKey.LINE, descending=False, offset=69_997, limit=3))
    assert [job.id for job in page.rows] == [58, 59, 70_000]
