"""What is remembered of jobs in hand."""

from __future__ import annotations

from exai_desktop.engine.scheduling.in_hand import JobsInHand


def test_looking_for_a_job_makes_no_entry() -> None:
    jobs = JobsInHand()
    assert jobs.find(1) is None
    assert jobs.find(1) is None


def test_what_is_known_of_a_job_stays_known() -> None:
    jobs = JobsInHand()
    jobs.of(1).unsettled = 2
    known = jobs.find(1)
    assert known is not None and known.unsettled == 2
