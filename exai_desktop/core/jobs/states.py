"""The two state machines: jobs (our work) and copies (what lies at a provider).

Every change of state in the program goes through `check`; the tables below are the only place
that says what may follow what. Property tests hold their laws (tests/unit/core/test_states.py).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from exai_desktop.core.errors.tree import IllegalMoveError


class JobState(StrEnum):
    """Where one file stands on its way to one account."""

    QUEUED = "queued"
    CHECKING = "checking"
    HASHING = "hashing"
    WAITING = "waiting"
    SENDING = "sending"
    CONFIRMING = "confirming"
    DONE = "done"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    HELD = "held"
    UNCERTAIN = "uncertain"
    NEEDS_REVIEW = "needs_review"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in FINAL


S = JobState

FINAL: Final = frozenset({S.DONE, S.DUPLICATE, S.REFUSED, S.FAILED, S.CANCELLED})

# A file refused while its folder is walked is born refused; everything else is born queued.
BIRTH: Final = frozenset({S.QUEUED, S.REFUSED})

# Bytes may be on their way or at the provider: no other job may send this content meanwhile.
IN_FLIGHT: Final = frozenset({S.SENDING, S.CONFIRMING, S.UNCERTAIN, S.NEEDS_REVIEW})

_STOPS: Final = frozenset({S.REFUSED, S.HELD, S.FAILED, S.CANCELLED})

JOB_MOVES: Final[dict[JobState, frozenset[JobState]]] = {
    S.QUEUED: frozenset({S.CHECKING, S.HELD, S.CANCELLED}),
    S.CHECKING: _STOPS | {S.HASHING, S.QUEUED},
    S.HASHING: _STOPS | {S.WAITING, S.DUPLICATE, S.QUEUED},
    S.WAITING: _STOPS | {S.SENDING, S.DUPLICATE, S.QUEUED},
    # To waiting, queued, held, cancelled only when nothing can have been stored.
    S.SENDING: _STOPS | {S.CONFIRMING, S.UNCERTAIN, S.WAITING, S.QUEUED},
    S.CONFIRMING: frozenset({S.DONE, S.FAILED}),
    # Only reconcile takes a job out of uncertain.
    S.UNCERTAIN: frozenset({S.DONE, S.WAITING, S.NEEDS_REVIEW}),
    # Only the user takes a job out of needs_review.
    S.NEEDS_REVIEW: frozenset({S.DONE, S.WAITING, S.CANCELLED}),
    S.HELD: frozenset({S.QUEUED, S.CANCELLED}),
    S.DONE: frozenset(),
    S.DUPLICATE: frozenset(),
    S.REFUSED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
}

# The command *retry* is the only way out of a final state; it begins a new attempt.
RETRY_MOVES: Final = frozenset({S.REFUSED, S.FAILED, S.CANCELLED})

# From these only when the file is gone at the provider: then it is sent anew.
RESEND_MOVES: Final = frozenset({S.DONE, S.DUPLICATE})

# What a job found in this state at start-up becomes. `confirming` has its file id on disk and
# simply goes on; `sending` may have been stored, so only the provider's list can tell.
AFTER_CRASH: Final = {S.CHECKING: S.QUEUED, S.HASHING: S.QUEUED, S.SENDING: S.UNCERTAIN}


def check(old: JobState, new: JobState, *, retry: bool = False) -> None:
    """Raise `IllegalMoveError` unless `old → new` is allowed (`retry`: by the command retry)."""
    is_way_out = old in RETRY_MOVES | RESEND_MOVES and new is S.QUEUED
    allowed = is_way_out if retry else new in JOB_MOVES[old]
    if not allowed:
        raise IllegalMoveError(f"{old} → {new} is not allowed (retry={retry})")
