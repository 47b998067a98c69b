"""Turns shared by machines, in a Redis: a log of the last ones, by the clock of the Redis."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from exai_desktop.core.machine import RunToEnd
from exai_desktop.storage.fleet.redis_state import PREFIX, FailurePause, unreachable

if TYPE_CHECKING:
    from redis.asyncio import Redis


# One step, so that no two machines see the same free turn. Microseconds; scores are exact to them.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local count = redis.call('ZCARD', KEYS[1])
if count < most then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[3])
    redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
    return 0
end
local leaves = redis.call('ZRANGE', KEYS[1], count - most, count - most, 'WITHSCORES')[2]
return math.max(1, tonumber(leaves) + window - now)
"""


class RedisTurns:
    def __init__(self, redis: Redis, run_to_end: RunToEnd) -> None:
        """`run_to_end`: see `RedisStateStore`."""
        self._script = redis.register_script(_TAKE)
        self._run_to_end = run_to_end
        self._pause = FailurePause()

    async def take(self, key: str, most: int, window_s: float) -> float:
        return await self._run_to_end(self._take(key, most, window_s))

    async def _take(self, key: str, most: int, window_s: float) -> float:
        from redis.exceptions import RedisError

        self._pause.check()
        window = round(window_s * 1_000_000)
        try:
            wait = await self._script(
                keys=[f"{PREFIX}turns:{key}"], args=[most, window, secrets.token_hex(8)]
            )
        except (RedisError, OSError) as error:
            self._pause.begin()
            raise unreachable(error) from error
        return int(wait) / 1_000_000
