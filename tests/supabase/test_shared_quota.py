"""The limit over all devices at a real back end: two engines of one user, and what races."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from exai_desktop.config.secret_store import SessionStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.jobs.store import Move
from exai_desktop.core.mirror.link import ProjectLink
from exai_desktop.core.mirror.quota import Reservation
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.storage.record.outbox import SqliteOutbox
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk
from exai_desktop.sync.link import SupabaseLink
from exai_desktop.sync.mirror import Device
from exai_desktop.sync.session import SessionBook
from tests.contracts.storage.job_rig import TO_SENDING, add, lead, routed
from tests.contracts.storage.test_outbox import ACCOUNTS
from tests.engine.engine_kit import KIMI as WITHOUT_MARK
from tests.engine.engine_kit import Bench, code, open_bench, settings

from .data_api import PASSWORD, PUBLISHABLE, DataApi
from .front import Front, front
from .link_rig import SETTINGS, Rig
from .project import Project, new_id

S, E = JobState, ErrorCode
KIMI = replace(WITHOUT_MARK, key_fingerprint="0123abcd")
SIZE = 100
_emails = (f"quota-{number}@example.com" for number in itertools.count(1))


class _LaterLink:
    """A real link that is made when the engine's record is open."""

    def __init__(self) -> None:
        self.real: ProjectLink | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    async def close(self) -> None:
        if self.real is not None:
            await self.real.close()


@dataclass(frozen=True)
class _User:
    project: Project
    there: Front
    email: str
    id: str

    def limit(self, limit: int) -> None:
        """By the owner of the project."""
        self.project.admin.execute(
            "update exai.user_quotas set quota_bytes = %s where owner = %s and pool = 'uploads'",
            (limit, self.id),
        )

    @property
    def counted(self) -> tuple[int, int]:
        """Used and reserved bytes, by the project."""
        ((used, reserved),) = self.project.rows(
            "select used_bytes, reserved_bytes from exai.user_quotas"
            " where owner = %s and pool = 'uploads'",
            self.id,
        )
        return used, reserved

    @asynccontextmanager
    async def engine(
        self,
        folder: Path,
        *,
        store: SessionStore | None = None,
        strict: bool = False,
        is_next: bool = False,
    ) -> AsyncIterator[Bench]:
        """A computer of the user; `is_next`: it was signed in at an earlier start."""
        folder.mkdir(exist_ok=True)
        link = _LaterLink()
        book = SessionBook(store or SessionStore(), folder.name)
        wanted = settings(strict_quota=strict)
        async with open_bench(
            folder, accounts=(KIMI,), link=cast(ProjectLink, link), wanted=wanted
        ) as bench:
            database = bench.opened.database
            link.real = SupabaseLink(
                book,
                Device(folder.name, "Linux", "1.0"),
                SqliteOutbox(database),
                SqliteOtherRecords(database),
                SqliteQuotaDesk(database),
                lambda: SETTINGS,
            )
            if not is_next:
                mirror = bench.engine.mirror
                await mirror.sign_in(self.there.url, PUBLISHABLE, self.email, PASSWORD)
                await mirror.sync_now()
            yield bench


@pytest.fixture
def there(served: tuple[Project, DataApi]) -> Iterator[Front]:
    with front(str(served[1].http.base_url).rstrip("/")) as found:
        yield found


@pytest.fixture
def user(served: tuple[Project, DataApi], there: Front) -> _User:
    email = next(_emails)
    answer = served[1].sign_up(email)
    assert answer.status_code == 200
    return _User(served[0], there, email, answer.json()["user"]["id"])


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(name.encode().ljust(SIZE, b"."))
    return path


async def test_two_devices_share_a_sum_and_a_deletion_gives_back_once(
    user: _User, tmp_path: Path
) -> None:
    async with user.engine(tmp_path / "one") as one, user.engine(tmp_path / "two") as two:
        user.limit(250)
        (first,) = await one.upload(_file(tmp_path, "a.txt"))
        assert first.state is S.DONE
        await one.engine.mirror.sync_now()
        await two.engine.mirror.sync_now()
        (second,) = await two.upload(_file(tmp_path, "b.txt"))
        (third,) = await two.upload(_file(tmp_path, "c.txt"))
        assert (second.state, third.state, code(third)) == (S.DONE, S.HELD, E.SHARED_QUOTA_REACHED)
        quota = (await two.engine.mirror.status(ask=True)).quota
        assert quota is not None
        assert (quota.filled_bytes, quota.limit_bytes) == (200, 250)
        # Deleted on the first device, told twice: the second one goes on after its next contact.
        lost = iter(range(1))
        user.there.answer = lambda _method, path, _body: (
            "lost" if path.endswith("exai_apply") and next(lost, None) is not None else None
        )
        await one.engine.files.delete_of_job(first.id)
        # The answer is lost in this round, or in the one that follows the deletion by itself.
        with suppress(AppError):
            await one.engine.mirror.sync_now()
        assert next(lost, None) is None
        for _ in range(2):
            await one.engine.mirror.sync_now()
        await two.engine.mirror.sync_now()
        await two.until_state(third.id, S.DONE)
        await two.engine.mirror.sync_now()
        assert user.counted == (200, 0)


