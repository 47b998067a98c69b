"""The end of a command: what is under way beside its own files is finished, nothing else begins."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.engine.background.begun_uploads import BegunUploads
from tests.engine.engine_kit import KIMI, Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider

S = JobState


def write(folder: Path, count: int) -> list[str]:
    paths = [folder / f"{number}.txt" for number in range(count)]
    for path in paths:
        path.write_text(f"text of {path.name}")
    return list(map(str, paths))


async def held_up(bench: Bench, provider: ScriptedProvider, paths: Sequence[str]) -> None:
    """Add them; two are under way at the provider, whose answers wait for `go`."""
    provider.go.clear()
    await bench.scanned(await bench.engine.queue.add(paths, AddOptions()))
    async with asyncio.timeout(60):
        while len(provider.uploads) < 2 or [r.state for r in await bench.rows()].count(
            S.WAITING
        ) < (len(paths) - 2):
            await asyncio.sleep(0.01)


async def test_what_has_begun_is_finished_and_the_rest_stays_in_line(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    async with open_bench(tmp_path, accounts=[KIMI], providers={"kimi": provider}) as bench:
        await held_up(bench, provider, write(tmp_path, 6))
        finishing = asyncio.ensure_future(bench.engine.finish_begun())
        await asyncio.sleep(0)
        assert not finishing.done()
        provider.go.set()
        async with asyncio.timeout(60):
            await finishing
        states = [row.state for row in await bench.rows()]
        assert (states.count(S.DONE), states.count(S.WAITING)) == (2, 4)
    # They were not broken off: each was sent once.
    assert len(provider.uploads) == len(provider.files) == 2
    async with open_bench(tmp_path, accounts=[KIMI], providers={"kimi": provider}) as bench:
        for row in await bench.rows():
            await bench.until_state(row.id, S.DONE)
    assert len(provider.uploads) == 6


async def test_a_file_that_is_being_checked_is_still_sent(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[KIMI]) as bench:
        batch = await bench.engine.queue.add(write(tmp_path, 1), AddOptions())
        async with asyncio.timeout(60):
            while not bench.parts.runner.busy():
                await asyncio.sleep(0)
        assert (await bench.rows(batch))[0].state is not S.DONE
        await bench.engine.finish_begun()
        assert (await bench.rows(batch))[0].state is S.DONE


async def test_it_does_not_wait_for_ever_nor_where_nothing_was_added(tmp_path: Path) -> None:
    provider = ScriptedProvider()
    async with open_bench(tmp_path, accounts=[KIMI], providers={"kimi": provider}) as bench:
        await held_up(bench, provider, write(tmp_path, 2))
        runner = bench.parts.runner
        lanes = bench.parts.lanes.all()
        async with asyncio.timeout(60):
            await BegunUploads(runner.tasks, runner.busy, lanes, bench.parts.guard).finish(0.1)
        assert [row.state for row in await bench.rows()] == [S.SENDING, S.SENDING]
    # Broken off before their last block: nothing is there.
    assert not provider.files
    provider.begun.clear()
    async with open_bench(tmp_path, accounts=[KIMI], providers={"kimi": provider}) as bench:
        await provider.begun.wait()
        async with asyncio.timeout(60):
            await bench.engine.finish_begun()
        assert not provider.files
