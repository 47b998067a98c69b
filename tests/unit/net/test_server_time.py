"""The provider's time, when our own clock is set between its answer and our question."""

from __future__ import annotations

import time

import pytest

from exai_desktop.net.account_client import ServerClock


def test_before_its_first_word_nothing_is_known() -> None:
    assert ServerClock().offset_s is None


def test_a_server_ten_minutes_ahead() -> None:
    there = ServerClock()
    there.set(time.time() + 600)
    assert there.offset_s == pytest.approx(600, abs=0.5)


@pytest.mark.parametrize("jump_s", [-86_400.0, -600.0, 600.0, 86_400.0])
def test_our_clock_set_afterwards_is_noticed(
    monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    there = ServerClock()
    there.set(time.time())
    now = time.time
    # An edge of the operating system: nobody but root may set the clock.
    monkeypatch.setattr(time, "time", lambda: now() + jump_s)
    assert there.offset_s == pytest.approx(-jump_s, abs=0.5)
