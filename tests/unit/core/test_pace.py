"""When the next upload may begin under a limit of so many a minute."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.accounts.delays import WINDOW_S, wait_s


def test_up_to_the_limit_nobody_waits_and_the_next_one_waits_for_the_first() -> None:
    assert [wait_s((), 3, count, 1000.0) for count in (1, 2, 3, 4, 6, 7)] == [0, 0, 0, 60, 60, 120]


def test_what_has_begun_counts_until_it_leaves_the_window() -> None:
    begun = (900.0, 950.0, 970.0, 990.0)
    assert wait_s(begun, 3, 1, 1000.0) == 10.0
    assert wait_s(begun, 3, 2, 1000.0) == 30.0
    assert wait_s(begun, 3, 4, 1000.0) == 70.0
    assert wait_s(begun, 4, 1, 1000.0) == 0.0


def test_a_lowered_limit_looks_at_the_last_ones_only() -> None:
    assert wait_s((950.0, 970.0, 990.0), 2, 1, 1000.0) == 30.0


@given(
    st.lists(st.floats(0, 100), max_size=8).map(sorted),
    st.integers(1, 5),
    st.integers(1, 30),
)
def test_done_one_by_one_it_comes_to_the_same(
    begun: list[float], per_minute: int, count: int
) -> None:
    """And no window of a minute ever holds more than it may, from now on."""
    now, starts = 100.0, list(begun)
    for _ in range(count):
        at = now + wait_s(starts, per_minute, 1, now)
        starts.append(at)
        now = at
        since = at - WINDOW_S + 1e-6
        held = [moment for moment in starts if since < moment <= at]
        assert len(held) <= max(per_minute, len([m for m in begun if since < m]))
    expected = 100.0 + wait_s(begun, per_minute, count, 100.0)
    assert abs(expected - starts[-1]) < 1e-6
