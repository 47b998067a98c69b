"""Threads for what blocks: calls that hang do not keep others from being made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from exai_desktop.engine.waiting import GrowingThreads, goes_on

SOON_S = 0.1
LIMIT_S = 60.0


class Drive:
    """Answers nothing until it is told to."""

    def __init__(self) -> None:
        self.is_back = threading.Event()
        self.asked = 0

    def read(self) -> str:
        self.asked += 1
        assert self.is_back.wait(LIMIT_S)
        return "late"


@pytest.fixture
def drive() -> Iterator[Drive]:
    drive = Drive()
    yield drive
    drive.is_back.set()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def alive(name: str) -> int:
    return sum(each.name.startswith(f"{name}_") for each in threading.enumerate())


def test_silent_calls_do_not_stop_the_others(drive: Drive) -> None:
    with GrowingThreads(2, "silent", silent_s=SOON_S) as threads:
        hanging = [threads.submit(drive.read) for _ in range(4)]
        assert threads.submit(pow, 2, 3).result(LIMIT_S) == 8
        drive.is_back.set()
        assert [each.result(LIMIT_S) for each in hanging] == ["late"] * 4
        # What was too much for an idle pool ends.
        until(lambda: alive("silent") <= 2)


def test_there_are_never_more_than_the_bound(drive: Drive) -> None:
    with GrowingThreads(1, "bound", silent_s=SOON_S, most_silent=2) as threads:
        hanging = [threads.submit(drive.read) for _ in range(6)]
        until(lambda: drive.asked == 3)
        time.sleep(SOON_S * 4)
        assert drive.asked == 3 == alive("bound")
        drive.is_back.set()
        assert all(each.result(LIMIT_S) == "late" for each in hanging)


def test_a_long_call_that_goes_on_needs_no_other_thread() -> None:
    ended = threading.Event()
    order: list[str] = []

    def long() -> None:
        while not ended.is_set():
            goes_on()
            time.sleep(0.01)
        order.append("long")

    with GrowingThreads(1, "long", silent_s=2.0) as threads:
        first = threads.submit(long)
        second = threads.submit(order.append, "short")
        time.sleep(3.0)
        assert not second.done() and alive("long") == 1
        ended.set()
        first.result(LIMIT_S)
        second.result(LIMIT_S)
    assert order == ["long", "short"]


def test_the_end_waits_for_what_goes_on_and_not_for_what_hangs(drive: Drive) -> None:
    threads = GrowingThreads(2, "end", silent_s=SOON_S)
    hanging = threads.submit(drive.read)
    until(lambda: drive.asked == 1)
    last = threads.submit(time.sleep, SOON_S / 2)
    threads.shutdown()
    assert last.done() and not hanging.done()
    with pytest.raises(RuntimeError):
        threads.submit(pow, 2, 3)


def test_what_waits_behind_a_drive_that_hangs_is_dropped_at_the_end(drive: Drive) -> None:
    threads = GrowingThreads(1, "behind", silent_s=SOON_S, most_silent=0)
    threads.submit(drive.read)
    until(lambda: drive.asked == 1)
    behind: Future[int] = threads.submit(pow, 2, 3)
    threads.shutdown()
    assert behind.cancelled()


def test_errors_reach_whoever_asked() -> None:
    with GrowingThreads(1, "error") as threads:
        with pytest.raises(ZeroDivisionError):
            threads.submit(divmod, 1, 0).result(LIMIT_S)
        assert threads.submit(pow, 2, 3).result(LIMIT_S) == 8
