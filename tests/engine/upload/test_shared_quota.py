"""The limit over all devices: files without room are held, and go on by themselves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.copies.queries import FileQuery
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.events import JobChanged
from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView
from exai_desktop.core.mirror.quota import Quota, QuotaUse, RoomAnswer
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk
from tests.engine.engine_kit import KIMI, Bench, code, open_bench, settings
from tests.engine.service.test_mirroring import URL, USER, _Link, _QuickClock, _sign_in, _until

S, E = JobState, ErrorCode
SIZE = 100
STRICT = settings(strict_quota=True)
GRANTED = RoomAnswer(is_granted=True, is_over=False, left_bytes=0, file_bytes=10**9)
REFUSED = RoomAnswer(is_granted=False, is_over=False, left_bytes=7, file_bytes=10**9)


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(name.encode().ljust(SIZE, b"."))
    return path


async def _count(bench: Bench, limit: int, used: int = 0, file_bytes: int = 10**9) -> None:
    """The project has counted; then everybody is told that there was a contact."""
    desk = SqliteQuotaDesk(bench.opened.database)
    await desk.counted(URL, USER.user_id, Quota(limit, file_bytes, used, 0))
    await bench.engine.mirror.status(ask=True)


async def _add(bench: Bench, *paths: Path) -> int:
    return await bench.engine.queue.add([str(path) for path in paths], AddOptions())


async def _use(bench: Bench) -> QuotaUse:
    use = (await bench.engine.mirror.status()).quota
    assert use is not None
    return use


def _said(bench: Bench, job: JobView) -> set[str]:
    """The errors that were announced with it."""
    changes = [e.job for e in bench.events if isinstance(e, JobChanged) and e.job.id == job.id]
    return {found for each in changes if (found := code(each))}


async def test_without_room_a_file_is_held_and_goes_on_after_a_contact(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _sign_in(bench)
        await _count(bench, 250, used=200)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert (job.state, code(job)) == (S.HELD, E.SHARED_QUOTA_REACHED)
        assert job.error is not None
        assert "sign out" in job.error.hint
        assert bench.providers[KIMI.name].uploads == []
        # A little more is not enough; then there is room for this one and not for the next.
        await _count(bench, 299, used=200)
        await _count(bench, 350, used=200)
        await bench.until_state(job.id, S.DONE)
        (other,) = await bench.upload(_file(tmp_path, "b.txt"))
        assert (other.state, code(other)) == (S.HELD, E.SHARED_QUOTA_REACHED)
        assert (await _use(bench)).filled_bytes == 300


async def test_what_was_sent_since_the_last_contact_counts(tmp_path: Path) -> None:
    """Also what is on its way at the same moment: nobody asks the project."""
    link = _Link()
    async with open_bench(tmp_path, accounts=(KIMI,), link=link) as bench:
        await _sign_in(bench)
        await _count(bench, 250)
        provider = bench.providers[KIMI.name]
        provider.go.clear()
        batch = await _add(bench, *(_file(tmp_path, f"{n}.txt") for n in range(3)))
        await bench.until(provider.begun.is_set)
        provider.go.set()
        await bench.finished(batch)
        rows = await bench.rows(batch)
        assert sorted(row.state for row in rows) == [S.DONE, S.DONE, S.HELD]
        use = await _use(bench)
        assert (use.filled_bytes, use.left_bytes) == (200, 50)
    assert "reserve" not in link.calls


async def test_content_that_is_there_needs_no_room(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _sign_in(bench)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert job.state is S.DONE  # the project has not counted yet
        await _count(bench, 0)
        (again,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert again.state is S.DUPLICATE


async def test_a_deletion_gives_back_once(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _sign_in(bench)
        await _count(bench, 150)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        (other,) = await bench.upload(_file(tmp_path, "b.txt"))
        assert (job.state, other.state) == (S.DONE, S.HELD)
        await bench.engine.files.delete_of_job(job.id)
        await bench.until_state(other.id, S.DONE)
        assert (await _use(bench)).filled_bytes == SIZE
        with pytest.raises(AppError):
            await bench.engine.files.delete_of_job(job.id)
        assert (await _use(bench)).filled_bytes == SIZE


async def test_a_deletion_of_a_file_without_a_job_gives_back_too(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _sign_in(bench)
        await _count(bench, 150)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        (other,) = await bench.upload(_file(tmp_path, "b.txt"))
        await bench.engine.queue.remove([job.id])
        (file,) = (await bench.engine.files.page(FileQuery())).rows
        await bench.engine.files.delete(file.id)
        await bench.until_state(other.id, S.DONE)


async def test_a_file_that_is_too_large_for_the_project_is_held(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link()) as bench:
        await _sign_in(bench)
        await _count(bench, 10**6, file_bytes=SIZE - 1)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert (job.state, code(job)) == (S.HELD, E.SHARED_FILE_LIMIT)
        await _count(bench, 10**6, file_bytes=SIZE)
        await bench.until_state(job.id, S.DONE)


async def test_signed_out_there_is_no_limit(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=(KIMI,), link=_Link(), wanted=STRICT) as bench:
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert job.state is S.DONE
        await _sign_in(bench)
        await _count(bench, 0)
        bench.parts.settings.value = settings()
        (held,) = await bench.upload(_file(tmp_path, "b.txt"))
        assert held.state is S.HELD
        await bench.engine.mirror.sign_out()
        await bench.until_state(held.id, S.DONE)
        assert (await bench.engine.mirror.status()).quota is None


async def test_in_the_strict_mode_the_project_is_asked_before_each_file(tmp_path: Path) -> None:
    link = _Link()
    link.room = REFUSED
    async with open_bench(tmp_path, accounts=(KIMI,), link=link, wanted=STRICT) as bench:
        await _sign_in(bench)
        await _count(bench, 10**6)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert (job.state, code(job)) == (S.HELD, E.SHARED_QUOTA_REACHED)
        assert job.error is not None
        assert "7 are left" in job.error.detail
        assert (await _use(bench)).left_bytes == 7  # the newest word
        link.room = GRANTED
        await _count(bench, 10**6)
        await bench.until_state(job.id, S.DONE)
        assert link.calls.count("reserve") == 2


async def test_in_the_strict_mode_nothing_is_sent_without_an_answer(tmp_path: Path) -> None:
    link = _Link()
    silent = EngineError(E.PROJECT_UNREACHABLE, "no connection")
    link.fails = lambda name: silent if name == "reserve" else None
    clock = _QuickClock()
    async with open_bench(
        tmp_path, accounts=(KIMI,), link=link, wanted=STRICT, clock=clock
    ) as bench:
        await _sign_in(bench)
        batch = await _add(bench, *(_file(tmp_path, f"{n}.txt") for n in range(20)))
        await bench.until(lambda: link.calls.count("reserve") >= 4)
        rows = await bench.rows(batch)
        assert {row.state for row in rows} <= {S.WAITING, S.QUEUED, S.CHECKING, S.HASHING}
        assert bench.providers[KIMI.name].uploads == []
        assert str(E.STRICT_QUOTA_UNANSWERED) in _said(bench, rows[0])
        # One question for all of them, ever more rarely.
        assert link.calls.count("reserve") < len(rows)
        link.fails = lambda _: None
        await bench.finished(batch)
        assert {row.state for row in await bench.rows(batch)} == {S.DONE}


async def test_turned_off_nobody_waits_for_the_project(tmp_path: Path) -> None:
    link, clock = _Link(), _QuickClock()
    silent = EngineError(E.PROJECT_UNREACHABLE, "no connection")
    link.fails = lambda name: silent if name == "reserve" else None
    async with open_bench(
        tmp_path, accounts=(KIMI,), link=link, wanted=STRICT, clock=clock
    ) as bench:
        await _sign_in(bench)
        batch = await _add(bench, _file(tmp_path, "a.txt"))
        await bench.until(lambda: "reserve" in link.calls)
        await bench.engine.settings.change("strict_quota", "false")
        await bench.finished(batch)
        assert [row.state for row in await bench.rows(batch)] == [S.DONE]


async def test_room_that_has_run_out_is_asked_for_anew(tmp_path: Path) -> None:
    link = _Link()
    answers = iter((replace(REFUSED, is_over=True), GRANTED))
    asked: list[str] = []

    async def reserve(reservation: object, within_s: float) -> RoomAnswer:
        asked.append(reservation.id)  # type: ignore[attr-defined]
        return next(answers)

    link.reserve = reserve  # type: ignore[method-assign]
    async with open_bench(tmp_path, accounts=(KIMI,), link=link, wanted=STRICT) as bench:
        await _sign_in(bench)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert job.state is S.DONE
    assert len(set(asked)) == 2


async def test_a_project_that_is_silent_delays_nothing_in_the_normal_mode(tmp_path: Path) -> None:
    link = _Link()
    async with open_bench(tmp_path, accounts=(KIMI,), link=link) as bench:
        await _sign_in(bench)
        await _count(bench, 10**6)
        link.is_hanging, before = True, link.calls.count("sync")
        asking = asyncio.ensure_future(bench.engine.mirror.sync_now())
        await _until(lambda: link.calls.count("sync") > before)
        (job,) = await bench.upload(_file(tmp_path, "a.txt"))
        assert job.state is S.DONE
        assert not asking.done()
        link.hangs.set()
        await asking
