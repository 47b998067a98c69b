"""What people read for states: one word for each, all different, the same in both faces."""

from dataclasses import replace

import pytest

from exai_desktop.core.copies.models import CopyOrigin, CopyState
from exai_desktop.core.copies.queries import COPY_WORDS, ORIGIN_WORDS, SIGHT_WORDS, Sight
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.jobs.jobs import CUT, Attempt, JobState, JobView
from exai_desktop.core.jobs.words import STATE_WORDS, attempt_word, state_word

S = JobState
ERROR = ErrorView.of_code("TIMEOUT")


def job(state: JobState, error: ErrorView | None = None, *, cancel: bool = False) -> JobView:
    return JobView(
        1, 1, "/a.txt", "a.txt", state, 1, 0.0, 0.0, error=error, cancel_requested=cancel
    )


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (STATE_WORDS, JobState),
        (COPY_WORDS, CopyState),
        (ORIGIN_WORDS, CopyOrigin),
        (SIGHT_WORDS, Sight),
    ],
)
def test_every_state_has_a_word_of_its_own(words: dict[str, str], kind: type[JobState]) -> None:
    assert set(words) == set(kind)
    assert len(set(words.values())) == len(words)
    assert all(word[0].isupper() and len(word.split()) <= 5 for word in words.values())


@pytest.mark.parametrize("state", JobState)
def test_without_more_a_job_has_the_word_of_its_state(state: JobState) -> None:
    assert state_word(job(state)) == STATE_WORDS[state]


def test_what_else_is_known_has_a_word_too() -> None:
    assert state_word(job(S.HELD, ERROR)) == "On hold"
    assert state_word(job(S.WAITING, ERROR)) == "Waiting to retry"
    assert state_word(job(S.SENDING, cancel=True)) == "Cancelling"
    assert state_word(job(S.DONE, cancel=True)) == "Done"
    assert state_word(job(S.FAILED, ERROR)) == "Failed"
    assert state_word(job(S.REFUSED, ERROR)) == "Refused"
    assert state_word(job(S.REFUSED, ErrorView.of_code("SYSTEM_FILE"))) == "Skipped"


@pytest.mark.parametrize("outcome", [*Outcome, CUT, "stored", "interrupted"])
def test_an_attempt_says_how_it_ended(outcome: str) -> None:
    ended = Attempt(1, "http", "a.txt", 1, "h", 0.0, 2.0, outcome)
    assert attempt_word(ended)
    assert attempt_word(replace(ended, ended_at=None)) == "in progress"
    assert attempt_word(replace(ended, outcome=None)) == "ended"
    assert attempt_word(replace(ended, outcome="of the future")) == "of the future"


@pytest.mark.parametrize("state", [S.DONE, S.DUPLICATE])
def test_a_stored_file_that_is_gone_has_another_word(state: JobState) -> None:
    gone = (CopyState.DELETING, CopyState.DELETED, CopyState.MISSING, CopyState.EXPIRED)
    words = {state_word(replace(job(state), file_state=found)) for found in gone}
    assert len(words) == len(gone)
    assert not words & set(STATE_WORDS.values())
