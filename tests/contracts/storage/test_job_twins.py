"""The contract of `core.jobs.store.JobStore`: nothing is sent twice, whoever races."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import JobView
from exai_desktop.core.jobs.store import (
    JobChanges,
    JobStore,
    Move,
    StaleJobError,
    TwinInFlightError,
    TwinPresentError,
)
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.jobs import SqliteJobStore
from tests.contracts.storage.job_rig import (
    HASH,
    TO_SENDING,
    TO_WAITING,
    S,
    add,
    lead,
    new_copy,
    routed,
)


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


async def test_a_copy_that_is_there_comes_before_a_job_in_flight(
    database: Database, store: JobStore
) -> None:
    first, second, third = await add(store, "/a", "/b", "/c")
    await lead(store, first, *TO_SENDING, S.CONFIRMING)
    await store.apply(Move(first.id, S.CONFIRMING, S.DONE, 9.0, copy=new_copy("f1")))
    copies = SqliteCopyStore(database)
    copy = await copies.by_remote_id("work", "f1")
    assert copy is not None
    # Missing for a while, long enough for the next one to start.
    await copies.move(copy.id, CopyState.PRESENT, CopyState.MISSING, 10.0)
    await lead(store, second, *TO_SENDING)
    await copies.move(copy.id, CopyState.MISSING, CopyState.PRESENT, 11.0)
    with pytest.raises(TwinPresentError):
        await lead(store, third, *TO_SENDING)


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
