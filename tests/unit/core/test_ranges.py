"""To which jobs an order can be given at all: those whose state allows what it does."""

from __future__ import annotations

import pytest

from exai_desktop.core.jobs.jobs import FINAL, IN_FLIGHT, JOB_MOVES, RESEND_MOVES, JobState
from exai_desktop.core.jobs.ranges import ORDER_STATES, RangeOrder

S = JobState


@pytest.mark.parametrize("order", RangeOrder)
def test_every_order_has_its_states(order: RangeOrder) -> None:
    assert ORDER_STATES[order]


def test_an_order_is_for_states_that_can_follow_it() -> None:
    for state in ORDER_STATES[RangeOrder.PAUSE]:
        assert S.HELD in JOB_MOVES[state]
    for state in ORDER_STATES[RangeOrder.RESUME]:
        assert S.QUEUED in JOB_MOVES[state]
    # Of what may be at the provider already only the wish is noted, until it is settled.
    for state in ORDER_STATES[RangeOrder.CANCEL] - IN_FLIGHT:
        assert S.CANCELLED in JOB_MOVES[state]
    assert ORDER_STATES[RangeOrder.REMOVE] == FINAL
    assert ORDER_STATES[RangeOrder.RETRY] - ORDER_STATES[RangeOrder.ALLOW_FALLBACK] == RESEND_MOVES
