"""Machines that share a Redis: what one learns of a provider holds for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.accounts import Phase
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.events import ProblemRaised
from exai_desktop.core.models import AddOptions
from exai_desktop.core.states import JobState
from exai_desktop.storage.redis_state import RedisStateStore, open_redis
from tests.redis_server import redis_server

from .engine_kit import KIMI, Bench, open_bench
from .scripted_provider import ScriptedProvider
from .test_breaker import Hurrying, down, dropped, faults, write

S = JobState
SHARED = replace(KIMI, key_fingerprint="ab" * 4)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@asynccontextmanager
async def machine(
    folder: Path, url: str, name: str, provider: ScriptedProvider, clock: Hurrying
) -> AsyncIterator[Bench]:
    """One of several, with a profile of its own and its own name for the account."""
    (folder / name).mkdir(exist_ok=True)
    redis = open_redis(url)
    try:
        async with open_bench(
            folder / name,
            accounts=[replace(SHARED, name=name)],
            providers={name: provider},
            clock=clock,
            states=RedisStateStore(redis),
        ) as bench:
            yield bench
    finally:
        await redis.aclose()


async def test_what_one_machine_gives_up_the_other_leaves_alone_within_a_second(
    tmp_path: Path, redis_url: str
) -> None:
    bad, other, clock = ScriptedProvider(faults=faults()), ScriptedProvider(), Hurrying()
    bad.list_fault = down()
    async with (
        machine(tmp_path, redis_url, "left", bad, clock) as left,
        machine(tmp_path, redis_url, "right", other, clock) as right,
    ):
        [first] = await right.upload(*write(tmp_path, "before.txt"))
        assert first.state is S.DONE
        await dropped(left, tmp_path, clock, 3, account="left")
        assert left.ctx.breakers.phase("left") is Phase.OPEN
        began = time.monotonic()
        await asyncio.sleep(0.6)
        batch = await right.engine.add_paths(
            [str(p) for p in write(tmp_path, "after.txt")], AddOptions()
        )
        await right.scanned(batch)
        await right.until(lambda: right.ctx.breakers.phase("right") is Phase.OPEN)
        assert time.monotonic() - began < 2.0
        [job] = await right.rows(batch)
        assert (job.state, other.uploads) == (S.WAITING, ["before.txt"])
        # One probe for both, and both go on.
        bad.list_fault = None
        clock.ahead_s += 331.0
        await right.until_state(job.id, S.DONE, seconds=20)


async def test_without_the_shared_state_each_goes_by_its_own(tmp_path: Path) -> None:
    provider, clock = ScriptedProvider(), Hurrying()
    async with machine(tmp_path, "redis://127.0.0.1:1/0", "alone", provider, clock) as bench:
        jobs = await bench.upload(*write(tmp_path, "a.txt", "b.txt"))
        assert {job.state for job in jobs} == {S.DONE}
        facts = await bench.engine.facts()
        assert ErrorCode.FLEET_UNREACHABLE in facts["problems"]
        provider.faults, provider.list_fault = faults(), down()
        await dropped(bench, tmp_path, clock, 2, account="alone")
        assert bench.ctx.breakers.phase("alone") is Phase.OPEN
        said = [e.error.code for e in bench.events if isinstance(e, ProblemRaised)]
        assert said.count(ErrorCode.FLEET_UNREACHABLE) <= 1
