"""Turns shared by machines, in a Redis: a log of the last ones, by the clock of the Redis.

Each entry is sealed with its time. Only who gets no turn looks at them: what others have written
there is taken out, and if it comes back, the machine goes by its own limit alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exai_desktop.core.machine import RunToEnd
from exai_desktop.storage.fleet.redis_state import FailurePause, failures, unreachable
from exai_desktop.storage.fleet.sealed import (
    FORGED,
    AccountSeal,
    FleetKeys,
    IgnoredValues,
    checked_reply,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis


# An entry is sealed before it is written: so far its time may be from that of the writing.
_TOLERANCE_US: Final = 5_000_000
# More than any limit of an account.
_LARGEST_LOG: Final = 100_000
# After so many the machine goes by its own limit.
_STRIKES: Final = 2

# One step, so that no two machines see the same free turn. Microseconds; scores are exact to them.
# Whether it was done (-1: it came too late), the wait, and how many entries were impossible.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most, window, at, tolerance = unpack(ARGV, 2)
most, window = tonumber(most), tonumber(window)
if math.abs(now - tonumber(at)) > tonumber(tolerance) then return {-1, 0, 0} end
local kind, bad = redis.call('TYPE', KEYS[1])['ok'], 0
if kind ~= 'zset' and kind ~= 'none' then
    redis.call('DEL', KEYS[1])
    bad = 1
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
bad = bad + redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
local count = redis.call('ZCARD', KEYS[1])
if count < most then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
    redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
    return {1, 0, bad}
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
local leaves = redis.call('ZRANGE', KEYS[1], count - most, count - most, 'WITHSCORES')[2]
return {0, math.max(1, math.min(window, tonumber(leaves) + window - now)), bad}
"""


@dataclass(slots=True)
class _Log:
    """What is known of one account's log."""

    looked_at: float = float("-inf")
    # How often in a row there was no turn, and too few genuine entries to say why.
    strikes: int = 0


class RedisTurns:
    def __init__(
        self, redis: Redis, run_to_end: RunToEnd, keys: FleetKeys, ignored: IgnoredValues
    ) -> None:
        """`run_to_end`: see `RedisStateStore`."""
        self._redis = redis
        self._script = redis.register_script(_TAKE)
        self._run_to_end = run_to_end
        self._keys = keys
        self._ignored = ignored
        self._pause = FailurePause()
        self._logs: dict[str, _Log] = {}

    async def take(self, key: str, most: int, window_s: float) -> float:
        seal = self._keys.of(key)
        return await self._run_to_end(self._take(seal, seal.name("turns", key), most, window_s))

    async def _take(self, seal: AccountSeal, name: str, most: int, window_s: float) -> float:
        self._pause.check()
        try:
            return await self._turn(seal, name, most, window_s)
        except failures() as error:
            self._pause.begin()
            raise unreachable(error) from error

    async def _turn(self, seal: AccountSeal, name: str, most: int, window_s: float) -> float:
        log = self._logs.setdefault(name, _Log())
        for _ in range(_STRIKES + 1):
            wait_s = await self._ask(seal, name, most, window_s)
            if wait_s <= 0:
                return 0.0
            is_due = time.monotonic() - log.looked_at > window_s / 10
            if not is_due and not log.strikes:
                return wait_s
            log.looked_at = time.monotonic()
            if await self._cleaned(seal, name) >= most:
                log.strikes = 0
                return wait_s
            log.strikes += 1
            if log.strikes >= _STRIKES:
                break
        return 0.0

    async def _ask(self, seal: AccountSeal, name: str, most: int, window_s: float) -> float:
        """0.0: the turn is ours."""
        window = round(window_s * 1_000_000)
        for _ in range(2):
            seconds, micros = checked_reply([*await self._redis.time()], int, int)
            at = seconds * 1_000_000 + micros
            entry = seal.close(name, f"{at} {secrets.token_hex(8)}".encode())
            reply = await self._script(keys=[name], args=[entry, most, window, at, _TOLERANCE_US])
            done, wait, bad = checked_reply(reply, int, int, int)
            if bad:
                self._ignored.add("a turn", FORGED, bad)
            if done >= 0:
                return 0.0 if done else min(window_s, wait / 1_000_000)
        raise TimeoutError  # its answers take seconds

    async def _cleaned(self, seal: AccountSeal, name: str) -> int:
        """Take out what is not ours, and count what is."""
        if await self._redis.zcard(name) > _LARGEST_LOG:
            await self._redis.delete(name)
            self._ignored.add("a turn", FORGED, _LARGEST_LOG)
            return 0
        found: Any = await self._redis.zrange(name, 0, -1, withscores=True)
        entries: Sequence[tuple[bytes, float]] = found
        forged = [entry for entry, score in entries if not _is_genuine(seal, name, entry, score)]
        if forged:
            await self._redis.zrem(name, *forged)
            self._ignored.add("a turn", FORGED, len(forged))
        return len(entries) - len(forged)


def _is_genuine(seal: AccountSeal, name: str, entry: bytes, score: Any) -> bool:
    text = seal.open(name, entry)
    return text is not None and abs(int(text.split()[0]) - score) <= _TOLERANCE_US
