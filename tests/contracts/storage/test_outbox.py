"""The outbox: each change is marked in its own transaction, fixed before it leaves, told once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.copies.queries import CopyCheck, Sight
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.store import JobChanges, Move
from exai_desktop.core.mirror.operations import (
    AnswerStatus,
    MirrorAccount,
    MirrorTarget,
    OperationAnswer,
    Outbox,
    RecordKind,
    WaitingRow,
)
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.jobs import SqliteJobStore
from exai_desktop.storage.record.outbox import SqliteOutbox

from .job_rig import TO_SENDING, TO_WAITING, add, lead, new_copy, routed

S, C = JobState, CopyState
URL, USER = "https://project.example", "user-1"
ACCOUNTS = {"work": MirrorAccount("kimi", "https://kimi.example/v1", "0123abcd")}
DEVICE = "11111111-1111-4111-8111-111111111111"


class Desk:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database(path)
        self.jobs = SqliteJobStore(self.database)
        self.copies = SqliteCopyStore(self.database)
        self.outbox: Outbox = SqliteOutbox(self.database)

    async def sign_in(self, user: str = USER, device: str = DEVICE) -> MirrorTarget:
        return await self.outbox.sign_in(URL, user, device)

    async def done(self, number: int = 1) -> JobView:
        sha256 = f"{number:064x}"
        (job,) = await add(self.jobs, f"/secret/place/f{number}.pdf")
        job = await lead(self.jobs, job, *TO_SENDING, changes=routed(sha256))
        file = JobChanges(file_id=f"file-{number}")
        await self.jobs.apply(Move(job.id, S.SENDING, S.CONFIRMING, 6.0, changes=file))
        copy = new_copy(f"file-{number}", sha256)
        return await self.jobs.apply(Move(job.id, S.CONFIRMING, S.DONE, 7.0, copy=copy))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def marked(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT kind, local_id, generation FROM outbox ORDER BY kind, local_id")

    async def take(self, target: MirrorTarget, limit: int = 200) -> list[WaitingRow]:
        return list(await self.outbox.take(target, ACCOUNTS, limit))

    async def answer(
        self, target: MirrorTarget, sent: list[WaitingRow], status: AnswerStatus, **more: Any
    ) -> None:
        answers = {row.op_id: OperationAnswer(row.op_id, status, **more) for row in sent}
        await self.outbox.settle(target, sent, answers)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "test.db")
    yield desk
    desk.database.close()


def data_of(waiting: WaitingRow) -> Mapping[str, Any]:
    data = waiting.operations[0].data
    assert isinstance(data, Mapping)
    return data


async def test_without_a_sign_in_nothing_waits(desk: Desk) -> None:
    await desk.done()
    target = await desk.sign_in()
    await desk.outbox.sign_out()
    await desk.done(2)
    assert desk.marked() == []
    assert await desk.take(target) == []


async def test_each_change_is_marked(desk: Desk) -> None:
    await desk.sign_in()
    (job,) = await add(desk.jobs, "/a.pdf")
    job = await lead(desk.jobs, job, *TO_WAITING)
    # What only waits has left nothing anywhere.
    assert desk.marked() == []
    await desk.jobs.apply(Move(job.id, S.WAITING, S.SENDING, 5.0))
    await desk.jobs.apply(Move(job.id, S.SENDING, S.CONFIRMING, 6.0))
    assert desk.marked() == [("file", job.id, 2)]
    await desk.jobs.apply(Move(job.id, S.CONFIRMING, S.DONE, 7.0, copy=new_copy("file-1")))
    copy = await desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    assert desk.marked() == [("copy", copy.id, 1), ("file", job.id, 3)]
    await desk.jobs.remove([job.id])
    assert ("file", job.id, 4) in desk.marked()


async def test_a_moved_copy_waits_again(desk: Desk) -> None:
    await desk.sign_in()
    await desk.done()
    copy = await desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    await desk.copies.move(copy.id, C.PRESENT, C.MISSING, 8.0)
    assert desk.marked()[0] == ("copy", copy.id, 2)
    # A look that finds it where it was is no change.
    await desk.copies.move(copy.id, C.MISSING, C.PRESENT, 9.0)
    await desk.copies.looked([CopyCheck(copy.id, 10.0, Sight.SEEN, 10)])
    await desk.copies.verified([copy.id], 11.0)
    assert desk.marked()[0] == ("copy", copy.id, 3)


async def test_a_refused_file_is_told_as_well(desk: Desk) -> None:
    await desk.sign_in()
    (job,) = await add(desk.jobs, "/a.pdf")
    await lead(desk.jobs, job, S.QUEUED, S.CHECKING, S.REFUSED)
    assert desk.marked() == [("file", job.id, 1)]


async def test_a_change_that_is_undone_marks_nothing(desk: Desk) -> None:
    await desk.sign_in()

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO batches (created_at, origin, allow_fallback) VALUES (0,'',0)"
        )
        connection.execute(
            "INSERT INTO jobs (batch_id, path, name, search_text, state, size, created_at,"
            " updated_at, allow_fallback) VALUES (1, x'61', 'a', 'a', 'queued', 9, 0, 0, 0)"
        )
        connection.execute("UPDATE jobs SET state = 'refused'")
        assert connection.execute("SELECT count(*) FROM outbox").fetchone()[0] == 1
        raise KeyError

    with pytest.raises(KeyError):
        await desk.database.write(fail)
    assert desk.marked() == []


async def test_what_is_told_and_what_never_leaves(desk: Desk) -> None:
    target = await desk.sign_in()
    job = await desk.done()
    copy = await desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    await desk.copies.looked([CopyCheck(copy.id, 8.0, Sight.SEEN, 10)])
    first, second = await desk.take(target)
    assert [each.kind for each in first.operations] == [RecordKind.COPY, RecordKind.CHECK]
    assert second.kind is second.operations[0].kind is RecordKind.FILE
    assert data_of(second)["copy_id"] == first.operations[0].key
    assert data_of(first)["file_id"] == second.operations[0].key
    assert data_of(first)["account_id"] == ACCOUNTS["work"].id
    assert (data_of(second)["name"], data_of(second)["local_no"]) == ("f1.pdf", job.id)
    payload = json.dumps([each.as_json() for row in (first, second) for each in row.operations])
    assert "secret" not in payload
    assert "place" not in payload


async def test_it_is_fixed_before_it_leaves(desk: Desk) -> None:
    """After a crash the same leaves again, by the same id, whatever has changed."""
    target = await desk.sign_in()
    await desk.done()
    sent = await desk.take(target)
    copy = await desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    await desk.copies.move(copy.id, C.PRESENT, C.DELETING, 8.0)
    desk.database.close()
    again = Desk(desk.path)
    assert await again.take(target) == sent
    await again.answer(target, sent, AnswerStatus.APPLIED, rev=1)
    # The change of meanwhile goes on its own, on top of what was answered.
    (rest,) = await again.take(target)
    assert (rest.operations[0].base_rev, data_of(rest)["status"]) == (1, "deleting")
    assert rest.op_id != sent[0].op_id
    await again.answer(target, [rest], AnswerStatus.APPLIED, rev=2)
    assert await again.take(target) == []
    assert again.marked() == []
    again.database.close()


async def test_an_answer_that_never_came_leaves_all_as_it_is(desk: Desk) -> None:
    target = await desk.sign_in()
    await desk.done()
    sent = await desk.take(target)
    await desk.outbox.settle(target, sent, {})
    assert await desk.take(target) == sent
    # An answer to something older settles nothing.
    await desk.answer(target, sent, AnswerStatus.APPLIED, rev=1)
    await desk.done(2)
    newer = await desk.take(target)
    await desk.answer(target, sent, AnswerStatus.APPLIED, rev=9)
    assert await desk.take(target) == newer


async def test_a_conflict_is_told_again_on_top(desk: Desk) -> None:
    target = await desk.sign_in()
    await desk.done()
    sent = await desk.take(target)
    await desk.answer(target, sent, AnswerStatus.CONFLICT, current={"rev": 5, "status": "present"})
    again = await desk.take(target)
    assert [row.operations[0].base_rev for row in again] == [5, 5]
    # Gone there: it is new again.
    await desk.answer(target, again, AnswerStatus.GONE)
    assert [row.operations[0].base_rev for row in await desk.take(target)] == [None, None]


@pytest.mark.parametrize(
    ("seen_there", "is_kept"),
    [("1970-01-01T00:00:09+00:00", True), ("1970-01-01T00:00:01+00:00", False), (None, False)],
)
async def test_what_another_device_found_gone_stays_gone(
    desk: Desk, seen_there: str | None, is_kept: bool
) -> None:
    target = await desk.sign_in()
    await desk.done()
    copy, file = await desk.take(target)
    await desk.answer(target, [file], AnswerStatus.APPLIED, rev=1)
    there = {"rev": 3, "status": "deleted", "last_verified": seen_there}
    await desk.answer(target, [copy], AnswerStatus.CONFLICT, current=there)
    assert (await desk.take(target) == []) is is_kept


async def test_what_is_refused_is_put_aside_until_it_changes(desk: Desk) -> None:
    target = await desk.sign_in()
    job = await desk.done()
    await desk.answer(target, await desk.take(target), AnswerStatus.REFUSED, code="23514")
    assert await desk.take(target) == []
    assert desk.rows("SELECT DISTINCT parked_code FROM outbox") == [("23514",)]
    await desk.jobs.remove([job.id])
    # Never taken there, and gone here: nothing is left to be told.
    assert await desk.take(target) == []
    assert [row[0] for row in desk.marked()] == ["copy"]


async def test_a_forgotten_job_is_told_as_deleted_once(desk: Desk) -> None:
    target = await desk.sign_in()
    job = await desk.done()
    sent = await desk.take(target)
    key = next(row.operations[0].key for row in sent if row.kind is RecordKind.FILE)
    await desk.answer(target, sent, AnswerStatus.APPLIED, rev=1)
    await desk.outbox.sign_out()
    # Removed while nobody was signed in: noticed all the same.
    await desk.jobs.remove([job.id])
    target = await desk.sign_in()
    (gone,) = [row for row in await desk.take(target) if row.kind is RecordKind.FILE]
    own = gone.operations[0]
    assert (own.key, own.data, own.base_rev) == (key, {"deleted": True}, 1)
    await desk.answer(target, [gone], AnswerStatus.APPLIED, rev=2)
    await desk.outbox.sign_out()
    target = await desk.sign_in()
    assert [row for row in await desk.take(target) if row.kind is RecordKind.FILE] == []


async def test_rows_from_before_are_filled_in(desk: Desk) -> None:
    for number in range(1, 6):
        await desk.done(number)
    await add(desk.jobs, "/not-yet.pdf")
    target = await desk.sign_in()
    pages = 1
    while await desk.outbox.fill(target, 2):
        pages += 1
    assert pages == 4
    assert [row[0] for row in desk.marked()] == ["copy"] * 5 + ["file"] * 5
    await desk.answer(target, await desk.take(target), AnswerStatus.APPLIED, rev=1)
    # At a start nothing is filled in again; after a time without a sign-in everything.
    target = await desk.sign_in()
    assert not await desk.outbox.fill(target, 100)
    assert desk.marked() == []
    await desk.outbox.sign_out()
    target = await desk.sign_in()
    await desk.outbox.fill(target, 100)
    assert len(desk.marked()) == 10


async def test_what_waits_for_one_user_never_goes_to_another(desk: Desk) -> None:
    first = await desk.sign_in()
    await desk.done()
    second = await desk.sign_in("user-2", "22222222-2222-4222-8222-222222222222")
    assert await desk.take(second) == []
    await desk.done(2)
    assert len(await desk.take(second)) == 2
    back = await desk.sign_in(device="33333333-3333-4333-8333-333333333333")
    # The same user is the same device as before.
    assert back == first
    assert [row.local_id for row in await desk.take(back)] == [1, 1]


async def test_a_batch_is_not_too_large(desk: Desk) -> None:
    target = await desk.sign_in()
    for number in range(1, 6):
        await desk.done(number)
    taken = await desk.take(target, 4)
    assert sum(len(row.operations) for row in taken) <= 4
    rest = 10 - len(taken)
    await desk.answer(target, taken, AnswerStatus.APPLIED, rev=1)
    assert len(desk.marked()) == rest


async def test_an_account_that_is_not_in_the_settings(desk: Desk) -> None:
    """Its copies wait until it is back; its jobs are told without it."""
    target = await desk.sign_in()
    await desk.done()
    (file,) = await desk.outbox.take(target, {})
    assert (file.kind, data_of(file)["account_id"]) == (RecordKind.FILE, None)
    await desk.answer(target, [file], AnswerStatus.APPLIED, rev=1)
    assert await desk.take(target) == []
    target = await desk.sign_in()
    assert [row.kind for row in await desk.take(target)] == [RecordKind.COPY]


# What a child does until it is killed: the whole life of one job after another.
_CHILD = """
import asyncio, sys
from pathlib import Path
from tests.contracts.storage.test_outbox import Desk

