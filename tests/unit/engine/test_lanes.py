"""Lines of jobs: order, delays, pauses and slots."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exai_desktop.core.jobs.line import GAP, LinePlaces
from exai_desktop.engine.scheduling.lanes import Lane
from tests.engine.fake_clock import FakeClock


class _Worker:
    """Takes jobs one after the other and notes when it got them."""

    def __init__(self, lane: Lane, clock: FakeClock, *, gives_back: bool = True) -> None:
        self.got: list[tuple[int, float]] = []
        self._lane, self._clock, self._gives_back = lane, clock, gives_back

    async def run(self) -> None:
        while True:
            self.got.append((await self._lane.take(), self._clock.monotonic()))
            if self._gives_back:
                self._lane.release()

    @property
    def ids(self) -> list[int]:
        return [job_id for job_id, _ in self.got]


@asynccontextmanager
async def _working(
    slots: int = 1, *, gives_back: bool = True
) -> AsyncIterator[tuple[Lane, FakeClock, _Worker]]:
    clock = FakeClock()
    lane = Lane("kimi", slots, clock)
    worker = _Worker(lane, clock, gives_back=gives_back)
    task = asyncio.create_task(worker.run())
    try:
        yield lane, clock, worker
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_jobs_go_in_the_order_of_the_line() -> None:
    """By number, whenever they were put there."""
    async with _working() as (lane, clock, worker):
        for job_id in (3, 1, 2):
            lane.put(job_id)
        assert len(lane) == 3
        await clock.advance(0)
        assert worker.ids == [1, 2, 3]
        assert len(lane) == 0


async def test_a_job_put_later_wakes_the_one_who_waits() -> None:
    async with _working() as (lane, clock, worker):
        await clock.advance(5)
        lane.put(1)
        await clock.advance(0)
        assert worker.got == [(1, 5.0)]


async def test_a_delayed_job_comes_at_its_time_and_does_not_hold_up_the_others() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1, clock.now() + 60)
        lane.put(2, clock.now() + 30)
        lane.put(3)
        await clock.advance(100)
        assert worker.got == [(3, 0.0), (2, 30.0), (1, 60.0)]


async def test_a_time_that_is_over_is_no_delay() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1, clock.now() - 5)
        await clock.advance(0)
        assert worker.ids == [1]


async def test_a_sooner_job_shortens_the_wait_for_a_later_one() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1, clock.now() + 60)
        await clock.advance(10)
        lane.put(2, clock.now() + 5)
        await clock.advance(5)
        assert worker.got == [(2, 15.0)]


async def test_jobs_due_at_one_moment_go_in_the_order_of_the_line() -> None:
    async with _working() as (lane, clock, worker):
        for job_id in (5, 4, 6):
            lane.put(job_id, clock.now() + 10)
        await clock.advance(10)
        assert worker.ids == [4, 5, 6]


async def test_a_changed_wall_clock_does_not_change_how_long_a_job_waits() -> None:
    async with _working() as (lane, clock, worker):
        clock.set_wall(clock.now() + 3_600)
        lane.put(1, clock.now() + 10)
        await clock.advance(1)
        clock.set_wall(clock.now() + 86_400)
        await clock.advance(8)
        assert worker.ids == []
        await clock.advance(1)
        assert worker.ids == [1]


async def test_a_paused_lane_hands_out_nothing_until_it_is_resumed() -> None:
    async with _working() as (lane, clock, worker):
        lane.pause(True)
        lane.put(1)
        lane.put(2, clock.now() + 5)
        await clock.advance(60)
        assert (worker.ids, lane.paused) == ([], True)
        lane.pause(False)
        await clock.advance(0)
        assert worker.ids == [1, 2]


async def test_a_closed_lane_opens_by_itself() -> None:
    async with _working() as (lane, clock, worker):
        lane.close_until(clock.now() + 30)
        lane.put(1)
        assert lane.closed_until == pytest.approx(clock.now() + 30)
        await clock.advance(29)
        assert worker.ids == []
        await clock.advance(1)
        assert worker.got == [(1, 30.0)]
        assert lane.closed_until is None


async def test_a_shorter_closing_does_not_undo_a_longer_one() -> None:
    async with _working() as (lane, clock, worker):
        lane.close_until(clock.now() + 30)
        lane.close_until(clock.now() + 5)
        lane.close_until(clock.now() - 5)
        lane.put(1)
        await clock.advance(60)
        assert worker.got == [(1, 30.0)]


async def test_a_closed_lane_can_be_opened_at_once() -> None:
    async with _working() as (lane, clock, worker):
        lane.close_until(clock.now() + 3_600)
        lane.put(1)
        await clock.advance(1)
        lane.open()
        await clock.advance(0)
        assert worker.got == [(1, 1.0)]
        assert lane.closed_until is None


async def test_closing_while_a_job_s_delay_runs_holds_it_to_the_later_time() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1, clock.now() + 10)
        await clock.advance(5)
        lane.close_until(clock.now() + 20)
        await clock.advance(60)
        assert worker.got == [(1, 25.0)]


async def test_a_dropped_job_never_comes() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1)
        lane.put(2, clock.now() + 5)
        lane.put(3)
        lane.drop(1)
        lane.drop(2)
        lane.drop(99)
        assert len(lane) == 1
        await clock.advance(60)
        assert worker.ids == [3]


async def test_a_job_put_again_comes_once_where_it_was() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1)
        lane.put(2)
        lane.put(1)
        assert len(lane) == 2
        await clock.advance(60)
        assert worker.ids == [1, 2]


async def test_a_job_put_again_with_another_time_comes_once_at_that_time() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1, clock.now() + 50)
        lane.put(1, clock.now() + 10)
        lane.put(2)
        lane.put(2, clock.now() + 20)
        await clock.advance(100)
        assert worker.got == [(1, 10.0), (2, 20.0)]


async def test_a_job_dropped_and_put_again_comes() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1)
        lane.drop(1)
        lane.put(1)
        await clock.advance(0)
        assert worker.ids == [1]


async def test_no_more_jobs_are_under_way_than_there_are_slots() -> None:
    async with _working(2, gives_back=False) as (lane, clock, worker):
        for job_id in range(5):
            lane.put(job_id)
        await clock.advance(0)
        assert worker.ids == [0, 1]
        lane.release()
        await clock.advance(0)
        assert worker.ids == [0, 1, 2]


@pytest.mark.parametrize("moment", ["at once", "waiting for a job", "waiting for time", "woken"])
async def test_a_cancelled_take_leaks_neither_slot_nor_job(moment: str) -> None:
    clock = FakeClock()
    lane = Lane("kimi", 1, clock)
    for _ in range(3):
        task = asyncio.create_task(lane.take())
        if moment == "waiting for time":
            lane.put(1, clock.now() + 10)
        if moment != "at once":
            await clock.advance(1)
        if moment == "woken":
            lane.put(1)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert len(lane) == (moment in ("waiting for time", "woken"))
        lane.drop(1)
    lane.put(1)
    assert await asyncio.wait_for(lane.take(), 1) == 1
    await clock.advance(60)
    assert clock.sleeping == 0


async def test_a_take_cancelled_while_all_slots_are_taken_leaks_nothing() -> None:
    clock = FakeClock()
    lane = Lane("kimi", 1, clock)
    lane.put(1)
    lane.put(2)
    assert await lane.take() == 1
    waiting = asyncio.create_task(lane.take())
    await clock.advance(1)
    waiting.cancel()
    await asyncio.wait({waiting})
    lane.release()
    assert await asyncio.wait_for(lane.take(), 1) == 2


async def test_whoever_waits_for_a_time_goes_at_once_when_the_account_works_again() -> None:
    async with _working() as (lane, clock, worker):
        lane.put(1, clock.now() + 600)
        lane.put(2, clock.now() + 300)
        await clock.advance(1)
        lane.hurry()
        await clock.advance(0)
        assert worker.ids == [1, 2]
        assert len(lane) == 0


async def test_a_moved_job_goes_at_its_new_place_and_still_waits_for_its_time() -> None:
    clock, places = FakeClock(), LinePlaces()
    lane = Lane("kimi", 0, clock, places)
    for job_id in range(1, 6):
        lane.put(job_id)
    lane.put(6, clock.now() + 30)
    for _ in range(500):
        places.note([(4, 2 * GAP - 1), (6, -GAP), (5, 9 * GAP), (99, 0)])
        lane.moved({4, 5, 6, 99})
    assert len(lane) == 6
    worker = _Worker(lane, clock)
    task = asyncio.create_task(worker.run())
    lane.allow(1)
    await clock.advance(29)
    assert worker.ids == [1, 4, 2, 3, 5]
    # What was moved keeps its place when it comes back.
    lane.put(7)
    lane.put(4)
    await clock.advance(2)
    assert worker.ids[5:] == [4, 7, 6]
    task.cancel()
    await asyncio.wait({task})
