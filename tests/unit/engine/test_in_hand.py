"""What is remembered of jobs in hand, and what may be forgotten."""

from __future__ import annotations

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.engine.scheduling.in_hand import REMEMBERED, JobsInHand


def test_paths_of_old_jobs_are_forgotten_and_their_refusals_are_not() -> None:
    jobs = JobsInHand()
    refusal = AppError(ErrorCode.PROVIDER_REJECTED)
    for number in range(REMEMBERED + 10):
        jobs.remember_path(number, f"/real/{number}")
        if number == 3:
            jobs.of(number).refusals["kimi"] = refusal
        if number == 4:
            jobs.of(number).unsettled = 2
    assert jobs.find(0) is None
    refused, changed = jobs.find(3), jobs.find(4)
    assert refused is not None and refused.refusals == {"kimi": refusal}
    assert refused.real_path is None
    assert changed is not None and changed.unsettled == 2
    newest = jobs.find(REMEMBERED + 9)
    assert newest is not None and newest.real_path == f"/real/{REMEMBERED + 9}"


def test_looking_for_a_job_makes_no_entry() -> None:
    jobs = JobsInHand()
    assert jobs.find(1) is None
    assert jobs.find(1) is None
