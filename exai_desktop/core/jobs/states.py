"""The states of a job by name. It loads nothing else; what may follow what is in `jobs`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


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

# The command *retry* is the only way out of a final state; it begins a new attempt.
RETRY_MOVES: Final = frozenset({S.REFUSED, S.FAILED, S.CANCELLED})

# From these only when the file is gone at the provider: then it is sent anew.
RESEND_MOVES: Final = frozenset({S.DONE, S.DUPLICATE})

# The outcome of an attempt that was not made because a recovered record may have forgotten it.
FORGOTTEN: Final = "perhaps sent before the recovery"
# The outcome of an attempt whose connection broke before the end of the body had left: nothing can
# have been stored.
CUT: Final = "cut before the end"