async def live():
    desk = Desk(Path(sys.argv[1]))
    await desk.sign_in()
    print("READY", flush=True)
    for number in range(1, 100_000):
        await desk.done(number)

asyncio.run(live())
"""


@pytest.mark.parametrize("number", range(3))
def test_after_a_kill_the_outbox_and_the_record_agree(tmp_path: Path, number: int) -> None:
    path = tmp_path / "killed.db"
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(path)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    with child, child.stdout:
        child.stdout.readline()
        with closing(sqlite3.connect(path)) as watch:
            count = "SELECT count(*) FROM copies"
            while watch.execute(count).fetchone()[0] < 2 + number:
                time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    with closing(sqlite3.connect(path)) as connection:
        told = "SELECT id FROM jobs WHERE state IN ('sending', 'confirming', 'done')"
        for kind, sql in (("file", told), ("copy", "SELECT id FROM copies")):
            found = connection.execute(sql).fetchall()
            marked = f"SELECT local_id FROM outbox WHERE kind = '{kind}'"
            assert sorted(found) == sorted(connection.execute(marked).fetchall())
            assert len(found) >= 2


async def test_a_copied_profile_is_another_device(desk: Desk) -> None:
    """Two profiles with one device id would have two jobs of one number."""
    first = await desk.outbox.sign_in(URL, USER, DEVICE, "the original")
    await desk.done()
    await desk.answer(first, await desk.take(first), AnswerStatus.APPLIED, rev=1)
    other = "22222222-2222-4222-8222-222222222222"
    assert await desk.outbox.sign_in(URL, USER, other, "the original") == first
    copy = await desk.outbox.sign_in(URL, USER, other, "the copy")
    assert (copy.id, copy.device_id) == (first.id, other)
    # All of it is told anew, as that device's.
    assert await desk.outbox.fill(copy, 100) is False
    told = await desk.take(copy)
    assert {op.base_rev for row in told for op in row.operations} == {None}
    assert {row.kind.value for row in told} == {"file", "copy"}
