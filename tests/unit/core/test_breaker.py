"""The breaker's rules: when it opens, how long it waits, who may try, when it is well again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.accounts.health import (
    CLOSED,
    AttemptVerdict,
    Breaker,
    BreakerRules,
    Phase,
    admit,
    as_text,
    from_text,
    is_ahead,
    is_at_rest,
    is_possible,
    record,
    status_of,
)

RULES = BreakerRules()
NOW = 1_800_000_000.0
FAULT, SUCCESS, NEUTRAL = AttemptVerdict.FAULT, AttemptVerdict.SUCCESS, AttemptVerdict.NEUTRAL


def told(
    breaker: Breaker,
    *verdicts: AttemptVerdict,
    token: str = "",
    now: float = NOW,
    chance: float = 0.5,
) -> Breaker:
    for verdict in verdicts:
        breaker = record(breaker, verdict, token, now, RULES, chance=chance, cause="TIMEOUT")
    return breaker


def opened(now: float = NOW, openings: int = 0) -> Breaker:
    return told(replace(CLOSED, openings=openings), *[FAULT] * 5, now=now)


def probed(breaker: Breaker, now: float, *verdicts: AttemptVerdict) -> Breaker:
    """Let in and told, as often as there are verdicts."""
    for number, verdict in enumerate(verdicts):
        breaker, admission = admit(breaker, f"probe {number}", now, RULES)
        assert admission.is_probe
        breaker = told(breaker, verdict, token=f"probe {number}", now=now)
    return breaker


def test_five_faults_in_a_row_open_it_and_four_do_not() -> None:
    assert told(CLOSED, *[FAULT] * 4).phase is Phase.CLOSED
    breaker = opened()
    assert (breaker.phase, breaker.wait_s, breaker.cause) == (Phase.OPEN, 300.0, "TIMEOUT")


def test_a_success_between_begins_the_count_anew_and_what_says_nothing_does_not() -> None:
    assert told(CLOSED, *[FAULT] * 4, SUCCESS, *[FAULT] * 4).phase is Phase.CLOSED
    assert told(CLOSED, *[FAULT] * 4, *[NEUTRAL] * 9, FAULT).phase is Phase.OPEN
    assert told(CLOSED, *[NEUTRAL] * 100) == CLOSED


def test_the_waits_are_5_10_20_40_minutes_and_stay_there() -> None:
    breaker, now, waits = opened(), NOW, []
    for _ in range(6):
        waits.append(breaker.wait_s)
        now += breaker.wait_s
        breaker = probed(breaker, now, FAULT)
    assert waits == [300, 600, 1200, 2400, 2400, 2400]


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 40))
def test_the_jitter_is_a_tenth_at_most(chance: float, openings: int) -> None:
    breaker = told(replace(CLOSED, openings=openings), *[FAULT] * 5, chance=chance)
    plain = min(2400.0, 300.0 * 2**openings)
    assert 0.9 * plain <= breaker.wait_s <= 1.1 * plain


def test_of_twenty_callers_one_gets_through() -> None:
    breaker, now = opened(), NOW + 300
    granted = []
    for caller in range(20):
        breaker, admission = admit(breaker, str(caller), now, RULES)
        granted.append(admission.is_probe)
        if not admission.is_probe:
            assert admission.until == now + RULES.lease_s
    assert granted == [True] + [False] * 19


def test_two_that_went_well_close_it_one_after_the_other() -> None:
    breaker = probed(opened(), NOW + 300, SUCCESS)
    assert (breaker.phase, breaker.probe) == (Phase.HALF_OPEN, "")
    assert breaker.until(RULES) is None
    assert probed(breaker, NOW + 301, SUCCESS).phase is Phase.CLOSED


def test_a_probe_that_shows_nothing_lets_the_next_one_try() -> None:
    breaker = probed(opened(), NOW + 300, SUCCESS, NEUTRAL)
    assert (breaker.phase, breaker.successes) == (Phase.HALF_OPEN, 1)
    assert probed(breaker, NOW + 301, SUCCESS).phase is Phase.CLOSED


def test_a_fault_in_the_second_probe_opens_it_for_twice_as_long() -> None:
    breaker = probed(opened(), NOW + 300, SUCCESS, FAULT)
    assert (breaker.phase, breaker.wait_s) == (Phase.OPEN, 600.0)


def test_three_in_a_row_and_the_next_opening_is_a_first_one() -> None:
    breaker = probed(opened(), NOW + 300, SUCCESS, SUCCESS)
    assert told(breaker, *[FAULT] * 5).wait_s == 600.0
    assert told(breaker, SUCCESS) == CLOSED
    assert told(breaker, FAULT, SUCCESS, *[FAULT] * 5).wait_s == 600.0
    assert told(breaker, FAULT, SUCCESS, SUCCESS, SUCCESS) == CLOSED


def test_late_results_change_nothing() -> None:
    breaker = opened()
    assert told(breaker, SUCCESS) == breaker
    assert told(breaker, FAULT) == breaker
    half_open, _ = admit(breaker, "one", NOW + 300, RULES)
    assert told(half_open, SUCCESS, token="another") == half_open
    assert told(half_open, FAULT) == half_open
    # Its process is gone: after the lease another one tries, and the first one is late.
    later = NOW + 300 + RULES.lease_s
    taken_over, admission = admit(half_open, "two", later, RULES)
    assert admission.is_probe
    assert told(taken_over, SUCCESS, token="one") == taken_over


@pytest.mark.parametrize("back_s", [3600.0, 86_400.0, 365 * 86_400.0])
def test_a_clock_set_back_makes_no_wait_longer_than_it_was_meant(back_s: float) -> None:
    then = NOW - back_s
    breaker, admission = admit(opened(), "one", then, RULES)
    assert admission.until == then + 300
    breaker, admission = admit(breaker, "one", then + 300, RULES)
    assert admission.is_probe
    breaker, admission = admit(breaker, "two", then - back_s, RULES)
    assert admission.until == then - back_s + RULES.lease_s


def test_a_clock_set_back_is_noticed_once() -> None:
    assert not is_ahead(opened(), NOW)
    assert is_ahead(opened(), NOW - 1)
    mended, _ = admit(opened(), "one", NOW - 1, RULES)
    assert not is_ahead(mended, NOW - 1)


@pytest.mark.parametrize("ahead_s", [3600.0, 86_400.0, 365 * 86_400.0])
def test_a_clock_set_ahead_means_one_probe(ahead_s: float) -> None:
    breaker, admission = admit(opened(), "one", NOW + ahead_s, RULES)
    assert admission.is_probe
    assert not admit(breaker, "two", NOW + ahead_s, RULES)[1].is_probe


def test_the_users_wish_is_a_probe_before_its_time() -> None:
    breaker, admission = admit(opened(), "mine", NOW + 1, RULES, wanted=True)
    assert (admission.is_probe, breaker.phase) == (True, Phase.HALF_OPEN)
    assert admit(CLOSED, "mine", NOW, RULES, wanted=True)[1].is_probe is False


@given(
    st.builds(
        Breaker,
        st.sampled_from(Phase),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 9),
        st.floats(0, 4e9),
        st.floats(0, 4e9),
        st.text(max_size=9),
        st.floats(0, 4e9),
    )
)
def test_it_survives_being_written_down(breaker: Breaker) -> None:
    assert from_text(as_text(breaker)) == breaker


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"phase": "ajar"}', '{"failures": "x"}'])
def test_what_cannot_be_read_is_a_closed_one(text: str | None) -> None:
    assert from_text(text) == CLOSED


def test_only_what_changes_nothing_is_not_written_down() -> None:
    assert is_at_rest(CLOSED, SUCCESS)
    assert is_at_rest(told(CLOSED, FAULT), NEUTRAL)
    assert not is_at_rest(CLOSED, FAULT)
    assert not is_at_rest(told(CLOSED, FAULT), SUCCESS)
    assert not is_at_rest(opened(), SUCCESS)


def test_what_people_are_told() -> None:
    status = status_of(opened(), RULES, NOW + 10)
    assert (status.phase, status.failures, status.until) == (Phase.OPEN, 5, NOW + 300)
    assert status.cause == "TIMEOUT"
    # However the clock was set, nobody is told of a longer wait than it is.
    assert status_of(opened(), RULES, NOW - 86_400).until == NOW - 86_400 + 300
    assert status_of(CLOSED, RULES, NOW).until is None


OPENED = Breaker(Phase.OPEN, 5, 0, 1, opened_at=900.0, wait_s=300.0, cause="TIMEOUT")


@pytest.mark.parametrize(
    "changes",
    [
        {"opened_at": 1_200.0},
        {"opened_at": -1.0},
        {"opened_at": float("nan")},
        {"probe_at": 1e300},
        {"wait_s": 1e9},
        {"wait_s": -1.0},
        {"wait_s": float("nan")},
        {"failures": -1},
        {"openings": 1 << 62},
        {"successes": 1 << 62},
        {"cause": "x" * 101},
        {"probe": "x" * 101},
    ],
)
def test_what_no_machine_can_have_written_is_told_apart(changes: dict[str, object]) -> None:
    rules = BreakerRules()
    assert is_possible(OPENED, 1_000.0, 120.0, rules)
    assert is_possible(replace(OPENED, opened_at=1_100.0), 1_000.0, 120.0, rules)
    assert not is_possible(replace(OPENED, **changes), 1_000.0, 120.0, rules)  # type: ignore[arg-type]
