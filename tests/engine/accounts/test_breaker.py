"""An account whose provider fails is paused, shown as such, retried, and used again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.codes import WAY_CLOSED, ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.events import JobChanged, ProblemRaised
from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView
from exai_desktop.engine.waiting import SystemClock
from tests.engine.engine_kit import KIMI, Bench, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


class Hurrying(SystemClock):
    """Time runs as ever, but can be made to jump: a wait of minutes is over when it should be."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        # Of the wall alone, as a user sets it.
        self.set_by_s = 0.0
        self._ends: list[float] = []

    def now(self) -> float:
        return super().now() + self.ahead_s + self.set_by_s

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """In short pieces: who sleeps notices a jump, also one before it has fallen asleep."""
        return self._sleep_until(self.monotonic() + seconds)

    async def _sleep_until(self, end: float) -> None:
        self._ends.append(end)
        try:
            while (left := end - self.monotonic()) > 0:
                await asyncio.sleep(min(left, 0.02))
        finally:
            self._ends.remove(end)

    async def until_asleep(self, until: float | None, within_s: float = 1.0) -> None:
        """Until somebody sleeps until then: who falls asleep after a jump sleeps all of it."""
        assert until is not None
        async with asyncio.timeout(60):
            while not any(
                abs(end - self.monotonic() - (until - self.now())) < within_s for end in self._ends
            ):
                await asyncio.sleep(0.02)


def write(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.write_text(path.name)
    return paths


def down() -> TransferError:
    return TransferError(ErrorCode.PROVIDER_UNAVAILABLE, status=503, sent=Sent.NOTHING)


def faults() -> list[TransferError | None]:
    """More than it takes: what runs beside the fifth must not be a success before it."""
    return [down() for _ in range(40)]


async def until_phase(bench: Bench, phase: Phase, account: str = "kimi") -> None:
    async with asyncio.timeout(60):
        while bench.parts.breakers.phase(account) is not phase:
            await asyncio.sleep(0.02)


async def test_five_faults_in_a_row_and_the_account_is_left_alone(tmp_path: Path) -> None:
    kimi, glm, clock = ScriptedProvider(faults=faults()), ScriptedProvider(), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi, "glm": glm}, clock=clock) as bench:
        jobs = await dropped(bench, tmp_path, clock, 12)
        await until_phase(bench, Phase.OPEN)
        assert len(kimi.uploads) <= 6  # a second one may have been under way
        [problem] = [e for e in bench.events if isinstance(e, ProblemRaised)]
        assert (problem.account, problem.error.code) == ("kimi", "CIRCUIT_BREAKER_OPEN")
        status = (await bench.engine.accounts.all())[0]
        assert status.breaker.phase is Phase.OPEN
        assert status.paused_until is not None
        # The others say why they wait, in the list and as news.
        await bench.until(
            lambda: any(
                isinstance(e, JobChanged)
                and e.job.id == jobs[-1].id
                and e.job.error is not None
                and e.job.error.code == ErrorCode.CIRCUIT_BREAKER_OPEN
                for e in bench.events
            )
        )
        shown = await bench.job(jobs[-1].id)
        assert shown.error is not None
        assert shown.error.code == ErrorCode.CIRCUIT_BREAKER_OPEN
        assert shown.not_before is not None
        assert 200 < shown.not_before - clock.now() < 340
        # The other account is untouched.
        [other] = await bench.upload(*write(tmp_path, "other.txt"), account="glm")
        assert other.state is S.DONE


async def dropped(
    bench: Bench,
    folder: Path,
    clock: Hurrying,
    count: int,
    account: str = "kimi",
    *,
    other: str = "",
) -> list[JobView]:
    """Dropped, and time made to pass until the fifth attempt has failed.

    `other` is an account that is reached all the time.
    """
    paths = write(folder, *(f"file {number}.txt" for number in range(count)))
    batch = await bench.engine.queue.add([str(p) for p in paths], AddOptions())
    await bench.scanned(batch)
    await _let_fail(bench, clock, account, other)
    if not bench.parts.breakers.is_shared:
        await clock.until_asleep(bench.parts.breakers.until(account))
    bench.providers[account].faults.clear()
    return await bench.rows(batch)


async def _let_fail(bench: Bench, clock: Hurrying, account: str = "kimi", other: str = "") -> None:
    async with asyncio.timeout(60):
        while bench.parts.breakers.phase(account) is Phase.CLOSED:
            if other:
                await bench.engine.accounts.test(other)
            await asyncio.sleep(0.05)
            clock.ahead_s += 1.0
        while bench.parts.in_hand.runs:  # what was let through before the fifth
            await asyncio.sleep(0.02)


