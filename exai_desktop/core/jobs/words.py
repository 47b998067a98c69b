"""What people read for the state of a job: the same words in the window and on the command line.

Scripts read the names of `JobState` instead; these never change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exai_desktop.core.copies.words import COPY_WORDS, CopyState
from exai_desktop.core.errors.codes import SKIPPED, Outcome
from exai_desktop.core.jobs.states import CUT, FORGOTTEN, JobState

if TYPE_CHECKING:  # `list` beside an owner has only these words to load
    from exai_desktop.core.jobs.jobs import Attempt, JobView

S = JobState

STATE_WORDS: Final[dict[JobState, str]] = {
    S.QUEUED: "Queued",
    S.CHECKING: "Checking",
    S.HASHING: "Reading",
    S.WAITING: "Waiting",
    S.SENDING: "Sending",
    S.CONFIRMING: "Sent, waiting for provider",
    S.DONE: "Done",
    S.DUPLICATE: "Already uploaded",
    S.REFUSED: "Refused",
    S.HELD: "Paused",
    S.UNCERTAIN: "Checking with provider",
    S.NEEDS_REVIEW: "Needs your decision",
    S.FAILED: "Failed",
    S.CANCELLED: "Cancelled",
}

# The same states with more known.
_CANCELLING: Final = "Cancelling"
_SKIPPED: Final = "Skipped"
_ON_HOLD: Final = "On hold"
_RETRY_LATER: Final = "Waiting to retry"

# A stored job whose file is not there any more.
_GONE_WORDS: Final[dict[CopyState, str]] = {
    CopyState.DELETING: COPY_WORDS[CopyState.DELETING],
    CopyState.DELETED: "Deleted at the provider",
    CopyState.MISSING: "Missing at the provider",
    CopyState.EXPIRED: "Expired at the provider",
}

_ATTEMPT_WORDS: Final[dict[str, str]] = {
    "stored": "stored",
    "interrupted": "interrupted",
    FORGOTTEN: "perhaps sent before the database was restored",
    CUT: "connection broke, not stored",
    Outcome.REJECTED: "refused",
    Outcome.AUTH: "account not accepted",
    Outcome.QUOTA: "no credit or storage left",
    Outcome.THROTTLED: "too many requests",
    Outcome.UNAVAILABLE: "failed",
    Outcome.UNCERTAIN: "answer lost",
    Outcome.CANCELLED: "cancelled",
    Outcome.LOCAL: "stopped on this computer",
}


def is_skipped(job: JobView) -> bool:
    """Refused, and no work of the user stays behind."""
    return job.state is S.REFUSED and job.error is not None and job.error.code in SKIPPED


def state_word(job: JobView) -> str:
    """The word for the job now: a pause that needs the user has another one than the user's own."""
    if job.cancel_requested and not job.state.is_final:
        return _CANCELLING
    if is_skipped(job):
        return _SKIPPED
    if job.state is S.HELD and job.error:
        return _ON_HOLD
    if job.state is S.WAITING and job.error:
        return _RETRY_LATER
    if job.file_state is not None:
        return _GONE_WORDS.get(job.file_state, STATE_WORDS[job.state])
    return STATE_WORDS[job.state]


def attempt_word(attempt: Attempt) -> str:
    """How an attempt ended; an outcome of a newer program keeps its name."""
    if attempt.ended_at is None:
        return "in progress"
    outcome = attempt.outcome or "ended"
    return _ATTEMPT_WORDS.get(outcome, outcome)
