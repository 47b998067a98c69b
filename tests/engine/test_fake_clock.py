"""The clock of the engine tests is itself dependable."""

import asyncio

import pytest

from exai_desktop.core.machine import Clock

from .fake_clock import FakeClock


async def _note(clock: FakeClock, seen: list[tuple[str, float]], name: str, seconds: float) -> None:
    await clock.sleep(seconds)
    seen.append((name, clock.monotonic()))


async def test_time_stands_still_until_it_is_advanced() -> None:
    clock: Clock = FakeClock(now=1_000.0)
    await asyncio.sleep(0.01)
    assert (clock.now(), clock.monotonic()) == (1_000.0, 0.0)


async def test_both_clocks_advance_together() -> None:
    clock = FakeClock(now=1_000.0)
    await clock.advance(2.5)
    await clock.advance(0.5)
    assert (clock.now(), clock.monotonic()) == (1_003.0, 3.0)


async def test_sleepers_wake_in_the_order_of_their_times_then_of_their_calls() -> None:
    clock, seen = FakeClock(), list[tuple[str, float]]()
    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3.0), ("second", 2.0), ("first", 1.0), ("third", 2.0)):
            group.create_task(_note(clock, seen, name, seconds))
        await clock.advance(2.0)
        assert seen == [("first", 1.0), ("second", 2.0), ("third", 2.0)]
        assert clock.sleeping == 1
        await clock.advance(10.0)
    assert seen[3:] == [("late", 3.0)]
    assert (clock.monotonic(), clock.sleeping) == (12.0, 0)


async def test_who_sleeps_again_within_one_advance_wakes_at_the_right_moments() -> None:
    clock, ticks = FakeClock(), list[float]()

    async def tick() -> None:
        for _ in range(4):
            await clock.sleep(0.1)
            ticks.append(clock.monotonic())

    task = asyncio.create_task(tick())
    await clock.advance(0.35)
    assert ticks == pytest.approx([0.1, 0.2, 0.3])
    await clock.advance(0.05)
    await task
    assert ticks[3] == pytest.approx(0.4)


async def test_what_follows_from_waking_is_done_when_advance_returns() -> None:
    clock, done = FakeClock(), list[str]()

    async def chain(depth: int) -> None:
        if depth:
            await asyncio.create_task(chain(depth - 1))
        else:
            await clock.sleep(1)
        if depth == 50:
            done.append("all of it")

    task = asyncio.create_task(chain(50))
    await clock.advance(1)
    assert done == ["all of it"]
    await task


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock, seen = FakeClock(), list[tuple[str, float]]()
    task = asyncio.create_task(_note(clock, seen, "cancelled", 1.0))
    await clock.advance(0.5)
    task.cancel()
    await clock.advance(5)
    assert task.cancelled()
    assert (seen, clock.sleeping) == ([], 0)


async def test_a_wait_until_a_wall_clock_time_ends_in_time() -> None:
    clock, seen = FakeClock(), list[tuple[str, float]]()
    until = clock.now() + 0.1  # not exact at this size
    task = asyncio.create_task(_note(clock, seen, "woken", until - clock.now()))
    await clock.advance(0.1)
    await task
    assert clock.now() >= until


async def test_sleeping_for_nothing_gives_way_and_needs_no_advance() -> None:
    clock = FakeClock()
    async with asyncio.timeout(1):
        await clock.sleep(0)
        await clock.sleep(-1)
    assert clock.monotonic() == 0


async def test_the_wall_clock_can_be_set_back_without_time_going_back() -> None:
    clock = FakeClock(now=1_000.0)
    await clock.advance(10)
    clock.set_wall(500.0)
    assert (clock.now(), clock.monotonic()) == (500.0, 10.0)
    with pytest.raises(ValueError, match="does not go back"):
        await clock.advance(-1)


async def test_a_task_that_never_waits_is_found_out() -> None:
    clock = FakeClock()

    async def restless() -> None:
        while True:
            await clock.sleep(0)

    task = asyncio.create_task(restless())
    with pytest.raises(AssertionError, match="never waits"):
        await clock.advance(1)
    task.cancel()