async def test_it_is_asked_on_schedule_and_everything_goes_on(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        jobs = await dropped(bench, tmp_path, clock, 6)
        clock.ahead_s += 331.0  # 300 s, the tenth of jitter
        for job in jobs:
            await bench.until_state(job.id, S.DONE)
        assert bench.parts.breakers.phase("kimi") is Phase.CLOSED
        assert len(set(kimi.bodies.values())) == len(kimi.bodies) == 6


async def test_it_recovers_though_nobody_has_a_file(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        jobs = await dropped(bench, tmp_path, clock, 2)
        await bench.engine.queue.cancel([job.id for job in jobs])
        before = kimi.listed
        clock.ahead_s += 331.0
        await until_phase(bench, Phase.CLOSED)
        assert kimi.listed - before == 2


async def test_a_probe_that_fails_doubles_the_wait(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        await dropped(bench, tmp_path, clock, 2)
        uploads = len(kimi.uploads)
        for wait_s in (600.0, 1200.0, 2400.0, 2400.0):
            until = bench.parts.breakers.status("kimi").until
            await clock.until_asleep(until)
            clock.ahead_s += (until or 0.0) - clock.now() + 0.1
            asked = kimi.listed
            async with asyncio.timeout(60):
                while kimi.listed == asked or bench.parts.breakers.phase("kimi") is not Phase.OPEN:
                    await asyncio.sleep(0.02)
            assert kimi.listed == asked + 1
            left = (bench.parts.breakers.status("kimi").until or 0.0) - clock.now()
            assert 0.89 * wait_s < left <= 1.1 * wait_s
        # Not one file was risked on the way.
        assert len(kimi.uploads) == uploads


async def test_it_stays_left_alone_over_a_restart(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        [job, *_] = await dropped(bench, tmp_path, clock, 1)
    kimi.list_fault = None
    uploads = len(kimi.uploads)
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        assert bench.parts.breakers.phase("kimi") is Phase.OPEN
        await asyncio.sleep(0.3)
        assert (len(kimi.uploads), kimi.listed) == (uploads, 0)
        clock.ahead_s += 331.0
        await bench.until_state(job.id, S.DONE)


async def test_a_test_by_the_user_is_a_probe_before_its_time(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        [job, *_] = await dropped(bench, tmp_path, clock, 1)
        report = await bench.engine.accounts.test("kimi")
        assert report.ok
        clock.ahead_s += 60.0  # the file's own wait
        await bench.until_state(job.id, S.DONE)


async def test_files_that_may_go_elsewhere_do(tmp_path: Path) -> None:
    kimi, glm, clock = ScriptedProvider(faults=faults()), ScriptedProvider(), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi, "glm": glm}, clock=clock) as bench:
        paths = write(tmp_path, *(f"{n}.txt" for n in range(8)))
        batch = await bench.engine.queue.add(
            [str(p) for p in paths], AddOptions(allow_fallback=True)
        )
        await bench.scanned(batch)
        await _let_fail(bench, clock)
        for job in await bench.rows(batch):
            done = await bench.until_state(job.id, S.DONE)
            assert done.account == "glm"
            assert done.route_reason is not None
            assert "kimi: paused after PROVIDER_UNAVAILABLE" in done.route_reason
        # New ones do not even try the first.
        [late] = await bench.upload(*write(tmp_path, "late.txt"), allow_fallback=True)
        assert (late.state, late.account) == (S.DONE, "glm")


async def test_when_all_are_left_alone_it_is_said(tmp_path: Path) -> None:
    kimi, glm, clock = (
        ScriptedProvider(faults=faults()),
        ScriptedProvider(faults=faults()),
        Hurrying(),
    )
    kimi.list_fault = glm.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi, "glm": glm}, clock=clock) as bench:
        paths = write(tmp_path, *(f"{n}.txt" for n in range(3)))
        batch = await bench.engine.queue.add(
            [str(p) for p in paths], AddOptions(allow_fallback=True)
        )
        await bench.scanned(batch)
        await _let_fail(bench, clock)
        await _let_fail(bench, clock, "glm")
        for job in await bench.rows(batch):
            assert job.error is not None
            assert job.error.code == ErrorCode.ALL_PROVIDERS_UNAVAILABLE


@pytest.mark.parametrize(
    "fault",
    [
        TransferError(ErrorCode.PROVIDER_REJECTED, status=400, sent=Sent.ALL),
        TransferError(ErrorCode.OFFLINE, sent=Sent.NOTHING),
        *(TransferError(code, sent=Sent.NOTHING) for code in sorted(WAY_CLOSED)),
    ],
)
async def test_refusals_and_a_missing_network_never_count(
    tmp_path: Path, fault: TransferError
) -> None:
    kimi, clock = ScriptedProvider(faults=[fault] * 7), Hurrying()
    async with open_bench(
        tmp_path, accounts=[KIMI], providers={"kimi": kimi}, clock=clock
    ) as bench:
        await bench.engine.queue.add(
            [str(p) for p in write(tmp_path, *(f"{n}.txt" for n in range(9)))], AddOptions()
        )
        async with asyncio.timeout(60):
            while len(kimi.uploads) < 9:
                await asyncio.sleep(0.02)
                clock.ahead_s += 1.0
                assert bench.parts.breakers.phase("kimi") is Phase.CLOSED


async def test_no_connection_counts_while_another_account_can_be_reached(tmp_path: Path) -> None:
    offline = TransferError(ErrorCode.OFFLINE, sent=Sent.NOTHING)
    kimi, clock = ScriptedProvider(faults=[offline] * 40), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        [other] = await bench.upload(*write(tmp_path, "other.txt"), account="glm")
        assert other.state is S.DONE
        # The clock runs ahead of a busy machine: an answer of long ago would show nothing.
        await dropped(bench, tmp_path, clock, 5, other="glm")
        assert bench.parts.breakers.phase("kimi") is Phase.OPEN


async def test_of_twenty_files_one_is_the_second_probe(tmp_path: Path) -> None:
    account = Account("kimi", "kimi", "intl", "https://kimi.invalid/v1", max_in_flight=20)
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    async with open_bench(
        tmp_path, accounts=[account], providers={"kimi": kimi}, clock=clock
    ) as bench:
        jobs = await dropped(bench, tmp_path, clock, 24)
        uploads, kimi.go = len(kimi.uploads), asyncio.Event()
        clock.ahead_s += 331.0
        async with asyncio.timeout(60):
            while len(kimi.uploads) == uploads:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert len(kimi.uploads) == uploads + 1
        assert bench.parts.breakers.phase("kimi") is Phase.HALF_OPEN
        kimi.go.set()
        for job in jobs:
            await bench.until_state(job.id, S.DONE)


async def test_an_account_that_is_well_costs_nothing(tmp_path: Path) -> None:
    """The bar is a millisecond for each upload; nothing is read or written for one."""
    async with open_bench(tmp_path, wanted=settings()) as bench:
        began = time.process_time()
        for _ in range(1000):
            permit = await bench.parts.breakers.admit("kimi")
            await bench.parts.breakers.record(permit, bench.parts.breakers.verdict("kimi", None))
        assert time.process_time() - began < 1.0
        assert await bench.parts.record.states.load("breaker:kimi") is None


async def test_a_probe_that_died_with_its_process_holds_nobody_up(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        [job, *_] = await dropped(bench, tmp_path, clock, 1)
        kimi.list_fault = None
        permit = await bench.parts.breakers.admit("kimi", wanted=True)
        assert permit.token
    clock.ahead_s += 60.0  # the file's own wait, and less than a lease
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        await bench.until_state(job.id, S.DONE)


async def test_a_probe_cancelled_while_it_asks_is_given_back(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        await dropped(bench, tmp_path, clock, 1)
        asking = asyncio.create_task(bench.parts.breakers.admit("kimi", wanted=True))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await bench.parts.breakers.admit("kimi")).token


async def test_a_clock_set_back_does_not_make_the_wait_a_day(tmp_path: Path) -> None:
    kimi, clock = ScriptedProvider(faults=faults()), Hurrying()
    kimi.list_fault = down()
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        [job, *_] = await dropped(bench, tmp_path, clock, 1)
        await bench.engine.queue.cancel([job.id])
    kimi.list_fault = None
    clock.set_by_s = -86_400.0
    async with open_bench(tmp_path, providers={"kimi": kimi}, clock=clock) as bench:
        for _ in range(2):
            await asyncio.sleep(0.2)
            clock.ahead_s += 331.0
        await until_phase(bench, Phase.CLOSED)
