"""Limits of an account's tier: kept in every window, told ahead, lowered after a 429."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import Upload
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.events import JobChanged
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.engine.accounts.timing import LOWERED_S, Limiter
from exai_desktop.engine.scheduling.lanes import Lane
from tests.engine.accounts.test_breaker import Hurrying, write
from tests.engine.engine_kit import KIMI, Bench, open_bench
from tests.engine.fake_clock import FakeClock
from tests.engine.scripted_provider import ScriptedProvider

S = JobState
FILES = 30


class Watched(ScriptedProvider):
    """Notes when each upload reaches it."""

    def __init__(self, clock: Hurrying) -> None:
        super().__init__()
        self.clock = clock
        self.moments: list[float] = []

    async def upload(self, upload: Upload) -> RemoteFile:
        self.moments.append(self.clock.monotonic())
        return await super().upload(upload)


async def hurry(bench: Bench, clock: Hurrying, batch: int, step_s: float) -> None:
    """Let time pass quickly until all are done, but not between a permission and its upload."""
    finished = asyncio.create_task(bench.finished(batch))
    limiter = bench.parts.accounts.limiter("kimi")
    while not finished.done():
        await asyncio.sleep(0.01)
        if limiter.waiting == len(bench.parts.in_hand.runs):
            clock.ahead_s += step_s
    await finished


async def test_with_three_a_minute_no_window_ever_holds_four(tmp_path: Path) -> None:
    clock = Hurrying()
    kimi = Watched(clock)
    slow = replace(KIMI, uploads_per_minute=3, max_in_flight=4)
    async with open_bench(
        tmp_path, accounts=[slow], providers={"kimi": kimi}, clock=clock
    ) as bench:
        paths = write(tmp_path, *(f"{number}.txt" for number in range(FILES)))
        began = clock.monotonic()
        batch = await bench.engine.queue.add([str(p) for p in paths], AddOptions())
        await bench.scanned(batch)
        async with asyncio.timeout(60):
            while len(kimi.moments) < 3:
                await asyncio.sleep(0.02)
            told = 0.0
            while told < 60.0:  # until all stand in line
                await asyncio.sleep(0.02)
                summary = await bench.engine.queue.summary()
                told = summary.eta_s or 0.0
                if summary.counts.get(S.WAITING, 0) < FILES - 3:
                    told = 0.0
        shown_at = clock.monotonic()
        assert any(
            isinstance(e, JobChanged) and "3 uploads per minute" in (e.job.wait_reason or "")
            for e in bench.events
        )
        await hurry(bench, clock, batch, 1.5)
    assert len(kimi.moments) == FILES
    for first, fourth in zip(kimi.moments, kimi.moments[3:], strict=False):
        assert fourth - first >= 59.9
    took_s = kimi.moments[-1] - shown_at
    assert abs(told - took_s) < 0.1 * took_s
    assert 530 < kimi.moments[-1] - began < 620


async def test_a_cancel_ends_the_wait(tmp_path: Path) -> None:
    kimi = ScriptedProvider()
    async with open_bench(
        tmp_path, accounts=[replace(KIMI, uploads_per_minute=1)], providers={"kimi": kimi}
    ) as bench:
        paths = write(tmp_path, "a.txt", "b.txt")
        batch = await bench.engine.queue.add([str(p) for p in paths], AddOptions())
        await bench.until(
            lambda: any(
                isinstance(e, JobChanged) and "uploads per minute" in (e.job.wait_reason or "")
                for e in bench.events
            )
        )
        await bench.until(lambda: bool(kimi.uploads))
        waiting = next(job for job in await bench.rows(batch) if job.state is S.WAITING)
        await bench.engine.queue.cancel([waiting.id])
        assert (await bench.until_state(waiting.id, S.CANCELLED)).state is S.CANCELLED
        assert len(kimi.uploads) == 1


async def test_after_a_429_a_third_less_for_ten_minutes() -> None:
    clock = FakeClock()
    limiter = Limiter(6, clock)
    limiter.lower()
    assert limiter.per_minute == 4
    for _ in range(4):
        await limiter.acquire()
    assert limiter.wait_s() == 60.0
    await clock.advance(LOWERED_S + 1)
    assert limiter.per_minute == 6
    unknown = Limiter(0, clock)
    unknown.lower()
    await unknown.acquire()
    assert (unknown.wait_s(100), unknown.per_minute) == (0.0, 0)


async def test_a_throttled_account_does_fewer_at_once(tmp_path: Path) -> None:
    throttled = TransferError(ErrorCode.RATE_LIMITED, status=429, sent=Sent.ALL, retry_after=0.1)
    kimi = ScriptedProvider(faults=[throttled], block_s=0.05)
    account = replace(KIMI, max_in_flight=6)
    async with open_bench(tmp_path, accounts=[account], providers={"kimi": kimi}) as bench:
        [first] = await bench.upload(*write(tmp_path, "first.txt"))
        assert first.state is S.DONE
        kimi.most_at_once = 0
        jobs = await bench.upload(*write(tmp_path, *(f"{n}.txt" for n in range(16))))
        assert {job.state for job in jobs} == {S.DONE}
        assert kimi.most_at_once <= 4


async def test_a_narrowed_lane_is_wide_again_after_its_time() -> None:
    clock = FakeClock()
    lane = Lane("x", 3, clock)
    for job in range(3):
        lane.put(job)
    lane.narrow(10.0)
    taken = [await lane.take(), await lane.take()]
    third = asyncio.create_task(lane.take())
    await clock.advance(9.0)
    assert not third.done()
    await clock.advance(2.0)
    assert [*taken, await third] == [0, 1, 2]


class Told(ScriptedProvider):
    """Its headers say after the first upload that the limit is used up."""

    rate_limit_wait_s = 40.0


async def test_a_limit_that_the_provider_tells_is_heeded_before_it_refuses(tmp_path: Path) -> None:
    clock, kimi = Hurrying(), Told()
    one = replace(KIMI, max_in_flight=1)
    async with open_bench(tmp_path, accounts=[one], providers={"kimi": kimi}, clock=clock) as bench:
        paths = [str(path) for path in write(tmp_path, "a.txt", "b.txt")]
        batch = await bench.engine.queue.add(paths, AddOptions())
        await bench.until(lambda: len(kimi.files) == 1)
        await asyncio.sleep(0.3)
        assert len(kimi.uploads) == 1
        [status] = await bench.engine.accounts.all()
        assert status.paused_until is not None
        clock.ahead_s += 41
        await bench.finished(batch)
        assert len(kimi.files) == 2
