"""Files that were not sent, by reason."""

from __future__ import annotations

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.reasons import ReasonGroup, group_of, largest_first

S = JobState


def test_a_group_says_what_happened_and_what_to_do() -> None:
    empty = ReasonGroup(S.REFUSED, "EMPTY_FILE", 2)
    assert empty.key == (S.REFUSED, "EMPTY_FILE")
    assert empty.title == "The file is empty"
    assert empty.hint.startswith("Check that the file was saved")
    # The user's own pause has no error.
    paused = ReasonGroup(S.HELD, "", 1)
    assert (paused.title, paused.hint, paused.error) == ("Paused", "", None)
    # A code of a newer version keeps its name.
    assert ReasonGroup(S.FAILED, "NEW_TROUBLE", 1).title == "NEW_TROUBLE"


def test_what_was_only_skipped_comes_last() -> None:
    system = ReasonGroup(S.REFUSED, ErrorCode.SYSTEM_FILE.value, 900)
    few = ReasonGroup(S.FAILED, "ATTEMPTS_EXHAUSTED", 2)
    many = ReasonGroup(S.REFUSED, "EMPTY_FILE", 30)
    assert system.is_skipped and not many.is_skipped
    assert largest_first([system, few, many]) == (many, few, system)


def test_a_job_belongs_to_the_group_of_its_state_and_error() -> None:
    job = JobView(1, 1, "/a", "a", S.QUEUED, 1, 0.0, 0.0)
    assert group_of(job) == (S.QUEUED, "")
    error = ErrorView.of(AppError(ErrorCode.EMPTY_FILE))
    refused = JobView(1, 1, "/a", "a", S.REFUSED, 0, 0.0, 0.0, error=error)
    assert group_of(refused) == (S.REFUSED, "EMPTY_FILE")
