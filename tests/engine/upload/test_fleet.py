"""Machines that share a Redis: what one learns of a provider holds for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.events import JobChanged, ProblemRaised
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.engine.accounts.identity import identity_of
from exai_desktop.engine.waiting import uninterrupted
from exai_desktop.storage.fleet.content_locks import ContentLocks
from exai_desktop.storage.fleet.fleet_claims import FleetClaims
from exai_desktop.storage.fleet.redis_claims import RedisClaims
from exai_desktop.storage.fleet.redis_state import RedisStateStore, open_blocking_redis, open_redis
from exai_desktop.storage.fleet.redis_turns import RedisTurns
from exai_desktop.storage.fleet.sealed import IgnoredValues
from tests.engine.accounts.test_breaker import Hurrying, down, dropped, faults, write
from tests.engine.engine_kit import KIMI, Bench, open_bench
from tests.engine.scripted_provider import ScriptedProvider
from tests.own_time import OwnTime
from tests.redis_server import fleet_keys, redis_server

S = JobState
SHARED = replace(KIMI, key_fingerprint="ab" * 4)
KEYS = fleet_keys(identity_of(SHARED))


@pytest.fixture(scope="module")
def _server() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture
def redis_url(_server: str) -> str:
    """Empty: what another test has left is of another account and another clock."""
    redis = open_blocking_redis(_server)
    redis.flushall()
    redis.close()
    return _server


@asynccontextmanager
async def machine(
    folder: Path,
    url: str,
    name: str,
    provider: ScriptedProvider,
    clock: Hurrying,
    *,
    per_minute: int = 0,
    lease_s: float = 30.0,
    ignored: IgnoredValues | None = None,
) -> AsyncIterator[Bench]:
    """One of several, with a profile of its own and its own name for the account."""
    (folder / name).mkdir(exist_ok=True)
    redis, blocking = open_redis(url), open_blocking_redis(url)
    ignored = ignored or IgnoredValues()
    own = ContentLocks(folder / name / "locks", name)
    try:
        async with open_bench(
            folder / name,
            accounts=[replace(SHARED, name=name, uploads_per_minute=per_minute)],
            providers={name: provider},
            clock=clock,
            states=RedisStateStore(redis, uninterrupted, KEYS, ignored),
            turns=RedisTurns(redis, uninterrupted, KEYS, ignored),
            claims=FleetClaims(
                own,
                RedisClaims(blocking, name, KEYS, ignored, lease_s, now=clock.now),
                lambda _: None,
            ),
        ) as bench:
            yield bench
    finally:
        await redis.aclose()
        blocking.close()


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
        assert left.parts.breakers.phase("left") is Phase.OPEN
        own = OwnTime()
        await asyncio.sleep(0.6)
        batch = await right.engine.queue.add(
            [str(p) for p in write(tmp_path, "after.txt")], AddOptions()
        )
        await right.scanned(batch)
        await right.until(lambda: right.parts.breakers.phase("right") is Phase.OPEN)
        assert own.seconds() < 2.0
        [job] = await right.rows(batch)
        assert (job.state, other.uploads) == (S.WAITING, ["before.txt"])
        # One probe for both, and both go on.
        bad.list_fault = None
        clock.ahead_s += 331.0
        await right.until_state(job.id, S.DONE)


async def test_without_the_shared_state_each_goes_by_its_own(tmp_path: Path) -> None:
    provider, clock = ScriptedProvider(), Hurrying()
    async with machine(tmp_path, "redis://127.0.0.1:1/0", "alone", provider, clock) as bench:
        jobs = await bench.upload(*write(tmp_path, "a.txt", "b.txt"))
        assert {job.state for job in jobs} == {S.DONE}
        facts = await bench.engine.facts()
        assert ErrorCode.FLEET_UNREACHABLE in facts["problems"]
        provider.faults, provider.list_fault = faults(), down()
        await dropped(bench, tmp_path, clock, 2, account="alone")
        assert bench.parts.breakers.phase("alone") is Phase.OPEN
        said = [e.error.code for e in bench.events if isinstance(e, ProblemRaised)]
        assert said.count(ErrorCode.FLEET_UNREACHABLE) <= 1


async def test_a_limit_holds_over_both_machines(tmp_path: Path, redis_url: str) -> None:
    provider, clock = ScriptedProvider(), Hurrying()
    async with (
        machine(tmp_path, redis_url, "left", provider, clock, per_minute=3) as left,
        machine(tmp_path, redis_url, "right", provider, clock, per_minute=3) as right,
    ):
        for bench, name in ((left, "left"), (right, "right")):
            paths = write(tmp_path, *(f"{name} limited {number}.txt" for number in range(3)))
            await bench.engine.queue.add([str(path) for path in paths], AddOptions())

        def is_said() -> bool:
            events = [*left.events, *right.events]
            waits = [e.job.wait_reason or "" for e in events if isinstance(e, JobChanged)]
            return any("on all computers" in reason for reason in waits)

        async with asyncio.timeout(60):
            while len(provider.uploads) < 3 or not is_said():
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        assert len(provider.uploads) == 3
        waits = [
            event.job.wait_reason
            for bench in (left, right)
            for event in bench.events
            if isinstance(event, JobChanged) and event.job.wait_reason
        ]
        assert any("on all computers" in reason for reason in waits)
