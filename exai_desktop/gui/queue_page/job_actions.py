"""Which commands fit which jobs: plain rules, asked by menus, keys and the details alike."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.files.files import can_be_accepted
from exai_desktop.core.jobs.jobs import RETRY_MOVES, JobState, JobView
from exai_desktop.core.jobs.line import MOVABLE, Spot
from exai_desktop.core.jobs.ranges import ORDER_STATES, RangeOrder
from exai_desktop.core.routing.capabilities import ProviderTable

S = JobState


class Action(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    ALLOW_FALLBACK = "allow_fallback"
    SEND_ANYWAY = "send_anyway"
    REMOVE = "remove"
    DELETE_REMOTE = "delete_remote"
    SHOW_TEXT = "show_text"
    COPY_ID = "copy_id"
    RECEIPT = "receipt"
    FIRST = "first"
    UP = "up"
    DOWN = "down"
    LAST = "last"


_STORED = frozenset({S.DONE, S.DUPLICATE})

# The commands that are nothing but one order to the engine; consent is asked for first.
ORDERS: dict[Action, RangeOrder] = {
    Action(order.value): order for order in RangeOrder if order is not RangeOrder.SEND_ANYWAY
}

_STATES: dict[Action, frozenset[JobState]] = {
    **{action: ORDER_STATES[order] for action, order in ORDERS.items()},
    Action.SEND_ANYWAY: frozenset({S.REFUSED}),
    Action.DELETE_REMOTE: _STORED,
    Action.SHOW_TEXT: _STORED,
    Action.COPY_ID: frozenset(JobState),
    Action.RECEIPT: frozenset(JobState),
    Action.UP: MOVABLE,
    Action.DOWN: MOVABLE,
}
MOVES: dict[Action, Spot] = {
    action: Spot(action.value) for action in (Action.FIRST, Action.UP, Action.DOWN, Action.LAST)
}
_NEEDS_ID = frozenset({Action.DELETE_REMOTE, Action.SHOW_TEXT, Action.COPY_ID})


def fits(action: Action, job: JobView, table: ProviderTable | None = None) -> bool:
    """Whether the command makes sense for this job now."""
    if job.state not in _STATES[action] or (action in _NEEDS_ID and not job.file_id):
        return False
    match action:
        case Action.RETRY:
            # What lies at the provider is not sent again.
            return job.state in RETRY_MOVES or job.file_state is not None
        case Action.DELETE_REMOTE:
            return job.file_state in (None, CopyState.DELETING)
        case Action.CANCEL:
            return not job.cancel_requested
        case Action.ALLOW_FALLBACK:
            return job.error is not None and job.error.code == ErrorCode.CONSENT_NEEDED
        case Action.SEND_ANYWAY:
            # Without `judged` it is no question: the settings always refuse such files.
            is_asked = job.error is not None and can_be_accepted(job.error.code)
            return is_asked and job.judged is not None
        case Action.SHOW_TEXT:
            return table is not None and table.gives_text(job.provider, job.purpose)
    return True


def fitting(jobs: Iterable[JobView], table: ProviderTable | None = None) -> frozenset[Action]:
    """The commands that fit at least one of the jobs."""
    found: set[Action] = set()
    for job in jobs:
        found.update(action for action in Action if fits(action, job, table))
        if len(found) == len(Action):
            break
    return frozenset(found)
