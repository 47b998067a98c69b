"""The order that the user gives the waiting files: they are sent in it, also after a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import LineChanged
from exai_desktop.core.jobs.jobs import AddOptions, JobQuery, JobState, SortKey
from exai_desktop.core.jobs.line import LinePlace, Spot
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from tests.engine.accounts.test_breaker import write
from tests.engine.engine_kit import GLM, KIMI, Bench, open_bench

S = JobState
FIRST, LAST = LinePlace(Spot.FIRST), LinePlace(Spot.LAST)
ONE_AT_ONCE = replace(KIMI, max_in_flight=1)


async def six_behind_another(bench: Bench, folder: Path) -> dict[str, int]:
    """Six files wait, one is being sent and does not come to its end."""
    provider = bench.providers[KIMI.name]
    provider.go.clear()
    options = AddOptions(account=KIMI.name)
    [first] = write(folder, "z.txt")
    await bench.engine.queue.add([str(first)], options)
    await provider.begun.wait()
    paths = write(folder, *(f"{letter}.txt" for letter in "abcdef"))
    batch = await bench.engine.queue.add(list(map(str, paths)), options)
    await bench.scanned(batch)
    jobs = {job.name[0]: job.id for job in await bench.rows(batch)}
    for job in jobs.values():
        await bench.until_state(job, S.WAITING)
    return jobs


async def line(bench: Bench) -> str:
    query = JobQuery(sort=SortKey.LINE, descending=False)
    return "".join(job.name[0] for job in (await bench.engine.queue.page(query)).rows)


async def sent(bench: Bench, jobs: dict[str, int]) -> str:
    provider = bench.providers[KIMI.name]
    provider.go.set()
    for job in jobs.values():
        await bench.until_state(job, S.DONE)
    return "".join(name[0] for name in provider.uploads if name != "z.txt")


async def test_waiting_files_are_sent_in_the_order_that_they_were_moved_to(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[ONE_AT_ONCE]) as bench:
        jobs, queue = await six_behind_another(bench, tmp_path), bench.engine.queue
        before = await bench.job(jobs["e"])
        assert await queue.reorder([jobs["e"]], FIRST) == [jobs["e"]]
        await queue.reorder([jobs["b"]], LAST)
        await queue.reorder([jobs["f"]], LinePlace(Spot.BEFORE, jobs["c"]))
        # Nothing but its place: the same state, and what is being sent goes on.
        after = await bench.job(jobs["e"])
        assert replace(after, place=None) == replace(before, place=None)
        assert await line(bench) == "zeafcdb"
        assert any(isinstance(event, LineChanged) for event in bench.events)
        [z] = [job.id for job in await bench.rows() if job.state is S.SENDING]
        assert await queue.reorder([z], LAST) == []
        with pytest.raises(EngineError) as caught:
            await queue.reorder([jobs["a"]], LinePlace(Spot.AFTER, z))
        assert caught.value.code is ErrorCode.NOT_IN_LINE
        with pytest.raises(EngineError):
            await queue.reorder([jobs["a"], 4711], LAST)
        assert await sent(bench, jobs) == "eafcdb"


async def test_the_order_is_kept_over_a_restart(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[ONE_AT_ONCE]) as bench:
        jobs = await six_behind_another(bench, tmp_path)
        await bench.engine.queue.reorder([jobs["f"], jobs["d"]], FIRST)
    async with open_bench(tmp_path, accounts=[ONE_AT_ONCE]) as bench:
        assert (await sent(bench, jobs)).replace("z", "") == "dfabce"


async def test_a_range_is_moved_as_a_whole_and_in_its_order(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[ONE_AT_ONCE]) as bench:
        jobs, queue = await six_behind_another(bench, tmp_path), bench.engine.queue
        await queue.reorder([jobs["d"]], LinePlace(Spot.BEFORE, jobs["b"]))
        query = JobQuery(sort=SortKey.LINE, descending=False)
        some = JobRange(query, ((jobs["d"], jobs["c"]),), jobs["f"])
        assert await queue.order(RangeOrder.LAST, some) == 3
        assert await line(bench) == "zaefdbc"
        assert await queue.order(RangeOrder.FIRST, some) == 3
        assert await sent(bench, jobs) == "dbcaef"


async def test_a_file_moved_to_the_front_of_one_account_holds_up_no_other(tmp_path: Path) -> None:
    """Each account has its own line: a file of GLM is sent while all of Kimi's wait."""
    async with open_bench(tmp_path, accounts=[ONE_AT_ONCE, GLM]) as bench:
        jobs = await six_behind_another(bench, tmp_path)
        [other] = write(tmp_path, "glm.txt")
        batch = await bench.engine.queue.add([str(other)], AddOptions(account=GLM.name))
        await bench.engine.queue.reorder(list(jobs.values()), FIRST)
        await bench.scanned(batch)
        [job] = await bench.rows(batch)
        await bench.until_state(job.id, S.DONE)
        assert await sent(bench, jobs) == "abcdef"


async def test_a_paused_file_is_moved_and_goes_on_there(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[ONE_AT_ONCE]) as bench:
        jobs, queue = await six_behind_another(bench, tmp_path), bench.engine.queue
        await queue.pause([jobs["f"]])
        await queue.reorder([jobs["f"]], FIRST)
        await queue.resume([jobs["f"]])
        await bench.until_state(jobs["f"], S.WAITING)
        assert await sent(bench, jobs) == "fabcde"
