"""Numbers, times and counts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exai_desktop.core.routing.capabilities import ProviderTable

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size_text(size: int) -> str:
    """Decimal units as file managers show them: 1.2 MB."""
    value = float(size)
    unit = 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    if unit == 0:
        return f"{size} B"
    return f"{value:.1f} {_UNITS[unit]}" if value < 99.95 else f"{value:.0f} {_UNITS[unit]}"


def place_text(table: ProviderTable, provider: str, region: str) -> str:
    """A provider and its region: `Kimi, China (api.moonshot.cn)`."""
    info = table.provider(provider)
    place = info.region(region) if info else None
    title = info.title if info else provider
    return f"{title}, {place.title}" if place else title


def exact_size_text(size: int) -> str:
    """The rounded size with the number of bytes."""
    return size_text(size) if size < 1000 else f"{size_text(size)} ({size:,} bytes)"


def speed_text(bytes_per_s: float) -> str:
    """Bytes a second; empty when nothing moves."""
    return f"{size_text(int(bytes_per_s))}/s" if bytes_per_s >= 1 else ""


def duration_text(seconds: float) -> str:
    """A length of time in at most two units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def eta_text(seconds: float | None) -> str:
    """What is left; empty when nobody can know."""
    if seconds is None:
        return ""
    return "almost done" if seconds < 1 else f"{duration_text(seconds)} left"


def percent(done: float, total: float) -> int:
    """0 to 100; 100 only when all is there."""
    if total <= 0:
        return 100 if done > 0 else 0
    return min(100, int(100 * done / total))


def clock_text(at: float, now: float | None = None) -> str:
    """Local time; the day only when it is not today."""
    moment = datetime.fromtimestamp(at, UTC).astimezone()
    today = datetime.fromtimestamp(now, UTC).astimezone() if now else datetime.now(UTC).astimezone()
    if moment.date() == today.date():
        return f"{moment:%H:%M:%S}"
    if moment.date() == (today - timedelta(days=1)).date():
        return f"yesterday {moment:%H:%M}"
    return f"{moment:%Y-%m-%d %H:%M}"


def day_text(at: float, now: float | None = None) -> str:
    """Local time with its day: `Today, 14:19`, `Mon 23 Nov, 09:41`; the year when it is another."""
    moment = datetime.fromtimestamp(at, UTC).astimezone()
    today = datetime.fromtimestamp(now, UTC).astimezone() if now else datetime.now(UTC).astimezone()
    if moment.date() == today.date():
        return f"Today, {moment:%H:%M}"
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year}, {moment:%H:%M}"


def count_text(count: int, one: str, many: str) -> str:
    """`1 file`, `2,000 files`."""
    return f"{count:,} {one if count == 1 else many}"
