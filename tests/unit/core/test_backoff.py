"""Waiting longer each time, and as long as the provider asked."""

import math

from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.accounts.delays import (
    BASE_S,
    CAP_S,
    MAX_RETRY_AFTER_S,
    QUICK_RESENDS,
    QUICK_S,
    resend_delay,
    retry_delay,
)

ATTEMPTS = st.integers(1, 10_000)
CHANCE = st.floats(0, 1, exclude_max=True)


@given(ATTEMPTS, CHANCE)
def test_a_wait_is_never_nothing_and_never_beyond_the_cap(attempt: int, rand: float) -> None:
    assert BASE_S / 2 <= retry_delay(attempt, rand) <= CAP_S


@given(ATTEMPTS, CHANCE)
def test_with_the_same_luck_a_later_attempt_waits_no_less(attempt: int, rand: float) -> None:
    assert retry_delay(attempt + 1, rand) >= retry_delay(attempt, rand)


@given(st.integers(1, 7), CHANCE, CHANCE)
def test_below_the_cap_a_later_attempt_waits_longer_whatever_the_luck(
    attempt: int, one: float, other: float
) -> None:
    assert retry_delay(attempt, one) <= retry_delay(attempt + 1, other)


@given(ATTEMPTS, CHANCE, CHANCE)
def test_luck_spreads_over_at_most_a_factor_of_two(attempt: int, one: float, other: float) -> None:
    assert retry_delay(attempt, one) <= 2 * retry_delay(attempt, other)


@given(ATTEMPTS, CHANCE, st.floats(0.001, MAX_RETRY_AFTER_S))
def test_the_provider_s_wish_is_kept_plus_up_to_a_tenth(
    attempt: int, rand: float, wish: float
) -> None:
    assert wish <= retry_delay(attempt, rand, wish) <= wish * 1.1


@given(CHANCE, st.floats(MAX_RETRY_AFTER_S, 1e18))
def test_a_wish_of_more_than_a_day_is_a_day(rand: float, wish: float) -> None:
    assert MAX_RETRY_AFTER_S <= retry_delay(1, rand, wish) <= MAX_RETRY_AFTER_S * 1.1


@given(ATTEMPTS, CHANCE, st.sampled_from([math.nan, math.inf, -math.inf, -1.0]))
def test_a_senseless_wish_is_no_wish(attempt: int, rand: float, wish: float) -> None:
    assert retry_delay(attempt, rand, wish) == retry_delay(attempt, rand)


@given(ATTEMPTS, CHANCE)
def test_a_provider_that_says_at_once_is_not_hammered(attempt: int, rand: float) -> None:
    assert retry_delay(attempt, rand, 0.0) >= BASE_S / 2


@given(st.integers(1, QUICK_RESENDS - 1), CHANCE, CHANCE)
def test_a_body_that_was_cut_goes_again_soon_and_each_time_later(
    attempt: int, one: float, other: float
) -> None:
    assert QUICK_S / 2 <= resend_delay(1, one) <= QUICK_S
    assert resend_delay(attempt, one) <= resend_delay(attempt + 1, other)


@given(ATTEMPTS, CHANCE)
def test_a_line_that_cuts_everything_is_not_hammered(attempt: int, rand: float) -> None:
    assert resend_delay(QUICK_RESENDS + attempt, rand) == retry_delay(attempt, rand)
