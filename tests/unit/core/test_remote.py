"""What lies at the providers: the values about it."""

import pytest

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.copies.queries import DAY_S, LISTED, days_left


@pytest.mark.parametrize(
    ("expires_in", "left"),
    [(180 * DAY_S, 180), (DAY_S - 1, 0), (DAY_S, 1), (0, 0), (-5 * DAY_S, 0)],
)
def test_whole_days_are_left(expires_in: float, left: int) -> None:
    assert days_left(1_000.0 + expires_in, 1_000.0) == left


def test_what_is_kept_for_ever_has_no_countdown() -> None:
    assert days_left(None, 1_000.0) is None


def test_a_list_leaves_out_what_was_deleted_and_nothing_else() -> None:
    assert set(LISTED) == set(CopyState) - {CopyState.DELETED}