async def test_a_raised_limit_lets_go_on_by_itself(user: _User, tmp_path: Path) -> None:
    async with user.engine(tmp_path / "one") as one:
        user.limit(SIZE - 1)
        await one.engine.mirror.sync_now()
        (job,) = await one.upload(_file(tmp_path, "a.txt"))
        assert job.state is S.HELD
        user.limit(SIZE)
        await one.engine.mirror.sync_now()
        await one.until_state(job.id, S.DONE)


async def test_a_project_that_swallows_requests_delays_no_normal_upload(
    user: _User, tmp_path: Path
) -> None:
    """In the strict mode the same file waits, and says why."""
    swallow = _Hole()
    async with user.engine(tmp_path / "one") as one:
        user.there.answer = swallow
        asking = asyncio.ensure_future(one.engine.mirror.sync_now())
        await one.engine.settings.change("strict_quota", "false")
        (job,) = await one.upload(_file(tmp_path, "a.txt"))
        assert job.state is S.DONE
        assert not asking.done()
        await one.engine.settings.change("strict_quota", "true")
        batch = await one.engine.queue.add([str(_file(tmp_path, "b.txt"))], AddOptions())
        await one.until(
            lambda: any(
                code(event.job) == E.STRICT_QUOTA_UNANSWERED
                for event in one.events
                if hasattr(event, "job")
            )
        )
        (waiting,) = await one.rows(batch)
        assert waiting.state is S.WAITING
        user.there.answer = lambda *_: None
        swallow.end()
        await one.finished(batch)
        assert [row.state for row in await one.rows(batch)] == [S.DONE]
        asking.cancel()


class _Hole:
    """Takes what is asked, and says nothing until the test is over."""

    def __init__(self) -> None:
        self._is_over = False

    def __call__(self, method: str, path: str, body: Any) -> str | None:
        deadline = time.monotonic() + 120
        while not self._is_over and time.monotonic() < deadline:
            time.sleep(0.02)
        return "cut"

    def end(self) -> None:
        self._is_over = True


async def test_strict_room_is_reserved_and_given_back(user: _User, tmp_path: Path) -> None:
    async with user.engine(tmp_path / "one", strict=True) as one:
        user.limit(150)
        provider = one.providers[KIMI.name]
        provider.go.clear()
        batch = await one.engine.queue.add([str(_file(tmp_path, "a.txt"))], AddOptions())
        await one.until(provider.begun.is_set)
        assert user.counted == (0, SIZE)
        provider.go.set()
        await one.finished(batch)
        await one.engine.mirror.sync_now()
        assert user.counted == (SIZE, 0)
        (refused,) = await one.upload(_file(tmp_path, "b.txt"))
        assert (refused.state, code(refused)) == (S.HELD, E.SHARED_QUOTA_REACHED)
        await one.engine.mirror.sync_now()
        assert user.counted == (SIZE, 0)


async def test_strict_room_is_the_same_after_a_restart(user: _User, tmp_path: Path) -> None:
    store, folder = SessionStore(), tmp_path / "one"
    async with user.engine(folder, store=store, strict=True) as one:
        one.providers[KIMI.name].go.clear()
        batch = await one.engine.queue.add([str(_file(tmp_path, "a.txt"))], AddOptions())
        await one.until(one.providers[KIMI.name].begun.is_set)
        (job,) = await one.rows(batch)
    assert user.counted == (0, SIZE)
    async with user.engine(folder, store=store, strict=True, is_next=True) as one:
        await one.until_state(job.id, S.DONE)
        await one.engine.mirror.sync_now()
    assert user.counted == (SIZE, 0)
    counted = "select count(*) from exai.quota_reservations where owner = %s and bytes > 0"
    assert user.project.value(counted, user.id) == 1


