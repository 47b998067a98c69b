"""What another machine may have noted of a content, and what nobody can have."""

from __future__ import annotations

import pytest

from exai_desktop.core.jobs.claims import Claim, is_possible

NOW = 1_800_000_000.0


def claim(at: float = NOW, size: int = 3) -> Claim:
    return Claim(owner="one", sent_name="a.txt", size=size, at=at)


@pytest.mark.parametrize("at", [0.0, NOW - 1e6, NOW, NOW + 119.0])
def test_a_note_of_now_or_before_is_possible(at: float) -> None:
    assert is_possible(claim(at), NOW, 120.0)


@pytest.mark.parametrize("at", [-1.0, NOW + 121.0, float("inf"), float("nan")])
def test_a_note_from_the_future_or_without_a_time_is_not(at: float) -> None:
    assert not is_possible(claim(at), NOW, 120.0)


def test_no_file_is_so_large() -> None:
    assert is_possible(claim(size=1 << 40), NOW, 120.0)
    assert not is_possible(claim(size=1 << 51), NOW, 120.0)
