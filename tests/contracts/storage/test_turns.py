"""`SharedTurns`: a limit over several processes, by one clock."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.engine.waiting import uninterrupted
from exai_desktop.storage.fleet.redis_state import open_redis
from exai_desktop.storage.fleet.redis_turns import RedisTurns
from exai_desktop.storage.fleet.sealed import IgnoredValues
from tests.own_time import OwnTime
from tests.redis_server import fleet_keys, redis_server

MOST, WINDOW_S, SECONDS = 20, 1.0, 4.0


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


def turns_in(redis: Redis, ignored: IgnoredValues | None = None) -> RedisTurns:
    keys = fleet_keys("an account", "one", "other")
    return RedisTurns(redis, uninterrupted, keys, ignored or IgnoredValues())


def _take_all(url: str, barrier: Any, moments: Any) -> None:
    """In a process of its own: as many turns as it can get."""

    async def run() -> None:
        redis = open_redis(url)
        turns = turns_in(redis)
        barrier.wait()
        own = OwnTime()
        while own.seconds() < SECONDS:
            before = time.monotonic()
            wait_s = await turns.take("an account", MOST, WINDOW_S)
            if wait_s <= 0:
                # It was granted between these two.
                moments.put((before, time.monotonic()))
            else:
                await asyncio.sleep(wait_s)
        await redis.aclose()

    asyncio.run(run())


def test_twenty_a_second_over_four_processes(redis_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, moments = context.Barrier(4), context.Queue()
    processes = [
        context.Process(target=_take_all, args=(redis_url, barrier, moments)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    granted: list[tuple[float, float]] = []
    deadline = time.monotonic() + 240
    while any(process.is_alive() for process in processes) or not moments.empty():
        assert time.monotonic() < deadline
        while not moments.empty():
            granted.append(moments.get())
        time.sleep(0.01)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    granted.sort()
    # By the Redis' clock none of these windows can hold 21: the last of 21 was granted, at the
    # latest, when its answer came, the first, at the earliest, when it was asked for.
    for first, last in zip(granted, granted[MOST:], strict=False):
        assert last[1] - first[0] > WINDOW_S - 0.001
    # And it is used: more than nine tenths of what is allowed.
    assert len(granted) >= 0.9 * MOST * SECONDS


class _Busy(Redis):
    """The log is full whenever it is asked for a turn, and a turn ends just behind each refusal."""

    fill: Callable[[], Awaitable[float]]

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        send: Any = super().execute_command
        name = args[3] if args[0] in ("EVALSHA", "EVAL") else None
        if name and await send("ZCARD", name) < MOST:
            assert await self.fill() == 0.0
        answer = await send(*args, **options)
        if name and isinstance(answer, list) and answer[0] == 0:
            await send("ZPOPMIN", name)
        return answer


async def test_what_ends_behind_a_refusal_gives_no_turn_beyond_the_limit(redis_url: str) -> None:
    plain, busy = open_redis(redis_url), _Busy.from_url(redis_url)
    assert isinstance(busy, _Busy)
    other, turns = turns_in(plain), turns_in(busy)
    busy.fill = partial(other.take, "an account", MOST, WINDOW_S)
    for _ in range(MOST):
        assert await busy.fill() == 0.0
    assert min([await turns.take("an account", MOST, WINDOW_S) for _ in range(6)]) > 0.0
    for redis in (plain, busy):
        await redis.aclose()


async def test_two_accounts_have_two_limits_and_a_turn_comes_back(redis_url: str) -> None:
    redis = open_redis(redis_url)
    turns = turns_in(redis)
    assert [await turns.take("one", 2, WINDOW_S) for _ in range(2)] == [0.0, 0.0]
    wait_s = await turns.take("one", 2, WINDOW_S)
    assert 0.0 < wait_s <= WINDOW_S
    assert await turns.take("other", 2, WINDOW_S) == 0.0
    await asyncio.sleep(wait_s + 0.005)
    assert await turns.take("one", 2, WINDOW_S) == 0.0
    # A limit that was lowered counts what was taken under the old one.
    assert await turns.take("one", 1, WINDOW_S) > 0.0
    await redis.aclose()


async def test_a_redis_that_is_gone_is_said() -> None:
    with redis_server() as url:
        redis = open_redis(url)
        turns = turns_in(redis)
        assert await turns.take("one", 1, 1.0) == 0.0
    with pytest.raises(EngineError) as caught:
        await turns.take("one", 1, 1.0)
    assert caught.value.code is ErrorCode.FLEET_UNREACHABLE
    await redis.aclose()
