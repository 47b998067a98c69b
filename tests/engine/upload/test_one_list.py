"""Files whose answers were lost are looked for in one list of their account."""

from __future__ import annotations

import asyncio
from pathlib import Path

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.engine.reconciliation.uncertain import UncertainJobs
from tests.engine.accounts.test_breaker import Hurrying
from tests.engine.engine_kit import Bench, open_bench, settings
from tests.engine.fake_clock import FakeClock
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


SETTLE_S = 600.0


def texts(folder: Path, count: int) -> list[str]:
    paths = [folder / f"{number}.txt" for number in range(count)]
    for path in paths:
        path.write_text(path.name)
    return [str(path) for path in paths]


async def lost_one_by_one(
    bench: Bench, paths: list[str], clock: Hurrying, apart_s: float
) -> list[int]:
    """The jobs of uploads whose answers were lost, so many seconds one after the other."""
    jobs = []
    for path in paths:
        batch = await bench.engine.queue.add([path], AddOptions(account="kimi"))
        await bench.scanned(batch)
        [row] = await bench.rows(batch)
        jobs.append(row.id)
        await bench.until_state(row.id, S.UNCERTAIN)
        clock.ahead_s += apart_s
    return jobs


async def test_what_is_there_is_found_by_the_first_list(tmp_path: Path) -> None:
    """Only the first file is due; the list shows the others too."""
    provider, clock = ScriptedProvider(lose_answers=4), Hurrying()
    async with open_bench(
        tmp_path,
        providers={"kimi": provider},
        wanted=settings(settle_s=SETTLE_S),
        clock=clock,
    ) as bench:
        rows = await lost_one_by_one(bench, texts(tmp_path, 4), clock, 10)
        clock.ahead_s += SETTLE_S - 35  # 5 s after the first is due, 5 before the second
        for number in rows:
            await bench.until_state(number, S.DONE)
    assert (len(provider.uploads), provider.listed) == (4, 1)


async def test_what_is_not_there_still_has_all_its_time(tmp_path: Path) -> None:
    """Another file's list does not count as a look at one that is not due."""
    lost = TransferError(ErrorCode.ANSWER_LOST, sent=Sent.ALL)
    provider, clock = ScriptedProvider(faults=[lost, lost]), Hurrying()
    async with open_bench(
        tmp_path,
        providers={"kimi": provider},
        wanted=settings(settle_s=SETTLE_S),
        clock=clock,
    ) as bench:
        rows = await lost_one_by_one(bench, texts(tmp_path, 2), clock, SETTLE_S / 2)
        async with asyncio.timeout(80):
            while {(await bench.job(number)).state for number in rows} != {S.DONE}:
                clock.ahead_s += 20
                await asyncio.sleep(0.05)
        for number in rows:
            history = (await bench.engine.queue.job(number)).history
            [lost_at] = [entry.at for entry in history if entry.new is S.UNCERTAIN]
            [again_at] = [entry.at for entry in history if entry.old is S.UNCERTAIN]
            # Two looks, a settle time apart, and the first not before one.
            assert again_at - lost_at >= 2 * SETTLE_S
    assert len(provider.uploads) == 4


async def test_jobs_that_are_due_together_are_taken_together() -> None:
    clock = FakeClock()
    jobs = UncertainJobs(clock)
    for number, delay_s in ((1, 10.0), (2, 11.0), (3, 12.5), (4, 20.0)):
        jobs.again(number, delay_s)
    found = asyncio.create_task(jobs.due(2.0))
    await clock.advance(10.5)
    assert not found.done()
    await clock.advance(0.6)
    assert await found == {1, 2}
    # Who is alone does not wait for others.
    found = asyncio.create_task(jobs.due(2.0))
    await clock.advance(1.5)
    assert await found == {3}