async def test_strict_room_of_a_program_that_was_killed_is_given_back_once(
    user: _User, tmp_path: Path
) -> None:
    """Its record says *sending*, and the project was not told of the end."""
    rig = Rig(tmp_path, "killed", "killed")
    account = await rig.link.sign_in(user.there.url, PUBLISHABLE, user.email, PASSWORD)
    target = await rig.desk.outbox.sign_in(account.url, account.user_id, new_id(), account.profile)
    await rig.link.sync(target, ACCOUNTS)
    user.limit(150)
    (job,) = await add(rig.desk.jobs, "/a.pdf", size=SIZE)
    await lead(rig.desk.jobs, job, *TO_SENDING, changes=routed("1" * 64))
    quotas = SqliteQuotaDesk(rig.desk.database)
    room = await quotas.reserve(job.id, SIZE)
    assert room is not None
    assert (await rig.link.reserve(room, 60)).is_granted
    # Killed here, with the answer not on disk. The next start asks again with the same id.
    await rig.link.close()
    link = rig.new_link()
    await link.restore()
    await link.sync(target, ACCOUNTS)
    assert user.counted == (0, SIZE)  # it may have been sent: the room stays
    again = await quotas.reserve(job.id, SIZE)
    assert again == room
    assert (await link.reserve(room, 60)).is_granted
    assert user.counted == (0, SIZE)
    # Not found at the provider, and given up.
    for old, new in ((S.SENDING, S.UNCERTAIN), (S.UNCERTAIN, S.WAITING), (S.WAITING, S.FAILED)):
        await rig.desk.jobs.apply(Move(job.id, old, new, 9.0))
    lost = iter(range(1))
    user.there.answer = lambda _method, path, _body: (
        "lost" if path.endswith("exai_settle") and next(lost, None) is not None else None
    )
    with pytest.raises(AppError, match="PROJECT_UNREACHABLE"):
        await link.sync(target, ACCOUNTS)
    for _ in range(2):
        await link.sync(target, ACCOUNTS)
        assert user.counted == (0, 0)
    await link.close()
    rig.desk.database.close()


async def test_room_that_has_run_out_is_free_for_devices_that_do_not_ask(
    user: _User, tmp_path: Path
) -> None:
    """A strict device is gone for ever."""
    async with user.engine(tmp_path / "one") as one:
        await one.upload(_file(tmp_path, "a.txt"))
        await one.engine.mirror.sync_now()
        gone = Rig(tmp_path, "gone", "gone")
        await gone.link.sign_in(user.there.url, PUBLISHABLE, user.email, PASSWORD)
        assert (await gone.link.reserve(Reservation(new_id(), 40), 60)).is_granted
        await gone.close()
        await one.engine.mirror.sync_now()
        quota = (await one.engine.mirror.status()).quota
        assert quota is not None
        assert (quota.used_bytes, quota.reserved_bytes) == (SIZE, 40)
        user.project.admin.execute(
            "update exai.quota_reservations set expires_at = now() - interval '1 minute'"
            " where owner = %s",
            (user.id,),
        )
        for _ in range(2):
            await one.engine.mirror.sync_now()
            quota = (await one.engine.mirror.status()).quota
            assert quota is not None
            assert (quota.used_bytes, quota.reserved_bytes) == (SIZE, 0)


async def test_sixteen_strict_devices_never_exceed_the_limit(user: _User, tmp_path: Path) -> None:
    """Each sends as long as it gets room, and tells of it when it likes."""
    rigs = [Rig(tmp_path, f"racer-{number}", f"racer-{number}") for number in range(16)]
    targets = []
    for rig in rigs:
        account = await rig.link.sign_in(user.there.url, PUBLISHABLE, user.email, PASSWORD)
        targets.append(
            await rig.desk.outbox.sign_in(account.url, account.user_id, new_id(), account.profile)
        )
    await rigs[0].link.sync(targets[0], ACCOUNTS)
    room_for = 20
    user.limit(room_for * 10 + 9)
    sent: list[int] = []

    async def race(number: int) -> None:
        rig, target = rigs[number], targets[number]
        quotas, job = SqliteQuotaDesk(rig.desk.database), 1
        for turn in range(4):
            content = number * 10 + turn + 1
            room = await quotas.reserve(job, 10)
            assert room is not None
            if not (await rig.link.reserve(room, 60)).is_granted:
                await quotas.drop([room.id])
                continue
            sent.append(content)
            assert len(sent) <= room_for
            assert (await rig.desk.done(content)).id == job
            job += 1
            if number % 2:
                await rig.link.sync(target, ACCOUNTS)

    await asyncio.gather(*(race(number) for number in range(16)))
    for rig, target in zip(rigs, targets, strict=True):
        await rig.link.sync(target, ACCOUNTS)
    assert len(sent) == room_for
    assert user.counted == (room_for * 10, 0)
    async with AsyncExitStack() as stack:
        for rig in rigs:
            stack.push_async_callback(rig.close)
