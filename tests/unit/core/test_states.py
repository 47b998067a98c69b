"""The laws of the two state machines."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.copies.models import COPY_MOVES, CopyState, check_copy
from exai_desktop.core.errors.tree import IllegalMoveError
from exai_desktop.core.jobs.jobs import (
    AFTER_CRASH,
    BIRTH,
    FINAL,
    IN_FLIGHT,
    JOB_MOVES,
    RESEND_MOVES,
    RETRY_MOVES,
    JobState,
    check_move,
)

S = JobState
C = CopyState


def _allowed(old: JobState, new: JobState, *, retry: bool = False) -> bool:
    try:
        check_move(old, new, retry=retry)
    except IllegalMoveError:
        return False
    return True


def _reachable(start: JobState) -> set[JobState]:
    seen, waiting = {start}, [start]
    while waiting:
        old = waiting.pop()
        new = {state for state in S if _allowed(old, state)} - seen
        seen |= new
        waiting += new
    return seen


def test_the_tables_speak_of_every_state() -> None:
    assert set(JOB_MOVES) == set(S)
    assert set(COPY_MOVES) == set(C)


def test_a_state_is_final_exactly_when_nothing_but_retry_leaves_it() -> None:
    assert {state for state in S if state.is_final} == FINAL
    assert {state for state in S if not any(_allowed(state, new) for new in S)} == FINAL


@pytest.mark.parametrize("state", sorted(set(S) - FINAL))
def test_every_open_state_can_reach_a_final_one(state: JobState) -> None:
    assert _reachable(state) & FINAL


def test_every_state_can_be_reached_from_birth() -> None:
    assert set().union(*(_reachable(born) for born in BIRTH)) == set(S)


def test_retry_leads_from_its_states_to_the_queue_and_nowhere_else() -> None:
    moves = {(a, b) for a, b in itertools.product(S, S) if _allowed(a, b, retry=True)}
    assert moves == {(old, S.QUEUED) for old in RETRY_MOVES | RESEND_MOVES}
    assert RETRY_MOVES | RESEND_MOVES == FINAL
    # What is at the provider is not sent again by a slip of the finger: see the storage's laws.
    assert {S.DONE, S.DUPLICATE} == RESEND_MOVES


@given(st.data())
def test_no_path_leaves_a_final_state(data: st.DataObject) -> None:
    state = data.draw(st.sampled_from(sorted(BIRTH)))
    ended = False
    for new in data.draw(st.lists(st.sampled_from(sorted(S)), max_size=60)):
        if _allowed(state, new):
            assert not ended
            state = new
            ended = state.is_final


@given(st.data())
def test_no_path_sends_again_what_may_be_there_unless_it_was_settled_first(
    data: st.DataObject,
) -> None:
    """Any walk, with the program dying at any moment."""
    state, unsettled = S.QUEUED, False
    for _ in range(40):
        if data.draw(st.booleans(), label="crash"):
            state = AFTER_CRASH.get(state, state)
            unsettled = unsettled or state is S.UNCERTAIN
        elif JOB_MOVES[state]:
            old, state = state, data.draw(st.sampled_from(sorted(JOB_MOVES[state])))
            if old in (S.UNCERTAIN, S.NEEDS_REVIEW) and state is not S.NEEDS_REVIEW:
                unsettled = False
            unsettled = unsettled or state is S.UNCERTAIN
        assert not (unsettled and state is S.SENDING)


def test_sending_begins_only_from_waiting() -> None:
    assert {state for state in S if _allowed(state, S.SENDING)} == {S.WAITING}


def test_only_the_provider_or_the_user_settles_what_is_uncertain() -> None:
    assert JOB_MOVES[S.UNCERTAIN] == {S.DONE, S.WAITING, S.NEEDS_REVIEW}
    assert JOB_MOVES[S.NEEDS_REVIEW] == {S.DONE, S.WAITING, S.CANCELLED}


def test_a_job_is_born_with_nothing_sent() -> None:
    assert BIRTH.isdisjoint(IN_FLIGHT)
    assert not BIRTH & set(AFTER_CRASH)


def test_what_is_in_flight_is_open() -> None:
    assert IN_FLIGHT.isdisjoint(FINAL)


def test_after_a_crash_a_job_goes_where_it_could_have_gone_and_stays_there() -> None:
    for old, new in AFTER_CRASH.items():
        assert _allowed(old, new)
        assert new not in AFTER_CRASH
        assert (old in IN_FLIGHT) == (new in IN_FLIGHT)


def test_after_a_crash_no_job_waits_for_work_that_has_died_with_the_program() -> None:
    picked_up = {S.QUEUED, S.WAITING, S.CONFIRMING, S.UNCERTAIN}
    by_the_user = {S.HELD, S.NEEDS_REVIEW}
    after = {AFTER_CRASH.get(state, state) for state in S}
    assert after == picked_up | by_the_user | FINAL


def test_an_illegal_move_names_both_states() -> None:
    with pytest.raises(IllegalMoveError, match="done → queued"):
        check_move(S.DONE, S.QUEUED)


def test_a_deleted_or_expired_copy_never_comes_back() -> None:
    stuck = {old for old in C if not any(_copy_allowed(old, new) for new in C)}
    assert stuck == {C.DELETED, C.EXPIRED}


def test_a_delete_that_failed_leaves_the_copy_present() -> None:
    check_copy(C.PRESENT, C.DELETING)
    check_copy(C.DELETING, C.PRESENT)


def test_a_copy_is_never_deleted_without_saying_so_first() -> None:
    assert {old for old in C if _copy_allowed(old, C.DELETED)} == {C.DELETING}


def _copy_allowed(old: CopyState, new: CopyState) -> bool:
    try:
        check_copy(old, new)
    except IllegalMoveError:
        return False
    return True
