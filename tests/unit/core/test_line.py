"""Places in the line of files that wait: gaps, and when there is no room in one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.line import (
    GAP,
    LinePlace,
    LinePlaces,
    Spot,
    before,
    behind,
    place_of,
    spread,
)


def view(number: int) -> JobView:
    return JobView(number, 1, "/a", "a", JobState.QUEUED, 1, 0.0, 0.0)


def test_a_job_nobody_has_moved_stands_where_its_number_says() -> None:
    assert place_of(view(7)) == 7 * GAP
    assert place_of(replace(view(7), place=5)) == 5


@pytest.mark.parametrize("spot", Spot)
def test_another_job_is_named_for_before_and_after_only(spot: Spot) -> None:
    beside = 3 if spot in (Spot.BEFORE, Spot.AFTER) else None
    assert LinePlace(spot, beside).spot is spot
    with pytest.raises(ValueError, match="before and after only"):
        LinePlace(spot, None if beside else 3)


def test_places_lie_between_the_two_or_there_is_no_room() -> None:
    assert spread(0, 100, 3) == [25, 50, 75]
    assert spread(10, 13, 2) == [11, 12]
    assert spread(10, 12, 2) is None


def test_behind_one_most_of_the_room_is_kept() -> None:
    found = behind(0, GAP, 3)
    assert found is not None
    assert found == sorted(found) and found[0] > 0 and found[-1] < GAP // 2
    assert behind(10, 12, 1) == [11]
    assert behind(10, 12, 2) is None


def test_at_the_front_there_is_always_room() -> None:
    assert before(0, 2) == [-2 * GAP, -GAP]


def test_only_places_of_moved_jobs_that_wait_are_kept() -> None:
    places = LinePlaces()
    assert places.key(4) == 4
    places.note([(4, GAP // 2)])
    assert places.key(4) == 0.5
    places.see(view(5))
    assert places.key(5) == 5
    places.see(replace(view(5), place=3 * GAP))
    assert places.key(5) == 3
    places.see(ended(view(4)))
    assert places.key(4) == 4


def ended(job: JobView) -> JobView:
    return replace(job, state=JobState.CANCELLED)
