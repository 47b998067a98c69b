"""The limit over all devices, in the record: counted, changed since, asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.store import Move
from exai_desktop.core.mirror.operations import AnswerStatus, MirrorTarget
from exai_desktop.core.mirror.quota import Quota, QuotaDesk
from exai_desktop.core.routing.routing import Limits
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk

from .job_rig import TO_SENDING, TO_WAITING, add, lead, routed
from .test_outbox import URL, USER, Desk

S, C = JobState, CopyState
SIZE = 10


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "test.db")
    yield desk
    desk.database.close()


@pytest.fixture
def quotas(desk: Desk) -> QuotaDesk:
    return SqliteQuotaDesk(desk.database)


async def _count(quotas: QuotaDesk, used: int, limit: int = 100) -> None:
    await quotas.counted(URL, USER, Quota(limit, 50, used, 0))


async def _tell(desk: Desk, target: MirrorTarget, rev: int = 1) -> None:
    await desk.answer(target, await desk.take(target), AnswerStatus.APPLIED, rev=rev)


async def _since(quotas: QuotaDesk) -> int:
    use = await quotas.use()
    assert use is not None
    return use.since_bytes


async def _waiting(desk: Desk, number: int) -> JobView:
    (job,) = await add(desk.jobs, f"/w{number}.pdf")
    return await lead(desk.jobs, job, *TO_WAITING, changes=routed(f"{number:064x}"))


async def test_nobody_signed_in_or_nothing_counted_is_no_limit(
    desk: Desk, quotas: QuotaDesk
) -> None:
    assert await quotas.use() is None
    assert not await quotas.is_signed_in()
    target = await desk.sign_in()
    assert await quotas.use() is None
    await _count(quotas, 5)
    assert (await quotas.use()) is not None
    await desk.sign_in("user-2")
    assert await quotas.use() is None  # another user has a limit of his own
    await desk.outbox.sign_out()
    assert await quotas.reserve(1, SIZE) is None
    assert await quotas.due(target.id) == []


async def test_each_file_counts_once_on_its_whole_way(desk: Desk, quotas: QuotaDesk) -> None:
    """On its way, there and not told, told and not counted, counted: always once."""
    target = await desk.sign_in()
    await _count(quotas, 0)
    assert await _since(quotas) == 0
    (job,) = await add(desk.jobs, "/sending.pdf")
    await lead(desk.jobs, job, *TO_SENDING, changes=routed("f" * 64))
    assert await _since(quotas) == SIZE
    await desk.done(1)
    assert await _since(quotas) == 2 * SIZE
    await _tell(desk, target)
    assert await _since(quotas) == 2 * SIZE
    # Told: the project has counted it; the one on its way it cannot know.
    await _count(quotas, SIZE)
    assert await _since(quotas) == SIZE
    # The next contact says the same.
    await _count(quotas, SIZE)
    assert await _since(quotas) == SIZE


async def test_a_deletion_gives_back_once_on_its_whole_way(desk: Desk, quotas: QuotaDesk) -> None:
    target = await desk.sign_in()
    await desk.done(1)
    await _tell(desk, target)
    await _count(quotas, SIZE)
    copy = await desk.copies.by_remote_id("work", "file-1")
    assert copy is not None
    await desk.copies.move(copy.id, C.PRESENT, C.DELETING, 20.0)
    assert await _since(quotas) == 0  # it is there until the provider has said otherwise
    await desk.copies.move(copy.id, C.DELETING, C.DELETED, 21.0)
    assert await _since(quotas) == -SIZE
    await _tell(desk, target, rev=2)
    assert await _since(quotas) == -SIZE
    await _count(quotas, 0)
    assert await _since(quotas) == 0


async def test_two_that_are_begun_at_once_do_not_share_the_last_room(
    desk: Desk, quotas: QuotaDesk
) -> None:
    """The record decides: both have looked, and found room."""
    await desk.sign_in()
    await _count(quotas, 85)
    first, second = await _waiting(desk, 1), await _waiting(desk, 2)
    use = await quotas.use()
    assert use is not None
    assert use.left_bytes >= SIZE
    send = [Move(job.id, S.WAITING, S.SENDING, 5.0, limits=Limits()) for job in (first, second)]
    await desk.jobs.apply(send[0])
    with pytest.raises(EngineError) as caught:
        await desk.jobs.apply(send[1])
    assert caught.value.code is ErrorCode.SHARED_QUOTA_REACHED
    view = await desk.jobs.get(second.id)
    assert view is not None
    assert view.state is S.WAITING
    # What the project itself has given room for goes.
    room = await quotas.reserve(second.id, SIZE)
    assert room is not None
    await quotas.granted(room)
    assert (await desk.jobs.apply(send[1])).state is S.SENDING


async def test_room_stays_the_jobs_until_the_project_knows_the_file(
    desk: Desk, quotas: QuotaDesk
) -> None:
    target = await desk.sign_in()
    job = await desk.done(1)
    room = await quotas.reserve(job.id, SIZE)
    assert room is not None
    assert await quotas.reserve(job.id, SIZE) == room  # asked again with the same id
    assert await quotas.due(target.id) == []  # its copy is not told yet
    await _tell(desk, target)
    assert await quotas.due(target.id) == [room.id]
    await quotas.drop([room.id])
    assert await quotas.due(target.id) == []


@pytest.mark.parametrize("end", [S.FAILED, S.CANCELLED, S.HELD, None])
async def test_room_of_a_job_that_is_not_sent_is_given_back(
    desk: Desk, quotas: QuotaDesk, end: JobState | None
) -> None:
    target = await desk.sign_in()
    job = await _waiting(desk, 1)
    room = await quotas.reserve(job.id, SIZE)
    assert room is not None
    assert await quotas.due(target.id) == []
    await desk.jobs.apply(Move(job.id, S.WAITING, end or S.FAILED, 5.0))
    if end is None:
        await desk.jobs.remove([job.id])  # forgotten: its room is not
    assert await quotas.due(target.id) == [room.id]


async def test_a_larger_file_asks_anew_and_the_old_room_is_given_back(
    desk: Desk, quotas: QuotaDesk
) -> None:
    target = await desk.sign_in()
    job = await _waiting(desk, 1)
    small, large = await quotas.reserve(job.id, 5), await quotas.reserve(job.id, 9)
    assert small is not None
    assert large is not None
    assert large.id != small.id
    assert await quotas.due(target.id) == [small.id]


async def test_a_copied_profile_gives_back_no_room_of_the_original(
    desk: Desk, quotas: QuotaDesk
) -> None:
    target = await desk.outbox.sign_in(URL, USER, "11111111-1111-4111-8111-111111111111", "p")
    room = await quotas.reserve(1, SIZE)
    assert room is not None
    assert await quotas.due(target.id) == [room.id]
    await desk.outbox.sign_in(URL, USER, "22222222-2222-4222-8222-222222222222", "the copy")
    assert await quotas.due(target.id) == []
