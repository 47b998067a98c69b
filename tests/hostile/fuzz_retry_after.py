"""Broken Retry-After headers: a waiting time of 0 to 24 h comes out, or none."""

from datetime import UTC, datetime
from email.utils import format_datetime

from exai_desktop.net.account_client import MAX_RETRY_AFTER_S, parse_retry_after

from . import mutation

_NOW = 1_790_000_000.0
_WORDS = tuple(
    word.encode()
    for word in (
        *("0", "9" * 12, "9" * 400, "-1", "+1", "1e9", "nan", "inf", "0x10", "1_0", ".", "\u0661"),
        *(
            "Mon, ",
            "31 Feb ",
            "99 Jan ",
            "00:00:60",
            "24:61:61",
            " GMT",
            " +9999",
            " -0000",
            " EST",
        ),
        *("0001", "9999", "99999", "\0", "\r\n", "\t", ",", ";", "(", '"', "<", "[", "="),
    )
)


def starts() -> list[bytes]:
    """The header as servers write it, and the errors they make."""
    date = datetime.fromtimestamp(_NOW + 90, UTC)
    forms = [
        *("120", "0", "1.5", "86401", "-5", "", " 7 ", "soon"),
        format_datetime(date, usegmt=True),
        format_datetime(date),
        date.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        date.strftime("%a %b %d %H:%M:%S %Y"),
        date.isoformat(),
        "Tue, 01 Jan 0001 00:00:00 +2359",
        "Fri, 31 Dec 9999 23:59:59 -2359",
    ]
    return [form.encode() for form in forms]


def check(data: bytes) -> None:
    """As httpx hands it over: latin-1, or UTF-8 where it is that."""
    for text in (data.decode("latin-1"), data.decode("utf-8", "replace")):
        wait = parse_retry_after(text, _NOW)
        assert wait is None or 0.0 <= wait <= MAX_RETRY_AFTER_S, (text, wait)


def run(seconds: float, number: int) -> int:
    return mutation.run(check, starts(), _WORDS, seconds, number)
