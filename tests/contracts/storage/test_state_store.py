"""The states of accounts: on one profile's disk, and in a Redis that several machines share."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from exai_desktop.core.accounts.health import (
    Breaker,
    BreakerRules,
    Phase,
    admit,
    as_text,
    from_text,
)
from exai_desktop.core.accounts.ports import StateStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.engine.waiting import uninterrupted
from exai_desktop.storage.database import Database
from exai_desktop.storage.fleet.redis_state import RedisStateStore, open_redis
from exai_desktop.storage.fleet.sealed import IgnoredValues
from exai_desktop.storage.record.health import SqliteStateStore
from tests.own_time import OwnTime
from tests.redis_server import fleet_keys, redis_server

KEY = "breaker:work"
ACCOUNT = "account"
OTHER, KEPT, COUNT = (f"{kind}:{ACCOUNT}" for kind in ("other", "kept", "count"))
PROCESSES = 4
CALLS = 25


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the states lie: a database's path or a URL."""
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return str(tmp_path / "states.db")


def states_in(redis: Redis, ignored: IgnoredValues | None = None) -> RedisStateStore:
    keys = fleet_keys("work", ACCOUNT)
    return RedisStateStore(redis, uninterrupted, keys, ignored or IgnoredValues(), is_believable)


def is_believable(text: str) -> bool:
    return text != "impossible"


@asynccontextmanager
async def store_at(place: str) -> AsyncIterator[StateStore]:
    if place.startswith("redis:"):
        redis = open_redis(place)
        try:
            yield states_in(redis)
        finally:
            await redis.aclose()
        return
    database = Database(Path(place))
    try:
        yield SqliteStateStore(database)
    finally:
        database.close()


async def test_what_is_written_is_there_the_next_time(place: str) -> None:
    async with store_at(place) as store:
        assert await store.load(OTHER) is None
        assert await store.update(OTHER, lambda old: ("new", old)) is None
        assert await store.update(OTHER, lambda old: ("newer", old)) == "new"
    async with store_at(place) as store:
        assert await store.load(OTHER) == "newer"
        assert await store.update(OTHER, lambda old: (None, old)) == "newer"
        assert await store.load(OTHER) is None


async def test_a_change_that_fails_changes_nothing(place: str) -> None:
    def refuse(_: str | None) -> tuple[str | None, None]:
        raise ValueError("no")

    async with store_at(place) as store:
        await store.update(KEPT, lambda _: ("as it was", None))
        with pytest.raises(ValueError, match="no"):
            await store.update(KEPT, refuse)
        assert await store.load(KEPT) == "as it was"


async def test_no_change_is_lost_between_many(place: str) -> None:
    def one_more(old: str | None) -> tuple[str | None, int]:
        return str(int(old or 0) + 1), int(old or 0) + 1

    async with store_at(place) as store:
        given = await asyncio.gather(*(store.update(COUNT, one_more) for _ in range(20)))
    assert sorted(given) == list(range(1, 21))


def _call(place: str, number: int, barrier: Any, granted: Any) -> None:
    """One process of several: asks again and again whether it may probe."""

    async def ask() -> int:
        probes = 0
        async with store_at(place) as store:
            barrier.wait(240)
            for call in range(CALLS):

                def change(text: str | None, token: str = f"{number}-{call}") -> Any:
                    new, admission = admit(from_text(text), token, 400.0, BreakerRules())
                    return as_text(new), admission.is_probe

                probes += await store.update(KEY, change)
        return probes

    granted.put(asyncio.run(ask()))


@pytest.mark.skipif(sys.platform == "win32", reason="spawning four takes too long there")
async def test_of_four_processes_one_probes(place: str) -> None:
    async with store_at(place) as store:
        opened = as_text(Breaker(Phase.OPEN, opened_at=100.0, wait_s=300.0))
        await store.update(KEY, lambda _: (opened, None))
    context = multiprocessing.get_context("spawn")
    barrier, granted = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=_call, args=(place, number, barrier, granted))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    probes = [await asyncio.to_thread(granted.get, True, 240) for _ in processes]
    for process in processes:
        await asyncio.to_thread(process.join, 30)
    assert sum(probes) == 1


async def test_a_redis_that_is_gone_is_named_and_its_address_is_not() -> None:
    redis = open_redis("redis://:not-a-real-password@127.0.0.1:1/0")
    store = states_in(redis)
    with pytest.raises(EngineError) as caught:
        await store.load(OTHER)
    with pytest.raises(EngineError) as again:
        await store.update(OTHER, lambda old: (old, None))
    await redis.aclose()
    assert caught.value.code is again.value.code is ErrorCode.FLEET_UNREACHABLE
    assert "password" not in str(caught.value) + str(again.value)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(EngineError) as caught:
        open_redis("http://127.0.0.1/")
    assert caught.value.code is ErrorCode.INVALID_SETTING


async def test_a_redis_that_does_not_answer_costs_its_time_out_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        redis = open_redis(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        store, taken = states_in(redis), []
        for _ in range(3):
            own = OwnTime()
            with pytest.raises(EngineError):
                await store.load(OTHER)
            taken.append(own.seconds())
        await redis.aclose()
    first, *others = taken
    assert first > 1.0
    assert max(others) < 0.2
