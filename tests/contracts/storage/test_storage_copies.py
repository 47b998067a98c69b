"""Which contents are to be copied to Storage: noted with the job that is stored, for one user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import CopyWork, RoomEnd, StorageState
from exai_desktop.storage.record.storage_copies import SqliteStorageCopies

from .test_outbox import DEVICE, Desk

S = StorageState


class CopyDesk(Desk):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.book = SqliteStorageCopies(self.database)

    async def refuse(self, target: MirrorTarget) -> CopyWork:
        work = await self.book.next(target)
        assert work is not None
        work = replace(work, state=S.REFUSED, code="COPY_TOO_LARGE", detail="why")
        await self.book.save(target, work)
        return work


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CopyDesk]:
    found = CopyDesk(tmp_path / "test.db")
    yield found
    found.database.close()


async def test_a_stored_job_is_noted_while_it_is_wanted(desk: CopyDesk) -> None:
    target = await desk.sign_in()
    await desk.done(1)
    assert await desk.book.next(target) is None
    await desk.book.switch(is_on=True)
    job = await desk.done(2)
    work = await desk.book.next(target)
    assert work == CopyWork(f"{2:064x}", 10, job.id)
    await desk.book.switch(is_on=False)
    await desk.done(3)
    assert (await desk.book.status(target)).waiting == 1


async def test_it_waits_for_one_user_alone(desk: CopyDesk) -> None:
    mine = await desk.sign_in()
    await desk.book.switch(is_on=True)
    await desk.done(1)
    other = await desk.sign_in("user-2", DEVICE.replace("1", "2"))
    assert await desk.book.next(other) is None
    # Who has not been asked has not said yes.
    await desk.done(2)
    assert await desk.book.next(other) is None
    assert (await desk.book.status(mine)).waiting == 1
    assert await desk.book.rows(other, (), (), 10) == []


async def test_what_was_sent_before_may_be_asked_for(desk: CopyDesk) -> None:
    target = await desk.sign_in()
    one, two = await desk.done(1), await desk.done(2)
    assert await desk.book.add(target, [one.id, two.id, 999]) == 2
    assert await desk.book.add(target, [one.id]) == 1
    assert (await desk.book.status(target)).waiting == 2


async def test_a_refused_one_waits_again_when_it_is_wished(desk: CopyDesk) -> None:
    target = await desk.sign_in()
    await desk.book.switch(is_on=True)
    job = await desk.done(1)
    work = await desk.refuse(target)
    assert await desk.book.next(target) is None
    (row,) = await desk.book.rows(target, (S.REFUSED,), (), 10)
    assert (row.name, row.code, row.detail) == (job.name, "COPY_TOO_LARGE", "why")
    assert await desk.book.retry(target) == 1
    found = await desk.book.next(target)
    assert found is not None
    assert (found.state, found.code) == (S.WAITING, "")
    await desk.book.save(target, work)
    assert await desk.book.add(target, [job.id]) == 1


async def test_ends_are_told_also_when_nothing_is_copied_any_more(desk: CopyDesk) -> None:
    target = await desk.sign_in()
    await desk.book.switch(is_on=True)
    await desk.done(1)
    await desk.done(2)
    work = await desk.book.next(target)
    assert work is not None
    assert await desk.book.next(target, only_ends=True) is None
    ended = replace(work, state=S.COPIED, settle=RoomEnd.COMMITTED)
    await desk.book.save(target, ended)
    assert await desk.book.next(target, only_ends=True) == ended
    # Ends come before what waits.
    assert await desk.book.next(target) == ended
    await desk.book.remove(target, work.sha256)
    assert await desk.book.find(target, work.sha256) is None


async def test_what_is_begun_comes_first_and_shows_how_far(desk: CopyDesk) -> None:
    target = await desk.sign_in()
    await desk.book.switch(is_on=True)
    for number in (1, 2):
        await desk.done(number)
    begun = CopyWork(f"{2:064x}", 10, 2, upload="abc", source="file", sent=4)
    await desk.book.save(target, begun)
    assert await desk.book.next(target) == begun
    (row,) = await desk.book.rows(target, (S.COPYING,), (), 10)
    assert (row.percent, row.words) == (40, "copying 40 %")
    (same,) = await desk.book.rows(target, (), (begun.sha256,), 10)
    assert same == row
