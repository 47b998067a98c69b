"""Bytes, speed and time left, whatever the clock and the network do."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.jobs.jobs import Meter

MIB = 1024 * 1024

# Steps of time may be nothing, tiny, hours, or (a clock that is not what it should be) negative.
STEPS = st.tuples(st.integers(-5 * MIB, 50 * MIB), st.floats(-10, 100_000))


@given(st.integers(0, 10**12), st.lists(STEPS, max_size=40))
def test_no_sequence_of_steps_gives_a_senseless_figure(
    total: int, steps: list[tuple[int, float]]
) -> None:
    meter, done, at, best = Meter(total, 0.0), 0, 0.0, 0
    for more, passed in steps:
        done, at = done + more, at + passed
        meter.advance(done, at)
        best = max(best, done)
        assert meter.done == best
        assert 0 <= meter.speed(at) < math.inf
        eta = meter.eta_s(at)
        assert eta is None or 0 <= eta < math.inf


def _steady(meter: Meter, speed: int, seconds: int) -> None:
    for tick in range(1, seconds * 10 + 1):
        meter.advance(speed * tick // 10, tick / 10)


def test_a_steady_line_is_measured_as_it_is() -> None:
    meter = Meter(100 * MIB, 0.0)
    _steady(meter, 2 * MIB, 10)
    assert meter.speed(10.0) == pytest.approx(2 * MIB, rel=0.01)
    assert meter.eta_s(10.0) == pytest.approx(40, rel=0.01)


def test_nothing_is_promised_before_anything_was_measured() -> None:
    meter = Meter(100, 0.0)
    assert (meter.speed(5.0), meter.eta_s(5.0)) == (0.0, None)


def test_blocks_within_a_blink_give_no_fantastic_speed() -> None:
    meter = Meter(100 * MIB, 0.0)
    meter.advance(MIB, 0.000_001)
    meter.advance(2 * MIB, 0.000_002)
    assert meter.speed(0.000_002) == 0
    meter.advance(3 * MIB, 1.0)
    assert meter.speed(1.0) == pytest.approx(3 * MIB)


def test_the_speed_fades_when_nothing_moves_and_the_eta_is_given_up() -> None:
    meter = Meter(100 * MIB, 0.0)
    _steady(meter, 1000, 5)
    speeds = [meter.speed(at) for at in (5.0, 10.0, 60.0, 3_600.0)]
    assert speeds == sorted(speeds, reverse=True)
    assert meter.eta_s(3_600.0) is None


def test_the_speed_follows_a_line_that_has_become_slower() -> None:
    meter = Meter(1000 * MIB, 0.0)
    _steady(meter, 10 * MIB, 10)
    for tick in range(1, 301):
        meter.advance(100 * MIB + MIB * tick // 10, 10 + tick / 10)
    assert meter.speed(40.0) == pytest.approx(MIB, rel=0.05)


def test_at_the_end_no_time_is_left_even_if_more_came_than_announced() -> None:
    meter = Meter(1000, 0.0)
    meter.advance(1500, 1.0)
    assert meter.eta_s(1.0) == 0
