"""What the user may set about the window, and about what it does while it is closed."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

_TIME: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"


class WindowSettings(BaseModel):
    """What the window does, and what it does while it is closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on_close: Literal["ask", "keep_running", "quit"] = Field(
        default="ask",
        description="What happens when you close the window: ask, keep the program running"
        " (`keep_running`: in the tray, or minimised where there is no tray), or quit. Takes effect"
        " immediately.",
    )
    start_at_login: bool = Field(
        default=False,
        description="Start the program when you log in: in the tray, or minimised where there is no"
        " tray. Takes effect immediately.",
    )
    tray_icon: Literal["auto", "light", "dark", "off"] = Field(
        default="auto",
        description="Icon in the tray: for a panel of the system's colours (`auto`), for a `light`"
        " or `dark` panel, or no icon (`off`). Takes effect immediately.",
    )
    list_order: Literal["newest", "sending"] = Field(
        default="newest",
        description="Order of the queue in the window: the newest files on top, or the files that"
        " are being sent, then those that are next (`sending`). Takes effect immediately.",
    )
    notifications: Literal["all", "problems", "off"] = Field(
        default="all",
        description="Notifications of the desktop while the window is not in use: finished uploads"
        " and problems, only problems, or none. Takes effect immediately.",
    )
    notify_file_names: bool = Field(
        default=True,
        description="Show file names in notifications and in the menu of the tray. Takes effect"
        " immediately.",
    )
    update_check: bool = Field(
        default=False,
        description="Ask once a day where the project publishes its releases whether there is a"
        " newer version. Nothing about you or your files is sent, and nothing is installed. Takes"
        " effect within an hour.",
    )
    update_address: str = Field(
        default="",
        pattern=r"^(https://[^\s?#@]{1,2000}|http://127\.0\.0\.1:[0-9]{1,5}/[^\s?#@]{0,2000})?$",
        description="Where the signed list of versions is, for example in a company's network;"
        " empty: where the project publishes it. It has to be signed by the project in any case.",
    )
    quiet_hours: str = Field(
        default="",
        pattern=rf"^({_TIME}-{_TIME})?$",
        description="Time of day without notifications, for example 22:00-07:00; empty: none. Takes"
        " effect immediately.",
    )


WINDOW_SETTINGS: Final = frozenset(WindowSettings.model_fields)


def is_quiet(hours: str, minute: int) -> bool:
    """Whether a minute of the day (0 to 1439) lies in `quiet_hours`; these may pass midnight."""
    if not hours:
        return False
    start, end = (int(time[:2]) * 60 + int(time[3:]) for time in hours.split("-"))
    if start <= end:
        return start <= minute < end
    return minute >= start or minute < end
