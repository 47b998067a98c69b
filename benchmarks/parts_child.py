"""Child process: single parts of the engine, without a profile.

Started by `benchmarks.child.running`; not for use by hand.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from benchmarks.child import answer
from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.health import Check
from exai_desktop.core.routing.routing import Wish, choose
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.health import Breakers, Health
from exai_desktop.engine.accounts.timing import Limiter
from exai_desktop.engine.files.open_file import hash_file, open_regular
from exai_desktop.engine.waiting import SystemClock

T = TypeVar("T")

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


def _hash(order: dict[str, Any]) -> float:
    start = time.perf_counter()
    file = open_regular(order["path"])
    hash_file(file, lambda _: None, lambda: False)
    file.close()
    return time.perf_counter() - start


def _decide(order: dict[str, Any]) -> float:
    return asyncio.run(_decisions(order["times"]))


async def _decisions(times: int) -> float:
    """The first two of four accounts do not take the file, so that all are looked at."""
    table, clock = load_provider_table(), SystemClock()
    breakers = Breakers(_Memory(), clock, Settings(), lambda: 0.5, str)
    limiter, health = Limiter(60_000, clock), Health(clock, None)
    names = [account.name for account in ACCOUNTS]
    began = time.perf_counter()
    for _ in range(times):
        wish = Wish(allow_fallback=True)
        route = choose("notes.mobi", 10_240, wish, ACCOUNTS, table, paused=breakers.paused(names))
        permit = await breakers.admit(route.account.name)
        limiter.wait_s()
        await limiter.acquire()
        health.note(route.account.name, Check.UPLOAD, 0.1, None, fault=False)
        await breakers.record(permit, breakers.verdict(route.account.name, None))
    return time.perf_counter() - began


_ORDERS: Final = {"hash": _hash, "decide": _decide}

if __name__ == "__main__":
    for line in sys.stdin:
        given = json.loads(line)
        answer(took=_ORDERS[given["order"]](given))
