"""What each upload costs before it begins: the route, the breaker, the limit, the health."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.figures import Bar, Figure, Scale, spread
from benchmarks.server import Server
from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.health import Check
from exai_desktop.core.routing.routing import Wish, choose
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.breakers import Breakers
from exai_desktop.engine.accounts.health import Health
from exai_desktop.engine.accounts.limiter import Limiter
from exai_desktop.engine.waiting import SystemClock

T = TypeVar("T")

TIMES: Final = 2_000
ACCOUNTS: Final = tuple(
    Account(f"account {number}", provider, region, "https://provider.invalid/v1", order=number)
    for number, (provider, region) in enumerate(
        (("glm", "zai"), ("glm", "bigmodel"), ("kimi", "intl"), ("kimi", "cn"))
    )
)


class _Memory:
    """A store nobody has to wait for: one that is well is not asked."""

    is_shared = False

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    async def load(self, key: str) -> str | None:
        return self._texts.get(key)

    async def update(self, key: str, change: Callable[[str | None], tuple[str | None, T]]) -> T:
        new, result = change(self._texts.get(key))
        if new is not None:
            self._texts[key] = new
        return result


def measure(scale: Scale, _server: Server, _folder: Path) -> Iterator[Figure]:
    """Four accounts; the first two do not take the file, so that all are looked at."""
    rounds = []
    for number in range(scale.rounds + 1):
        scale.patience.wait()
        took_ms = asyncio.run(_round()) * 1000 / TIMES
        if number > 0:
            rounds.append(took_ms)
    yield Figure(
        "Breaker, routing, limit and health, each upload",
        statistics.median(rounds),
        "ms",
        1.0,
        Bar.BELOW,
        f"{spread(rounds, 3)}; four accounts",
    )


async def _round() -> float:
    table, clock = load_provider_table(), SystemClock()
    breakers = Breakers(_Memory(), clock, Settings(), lambda: 0.5, str)
    limiter, health = Limiter(60_000, clock), Health(clock, None)
    names = [account.name for account in ACCOUNTS]
    began = time.perf_counter()
    for _ in range(TIMES):
        wish = Wish(allow_fallback=True)
        route = choose("notes.mobi", 10_240, wish, ACCOUNTS, table, paused=breakers.paused(names))
        permit = await breakers.admit(route.account.name)
        limiter.wait_s()
        await limiter.acquire()
        health.note(route.account.name, Check.UPLOAD, 0.1, None, fault=False)
        await breakers.record(permit, breakers.verdict(route.account.name, None))
    return time.perf_counter() - began
