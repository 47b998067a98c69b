"""Quiet hours, and the settings of the window."""

import pytest
from pydantic import ValidationError

from exai_desktop.core.settings import Settings
from exai_desktop.core.settings.window import WINDOW_SETTINGS, is_quiet


@pytest.mark.parametrize(
    ("hours", "time", "quiet"),
    [
        ("", "12:00", False),
        ("18:00-20:00", "17:59", False),
        ("18:00-20:00", "18:00", True),
        ("18:00-20:00", "19:59", True),
        ("18:00-20:00", "20:00", False),
        ("22:00-07:00", "23:59", True),
        ("22:00-07:00", "00:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("22:00-07:00", "12:00", False),
        ("08:00-08:00", "08:00", False),
    ],
)
def test_quiet_hours_may_pass_midnight(hours: str, time: str, quiet: bool) -> None:
    assert is_quiet(hours, int(time[:2]) * 60 + int(time[3:])) is quiet


@pytest.mark.parametrize("hours", ["22-07", "24:00-07:00", "22:60-07:00", "22:00-07:00 ", "always"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        Settings(quiet_hours=hours)


def test_the_settings_of_the_window_are_settings() -> None:
    assert set(Settings.model_fields) >= WINDOW_SETTINGS
    assert Settings().on_close == "ask"
    assert not Settings().start_at_login
