"""Turns shared by machines, in a Redis: a log of the last ones, by the clock of the Redis.

Each entry is sealed with its time. Only who gets no turn looks at them, as they were when it was
refused: a moment later others may have left. What strangers have written there is taken out, and
if it comes back, the machine goes by its own limit alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
# Whether it was done (-1: it came too late), the wait, how many entries were impossible, how many
# there are, and the entries themselves where there was no turn and they are wanted.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most, window, at, tolerance, shown = unpack(ARGV, 2)
most, window = tonumber(most), tonumber(window)
if math.abs(now - tonumber(at)) > tonumber(tolerance) then
    return {-1, 0, 0, 0, {}}
end
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
    return {1, 0, bad, count, {}}
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
local leaves = redis.call('ZRANGE', KEYS[1], count - most, count - most, 'WITHSCORES')[2]
local wait, entries = math.max(1, math.min(window, tonumber(leaves) + window - now)), {}
if count <= tonumber(shown) then
    entries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
end
return {0, wait, bad, count, entries}
"""


@dataclass(frozen=True, slots=True)
class _Answer:
    """`wait_s` 0: the turn is ours. `entries`: names and times in turn, if they were wanted."""

    wait_s: float
    count: int = 0
    entries: Sequence[bytes] = ()


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
            is_due = time.monotonic() - log.looked_at > window_s / 10
            looks = is_due or log.strikes > 0
            answer = await self._ask(seal, name, most, window_s, looks=looks)
            if answer.wait_s <= 0:
                return 0.0
            if not looks:
                return answer.wait_s
            log.looked_at = time.monotonic()
            if await self._genuine(seal, name, answer) >= most:
                log.strikes = 0
                return answer.wait_s
            log.strikes += 1
            if log.strikes >= _STRIKES:
                break
        return 0.0

    async def _ask(
        self, seal: AccountSeal, name: str, most: int, window_s: float, *, looks: bool
    ) -> _Answer:
        window, shown = round(window_s * 1_000_000), _LARGEST_LOG if looks else -1
        for _ in range(2):
            seconds, micros = checked_reply([*await self._redis.time()], int, int)
            at = seconds * 1_000_000 + micros
            entry = seal.close(name, f"{at} {secrets.token_hex(8)}".encode())
            arguments = [entry, most, window, at, _TOLERANCE_US, shown]
            reply = await self._script(keys=[name], args=arguments)
            done, wait, bad, count, entries = checked_reply(reply, int, int, int, int, list)
            if bad:
                self._ignored.add("a turn", FORGED, bad)
            if done > 0:
                return _Answer(0.0)
            if done == 0:
                checked_reply(entries, *[bytes] * (len(entries) // 2 * 2))
                return _Answer(min(window_s, wait / 1_000_000), count, entries)
        raise TimeoutError  # its answers take seconds

    async def _genuine(self, seal: AccountSeal, name: str, answer: _Answer) -> int:
        """How many are ours; the others are taken out."""
        if answer.count > _LARGEST_LOG:
            await self._redis.delete(name)
            self._ignored.add("a turn", FORGED, _LARGEST_LOG)
            return 0
        pairs = zip(answer.entries[::2], answer.entries[1::2], strict=True)
        forged = [entry for entry, score in pairs if not _is_genuine(seal, name, entry, score)]
        if forged:
            await self._redis.zrem(name, *forged)
            self._ignored.add("a turn", FORGED, len(forged))
        return answer.count - len(forged)


def _is_genuine(seal: AccountSeal, name: str, entry: bytes, score: bytes) -> bool:
    text = seal.open(name, entry)
    try:
        return text is not None and abs(int(text.split()[0]) - float(score)) <= _TOLERANCE_US
    except ValueError:
        return False  # it is no number: what answers is no Redis
