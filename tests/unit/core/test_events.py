"""The event bus, and the values that travel on it."""

import logging
from dataclasses import FrozenInstanceError

import pytest

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.events import (
    BatchScanned,
    Event,
    EventBus,
    EventStream,
    JobsRemoved,
    ProblemRaised,
)
from exai_desktop.core.jobs.jobs import JobState, QueueSummary
from exai_desktop.core.jobs.store import TwinInFlightError, TwinPresentError

FIRST, SECOND = JobsRemoved((1,)), BatchScanned(7, 3, 1)


def test_every_subscriber_hears_every_event_in_order() -> None:
    bus, one, other = EventBus(), list[Event](), list[Event]()
    bus.subscribe(one.append)
    bus.subscribe(other.append)
    bus.publish(FIRST)
    bus.publish(SECOND)
    assert one == other == [FIRST, SECOND]


def test_who_has_left_hears_nothing_more() -> None:
    bus, heard, stays = EventBus(), list[Event](), list[Event]()
    leave = bus.subscribe(heard.append)
    bus.subscribe(stays.append)
    bus.publish(FIRST)
    leave()
    bus.publish(SECOND)
    assert heard == [FIRST]
    assert stays == [FIRST, SECOND]


def test_a_failing_subscriber_stops_nobody_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), list[Event]()

    def fails(event: Event) -> None:
        raise RuntimeError("a broken label")

    bus.subscribe(fails)
    bus.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(FIRST)
        bus.publish(SECOND)
    assert heard == [FIRST, SECOND]
    assert "JobsRemoved" in caplog.text and "a broken label" in caplog.text


def test_a_subscriber_may_leave_or_bring_another_while_it_is_called() -> None:
    bus, late, last = EventBus(), list[Event](), list[Event]()

    def leaves_for_another(event: Event) -> None:
        leave()
        bus.subscribe(late.append)

    leave = bus.subscribe(leaves_for_another)
    bus.subscribe(last.append)
    bus.publish(FIRST)
    bus.publish(SECOND)
    assert last == [FIRST, SECOND]
    assert late == [SECOND]


def test_an_event_without_a_listener_is_no_fault() -> None:
    EventBus().publish(FIRST)


def test_events_do_not_change_on_their_way() -> None:
    problem = ProblemRaised(ErrorView("X", "x", ""))
    with pytest.raises(FrozenInstanceError):
        problem.account = "a"  # type: ignore[misc]  # what is tested


def test_a_summary_counts_all_jobs_and_the_open_ones() -> None:
    summary = QueueSummary({JobState.DONE: 5, JobState.FAILED: 1, JobState.HELD: 2})
    assert (summary.total, summary.open_jobs) == (8, 2)
    assert (QueueSummary().total, QueueSummary().open_jobs) == (0, 0)


def test_the_errors_of_the_dedupe_law_say_who_is_in_the_way() -> None:
    copy = Copy(1, "kimi", "a", "p", "hash", 3, "id-9", "n", CopyState.PRESENT, True, 0.0)
    assert TwinInFlightError(42).job_id == 42
    assert TwinPresentError(copy).copy is copy
    assert "id-9" in str(TwinPresentError(copy))


async def test_a_stream_of_events_is_closed_once() -> None:
    closed: list[str] = []

    async def read() -> Event:
        if closed:
            raise StopAsyncIteration
        return FIRST

    stream = EventStream(read, lambda: closed.append("closed"))
    assert await anext(aiter(stream)) is FIRST
    await stream.aclose()
    await stream.aclose()
    assert closed == ["closed"]
    assert [event async for event in stream] == []
