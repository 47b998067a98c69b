"""What providers tell of their limits in headers, in all the ways seen."""

from __future__ import annotations

import pytest

from exai_desktop.net.account_client import MAX_RATE_LIMIT_S, rate_limit_wait

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "30"}, 0.0),
        ({"x-ratelimit-remaining": "0"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30.0),
        ({"ratelimit-remaining": " 0 ", "ratelimit-reset": "7.5"}, 7.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2s"}, 62.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "250ms"}, 0.25),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOW + 20:.0f}"}, 20.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOW - 20:.0f}"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "86400"}, MAX_RATE_LIMIT_S),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "-5"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 400}, MAX_RATE_LIMIT_S),
        ({"x-ratelimit-remaining": "none", "x-ratelimit-reset": "30"}, 0.0),
    ],
)
def test_the_wait_a_provider_tells(headers: dict[str, str], seconds: float) -> None:
    assert rate_limit_wait(headers, NOW) == pytest.approx(seconds)
