"""Many jobs named by the ends of a selection in a list, and what can be done to all of them.

A window with 1,000,000 rows selected knows a handful of their numbers. What the ends mean is read
from the record at the moment of the order, in the order of the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exai_desktop.core.jobs.jobs import (
    FINAL,
    RESEND_MOVES,
    RETRY_MOVES,
    JobQuery,
    JobState,
    Moment,
)
from exai_desktop.core.jobs.line import MOVABLE

S = JobState


@dataclass(frozen=True, slots=True)
class JobRange:
    """Each span goes from one job to another as the list of `query` shows them, both included;
    None: from the first one, or to the last. Jobs with a number above `newest` came later than
    the selection and are left out, wherever they stand. With `as_of` also those whose state has
    changed since: nobody was shown what they are now."""

    query: JobQuery
    spans: tuple[tuple[int | None, int | None], ...]
    newest: int
    as_of: Moment | None = None


class RangeOrder(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    ALLOW_FALLBACK = "allow_fallback"
    # With consent to what was found in each file.
    SEND_ANYWAY = "send_anyway"
    REMOVE = "remove"
    # To the ends of the line.
    FIRST = "first"
    LAST = "last"


# To which jobs an order can be given; in some of these states not to each of them.
ORDER_STATES: Final[dict[RangeOrder, frozenset[JobState]]] = {
    RangeOrder.PAUSE: frozenset({S.QUEUED, S.CHECKING, S.HASHING, S.WAITING, S.SENDING}),
    RangeOrder.RESUME: frozenset({S.HELD}),
    RangeOrder.CANCEL: frozenset(JobState) - FINAL,
    RangeOrder.RETRY: RETRY_MOVES | RESEND_MOVES,
    RangeOrder.ALLOW_FALLBACK: RETRY_MOVES,
    RangeOrder.SEND_ANYWAY: frozenset({S.REFUSED}),
    RangeOrder.REMOVE: FINAL,
    RangeOrder.FIRST: MOVABLE,
    RangeOrder.LAST: MOVABLE,
}


@dataclass(frozen=True, slots=True)
class FileIds:
    """A piece of the file ids of a range: `text` has `count` of them, one a line. `gone` were left
    out, because they no longer work. `last` is the number of the last job that was looked at, for
    the next piece; None: there is no next."""

    text: str
    count: int
    gone: int
    last: int | None
