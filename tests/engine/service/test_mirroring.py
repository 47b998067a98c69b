"""The Supabase project beside the uploads: never in their way, asked when there is a reason."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError
from exai_desktop.core.events import JobChanged, MirrorChanged
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.mirror.link import MirrorUser, ProjectFacts, Rest
from exai_desktop.core.mirror.operations import MirrorAccount, MirrorTarget
from exai_desktop.core.mirror.quota import Reservation, RoomAnswer
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry, SignInWay
from exai_desktop.core.mirror.status import MirrorState, SyncDone
from exai_desktop.engine.background.mirror_pace import MOVING_S
from exai_desktop.engine.background.mirroring import Mirroring
from exai_desktop.engine.waiting import SystemClock
from exai_desktop.storage.record.outbox import SqliteOutbox
from tests.engine.engine_kit import KIMI, Bench, open_bench

E, S = ErrorCode, MirrorState
URL, KEY = "https://project.example", "sb_publishable_test-test-test"
USER = MirrorUser(URL, "user-1", "me@example.com", "p")


class _QuickClock(SystemClock):
    """A minute passes in less than a second, for all that asks this clock."""

    def __init__(self, times: float = 100.0) -> None:
        self._times = times
        self._start = time.monotonic()
        self.jump_s = 0.0

    def now(self) -> float:
        return 1_800_000_000.0 + self.monotonic() + self.jump_s

    def monotonic(self) -> float:
        return (time.monotonic() - self._start) * self._times

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._times)


class _Link:
    """Meets `ProjectLink`; each call is noted, and fails as the test says."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.stored: MirrorUser | None = None
        self.fails: Callable[[str], AppError | None] = lambda _: None
        self.hangs = asyncio.Event()
        self.is_hanging = False
        self.waits_for_browser = asyncio.Event()
        self.accounts: Mapping[str, MirrorAccount] = {}
        self.room = RoomAnswer(is_granted=True, is_over=False, left_bytes=0, file_bytes=0)

    async def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.is_hanging:
            await self.hangs.wait()
        error = self.fails(name)
        if error is not None:
            raise error

    async def restore(self) -> MirrorUser | None:
        await self._call("restore")
        return self.stored

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorUser:
        await self._call("sign_in")
        self.stored = USER
        return USER

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry:
        await self._call("begin_sign_in")
        return SignInTry("try-1", request.way, 60.0)

    async def sign_in_answered(self, try_id: str) -> None:
        await self._call("sign_in_answered")
        await self.waits_for_browser.wait()

    async def finish_sign_in(self, try_id: str, code: str) -> MirrorUser:
        await self._call("finish_sign_in")
        self.stored = USER
        return USER

    async def give_up_sign_in(self, try_id: str) -> None:
        await self._call("give_up_sign_in")

    async def sign_out(self) -> None:
        await self._call("sign_out")
        self.stored = None

    async def look(self, within_s: float) -> ProjectFacts:
        await self._call("look")
        return ProjectFacts(1, open_sign_ups=False)

    async def sync(
        self, target: MirrorTarget, accounts: Mapping[str, MirrorAccount], rest: Rest
    ) -> SyncDone:
        self.rest = rest
        assert target.user_id == USER.user_id
        self.accounts = accounts
        await self._call("sync")
        return SyncDone(sent=1)

    async def reserve(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        await self._call("reserve")
        return self.room

    async def close(self) -> None:
        self.calls.append("close")


async def _sign_in(bench: Bench) -> None:
    status = await bench.engine.mirror.sign_in(URL, KEY, "me@example.com", "not-a-password")
    assert status.state is S.SIGNED_IN


async def test_a_sign_in_while_the_record_is_still_read_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before it, and comes behind it, is older."""
    read, begun, go_on = SqliteOutbox.active, asyncio.Event(), asyncio.Event()

    async def slow(outbox: SqliteOutbox) -> MirrorTarget | None:
        found = await read(outbox)
        begun.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(SqliteOutbox, "active", slow)
    async with open_bench(tmp_path, link=_Link()) as bench:
        early = asyncio.ensure_future(bench.engine.mirror.status())
        await begun.wait()
        await _sign_in(bench)
        go_on.set()
        assert (await early).state is S.SIGNED_IN
        assert (await bench.engine.mirror.status()).state is S.SIGNED_IN


async def test_a_sign_in_that_is_waited_for_delays_no_round(tmp_path: Path) -> None:
    """Who is signed in until then goes on; then the other one is."""
    link = _Link()
    async with open_bench(tmp_path, clock=_QuickClock(), link=link) as bench:
        mirror = bench.engine.mirror
        await _sign_in(bench)
        link.waits_for_browser = asyncio.Event()
        begun = await mirror.begin_sign_in(SignInRequest(URL, KEY, SignInWay.LINK))
        waiting = asyncio.ensure_future(mirror.finish_sign_in(begun.id))
        await _until(lambda: "sign_in_answered" in link.calls)
        assert (await mirror.sync_now()).sent == 1
        assert not waiting.done()
        link.waits_for_browser.set()
        assert (await waiting).state is S.SIGNED_IN
        assert link.calls.index("sign_in_answered") < link.calls.index("finish_sign_in")
        await mirror.give_up_sign_in(begun.id)
        rows = await bench.engine.audit.rows(0, 10)
    assert [row.action for row in rows].count("supabase.signed_in") == 2


async def test_between_batches_uploads_go_first(tmp_path: Path) -> None:
    link, clock = _Link(), _QuickClock(10.0)
    async with open_bench(tmp_path, clock=clock, link=link) as bench:
        await _sign_in(bench)
        await bench.upload(_file(tmp_path))
        mirror = bench.engine.mirror
        await mirror.sync_now()
        assert isinstance(mirror, Mirroring)
        moved = JobChanged((await bench.engine.queue.job(1)).view)
        for _ in range(30):
            await clock.sleep(1.0)  # so long a batch takes
            resting = asyncio.ensure_future(link.rest())
            before = last = clock.monotonic()
            longest = 0.0
            while not resting.done():
                mirror._heard(moved)
                now = clock.monotonic()
                longest, last = max(longest, now - last), now
                await asyncio.sleep(0.005)
            longest = max(longest, clock.monotonic() - last)
            if longest < MOVING_S:
                break  # else the machine stood still: for the mirror no job moved in that time
        assert longest < MOVING_S
        assert last - before > 15.0
    # A program that ends sends its last changes without a rest.
    await clock.sleep(5.0)
    mirror._heard(moved)
    before = clock.monotonic()
    await link.rest()
    assert clock.monotonic() - before < 15.0


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)


def _file(folder: Path, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_text(f"content of {name}")
    return path


async def test_signed_out_nothing_is_asked(tmp_path: Path) -> None:
    link = _Link()
    async with open_bench(tmp_path, clock=_QuickClock(), link=link) as bench:
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE
        status = await bench.engine.mirror.status(ask=True)
        assert (status.state, status.pending) == (S.SIGNED_OUT, 0)
        await asyncio.sleep(0.2)
        for call in (bench.engine.mirror.sync_now, bench.engine.mirror.sign_out):
            with pytest.raises(AppError, match="NOT_SIGNED_IN"):
                await call()
    assert link.calls == ["close"]


async def test_the_trail_tells_where_the_records_go(tmp_path: Path) -> None:
    async with open_bench(tmp_path, link=_Link()) as bench:
        await _sign_in(bench)
        await bench.engine.mirror.sign_out()
        rows = await bench.engine.audit.rows(0, 10)
    told = [
        (row.action, json.loads(row.detail)) for row in rows if row.action.startswith("supabase.")
    ]
    where = {"url": URL, "email": USER.email}
    assert told == [("supabase.signed_in", where), ("supabase.signed_out", where)]


async def test_a_change_is_told_soon(tmp_path: Path) -> None:
    link = _Link()
    async with open_bench(tmp_path, clock=_QuickClock(), link=link) as bench:
        await _sign_in(bench)
        await _until(lambda: "sync" in link.calls)
        link.calls.clear()
        await bench.upload(_file(tmp_path))
        await _until(lambda: "sync" in link.calls)
        assert any(isinstance(event, MirrorChanged) for event in bench.events)
        status = await bench.engine.mirror.status()
        assert (status.email, status.url, status.open_sign_ups) == (USER.email, URL, False)
        assert status.last_success is not None
        # The scripted link has sent nothing.
        assert status.pending > 0


async def test_a_project_that_never_answers_delays_nothing(tmp_path: Path) -> None:
    """A black hole at the start: the engine is there, the upload ends, the program ends."""
    link = _Link()
    async with open_bench(tmp_path, link=link) as bench:
        await _sign_in(bench)
    link.is_hanging = True
    async with asyncio.timeout(60):
        async with open_bench(tmp_path, clock=_QuickClock(), link=link) as bench:
            await _until(lambda: link.calls.count("restore") > 0)
            (job,) = await bench.upload(_file(tmp_path))
            assert job.state is JobState.DONE
            status = await bench.engine.mirror.status(ask=True)
            assert status.is_busy and status.pending > 0
            # Signing out does not wait for it either.
            link.is_hanging = False
            left = await bench.engine.mirror.sign_out()
            assert left.pending == status.pending
            assert (await bench.engine.mirror.status()).state is S.SIGNED_OUT


async def test_a_key_store_that_is_locked_at_the_start_signs_nobody_out(tmp_path: Path) -> None:
    link = _Link()
    async with open_bench(tmp_path, link=link) as bench:
        await _sign_in(bench)
    link.calls.clear()
    locked = AccountError(E.VAULT_LOCKED)
    link.fails = lambda name: locked if name == "restore" else None
    async with open_bench(tmp_path, clock=_QuickClock(), link=link) as bench:
        await _until(lambda: link.calls.count("restore") >= 2)
        status = await bench.engine.mirror.status()
        assert (status.state, status.code) == (S.STORE_LOCKED, "VAULT_LOCKED")
        (job,) = await bench.upload(_file(tmp_path))
        assert job.state is JobState.DONE
        assert "sync" not in link.calls
        link.fails = lambda _: None
        await _until(lambda: "sync" in link.calls)
        assert (await bench.engine.mirror.status()).state is S.SIGNED_IN


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (E.PROJECT_UNREACHABLE, S.UNREACHABLE),
        (E.PROXY_UNREACHABLE, S.UNREACHABLE),
        (E.PROJECT_ASLEEP, S.ASLEEP),
        (E.SCHEMA_MISSING, S.NO_SCHEMA),
        (E.SCHEMA_TOO_OLD, S.OLD_SCHEMA),
        (E.SESSION_ENDED, S.SESSION_ENDED),
        (E.PROJECT_KEY_INVALID, S.SESSION_ENDED),
    ],
)
async def test_what_is_wrong_is_a_state_and_over_when_it_is(
    tmp_path: Path, code: ErrorCode, state: MirrorState
) -> None:
    link = _Link()
    async with open_bench(tmp_path, link=link) as bench:
        await _sign_in(bench)
        link.fails = lambda _: EngineError(code, "why")
        status = await bench.engine.mirror.status(ask=True)
        assert (status.state, status.code, status.detail) == (state, code.value, "why")
        with pytest.raises(AppError, match=code.value):
            await bench.engine.mirror.sync_now()
        assert status.is_signed_in
        link.fails = lambda _: None
        await bench.engine.mirror.sync_now()
        assert (await bench.engine.mirror.status()).state is S.SIGNED_IN


async def test_a_session_that_is_not_in_the_store_any_more(tmp_path: Path) -> None:
    link = _Link()
    async with open_bench(tmp_path, link=link) as bench:
        await _sign_in(bench)
    link.stored = None
    async with open_bench(tmp_path, link=link) as bench:
        status = await bench.engine.mirror.status(ask=True)
        assert status.state is S.SESSION_ENDED
        await _sign_in(bench)


async def test_failures_are_tried_again_later_and_later(tmp_path: Path) -> None:
    link, clock = _Link(), _QuickClock(400)
    at: list[float] = []

    def fails(name: str) -> AppError | None:
        if name == "look":
            at.append(clock.monotonic())
            return EngineError(E.PROJECT_UNREACHABLE)
        return None

    async with open_bench(tmp_path, clock=clock, link=link) as bench:
        await _sign_in(bench)
        link.fails = lambda name: EngineError(E.PROJECT_UNREACHABLE) if name == "sync" else None
        with pytest.raises(AppError):
            await bench.engine.mirror.sync_now()
        link.fails = fails
        await _until(lambda: len(at) >= 5)
        waits = [after - before for before, after in itertools.pairwise(at)]
        assert waits[-1] > waits[1]
        assert (await bench.engine.mirror.status()).next_try is not None


async def test_another_network_ends_the_wait(tmp_path: Path) -> None:
    link, networks = _Link(), ["home"]
    async with open_bench(
        tmp_path, clock=_QuickClock(), link=link, network=lambda: networks[0]
    ) as bench:
        await _sign_in(bench)
        link.fails = lambda name: EngineError(E.PROJECT_UNREACHABLE) if name != "restore" else None
        # Until the waits are long.
        await _until(lambda: len(link.calls) > 7)
        networks[0] = "office"
        link.fails = lambda _: None
        await _until(lambda: link.calls[-1] == "sync")


async def test_what_waits_is_sent_at_the_end_and_the_end_does_not_wait(tmp_path: Path) -> None:
    link = _Link()
    async with open_bench(tmp_path, link=link) as bench:
        await _sign_in(bench)
        await _until(lambda: "sync" in link.calls)
        link.calls.clear()
        await bench.upload(_file(tmp_path))
    assert link.calls[-2:] == ["sync", "close"]
    async with open_bench(tmp_path, link=link) as bench:
        await bench.engine.mirror.sync_now()
        await bench.upload(_file(tmp_path, "b.txt"))
        link.is_hanging = True
    assert link.calls[-1] == "close"


async def test_the_accounts_are_told_by_their_marks(tmp_path: Path) -> None:
    link = _Link()
    async with open_bench(tmp_path, accounts=(KIMI,), link=link) as bench:
        await _sign_in(bench)
        await bench.engine.mirror.sync_now()
        known = {name: account.base_url for name, account in link.accounts.items()}
        marks = {account.name: account.key_fingerprint for account in bench.parts.accounts.all()}
        assert known == {name: KIMI.base_url for name, mark in marks.items() if mark}


async def test_where_there_can_be_no_project(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        mirror = bench.engine.mirror
        assert (await mirror.status(ask=True)).state is S.UNAVAILABLE
        assert (await mirror.refused(), (await mirror.other_files()).total) == ([], 0)
        for call in (mirror.sync_now, mirror.sign_out, mirror.retry_refused):
            with pytest.raises(AppError, match="NOT_SIGNED_IN"):
                await call()
        with pytest.raises(AppError, match="NOT_SIGNED_IN"):
            await mirror.sign_in(URL, KEY, "me@example.com", "not-a-password")
