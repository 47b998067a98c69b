"""Room at an account is reserved by being on the way, and given back by not being it any more."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.jobs.jobs import Attempt, JobState, JobView
from exai_desktop.core.jobs.store import Move
from exai_desktop.core.routing.routing import Limits, Usage
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import _ALL_ON_THE_WAY, SqliteCopyStore, usage
from exai_desktop.storage.record.jobs import SqliteJobStore
from tests.contracts.storage.job_rig import TO_WAITING, add, lead, new_copy, routed

S = JobState
FIVE = Limits(files=5)


def _hash(number: int) -> str:
    return f"{number:064x}"


async def _waiting(jobs: SqliteJobStore, count: int, first: int = 0) -> list[JobView]:
    names = [f"/a/{first + n}.txt" for n in range(count)]
    made = await add(jobs, *names)
    return [
        await lead(jobs, job, *TO_WAITING, changes=routed(_hash(first + n)))
        for n, job in enumerate(made)
    ]


async def _send(jobs: SqliteJobStore, job: JobView, limits: Limits = FIVE) -> bool:
    try:
        await jobs.apply(Move(job.id, S.WAITING, S.SENDING, 9.0, limits=limits))
    except AccountError as error:
        return error.code is not ErrorCode.PROVIDER_FILE_LIMIT
    return True


async def _store(jobs: SqliteJobStore, job: JobView, remote_id: str) -> None:
    await jobs.apply(Move(job.id, S.SENDING, S.CONFIRMING, 9.0))
    copy = new_copy(remote_id, job.sha256 or "")
    await jobs.apply(Move(job.id, S.CONFIRMING, S.DONE, 9.0, copy=copy))


async def test_of_twenty_at_once_exactly_as_many_go_as_there_is_room(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    jobs = SqliteJobStore(database)
    waiting = await _waiting(jobs, 20)
    went = await asyncio.gather(*(_send(jobs, job) for job in waiting))
    assert sum(went) == 5
    database.close()
    # After a kill the same five still count, without anybody remembering a reservation.
    database = Database(tmp_path / "a.db")
    jobs = SqliteJobStore(database)
    assert not await _send(jobs, waiting[19])
    database.close()


async def test_what_is_used_is_told_for_all_purposes_of_all_accounts_at_once(
    tmp_path: Path,
) -> None:
    database = Database(tmp_path / "a.db")
    jobs = SqliteJobStore(database)
    stored, sending, _ = await _waiting(jobs, 3)
    assert await _send(jobs, stored)
    assert await _send(jobs, sending)
    await _store(jobs, stored, "r1")
    account, purpose = str(sending.account), str(sending.purpose)
    rooms = [(account, purpose), (account, "other"), ("nobody", purpose)]
    size = stored.size + sending.size
    expected = [Usage(2, size, 2), Usage(2, size, 0), Usage()]
    assert await jobs.room_used(rooms) == dict(zip(rooms, expected, strict=True))
    for room in rooms:  # the same rule as that of a move
        one = await database.read(partial(usage, account=room[0], purpose=room[1], job=0))
        assert (await jobs.room_used([room]))[room] == one
    plan = await database.read(
        lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {_ALL_ON_THE_WAY}").fetchall()
    )
    assert "USING INDEX" in plan[0]["detail"], "all jobs are read"
    database.close()


async def test_room_comes_back_once_whatever_the_end(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    jobs, copies = SqliteJobStore(database), SqliteCopyStore(database)
    waiting = await _waiting(jobs, 8)
    for job in waiting[:5]:
        assert await _send(jobs, job)
    # One ends without being stored, four are stored: one place is free.
    await jobs.apply(Move(waiting[0].id, S.SENDING, S.FAILED, 9.0))
    for job in waiting[1:5]:
        await _store(jobs, job, f"r{job.id}")
    assert await _send(jobs, waiting[5])
    assert not await _send(jobs, waiting[6])
    # A copy being deleted still takes its room; deleted it does not.
    [copy, *_] = await copies.of_account("work")
    await copies.move(copy.id, CopyState.PRESENT, CopyState.DELETING, 9.0)
    assert not await _send(jobs, waiting[6])
    await copies.move(copy.id, CopyState.DELETING, CopyState.DELETED, 9.0)
    assert await _send(jobs, waiting[6])
    assert not await _send(jobs, waiting[7])
    database.close()


async def test_bytes_and_purposes_are_counted_for_themselves(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    jobs = SqliteJobStore(database)
    first, second, third = await _waiting(jobs, 3)  # of 10 bytes each
    assert await _send(jobs, first, Limits(bytes=20))
    assert await _send(jobs, second, Limits(bytes=20))
    assert not await _send(jobs, third, Limits(bytes=20))
    assert not await _send(jobs, third, Limits(purpose_files=2))
    assert await _send(jobs, third, Limits(purpose_files=3, bytes=30))
    # Another account has room of its own.
    [other] = await add(jobs, "/b.txt")
    other = await lead(jobs, other, *TO_WAITING, changes=routed(_hash(99), "spare"))
    assert await _send(jobs, other, Limits(files=1))
    database.close()


async def test_how_long_answers_took_is_known_after_a_restart(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    jobs = SqliteJobStore(database)
    for number, job in enumerate(await _waiting(jobs, 3)):
        ended = Attempt(1, "http", "a", 10, "h", 5.0, 20.0 + number, "stored", left_at=10.0)
        await jobs.apply(Move(job.id, S.WAITING, S.SENDING, 5.0, attempt=ended))
        await jobs.apply(Move(job.id, S.SENDING, S.CONFIRMING, 5.0, attempt=ended))
    database.close()
    database = Database(tmp_path / "a.db")
    jobs = SqliteJobStore(database)
    assert await jobs.answer_delays("work", 2) == [12.0, 11.0]
    assert await jobs.answer_delays("spare", 2) == []
    database.close()


@pytest.mark.parametrize("state", [CopyState.MISSING, CopyState.EXPIRED])
async def test_what_is_gone_takes_no_room(tmp_path: Path, state: CopyState) -> None:
    database = Database(tmp_path / "a.db")
    jobs, copies = SqliteJobStore(database), SqliteCopyStore(database)
    first, second = await _waiting(jobs, 2)
    assert await _send(jobs, first, Limits(files=1))
    await _store(jobs, first, "r1")
    assert not await _send(jobs, second, Limits(files=1))
    [copy] = await copies.of_account("work")
    await copies.move(copy.id, CopyState.PRESENT, state, 9.0)
    assert await _send(jobs, second, Limits(files=1))
    database.close()
