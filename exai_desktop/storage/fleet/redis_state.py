"""The states of accounts in a Redis that several machines share (the extra `fleet`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import RunToEnd

if TYPE_CHECKING:
    from redis import Redis as BlockingRedis
    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline


T = TypeVar("T")

PREFIX: Final = "exai-desktop:"

# Redis is asked before each upload: it must not hold the program up when it is gone.
TIMEOUT_S: Final = 2.0
QUIET_S: Final = 10.0
_TRIES: Final = 50


class FailurePause:
    """After a failure Redis is not asked for some seconds: each request may cost its time-out."""

    def __init__(self) -> None:
        self._until = 0.0

    def begin(self) -> None:
        self._until = time.monotonic() + QUIET_S

    def check(self) -> None:
        """Raises FLEET_UNREACHABLE during the pause."""
        if time.monotonic() < self._until:
            raise EngineError(ErrorCode.FLEET_UNREACHABLE, "it did not answer the last request")


def open_blocking_redis(url: str, password: str | None = None) -> BlockingRedis:
    """As `open_redis`, which has judged the URL, but for calls in threads."""
    from redis import Redis

    return Redis.from_url(
        url,
        password=password,
        decode_responses=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )


def open_redis(url: str, password: str | None = None) -> Redis:
    """A client; nothing is asked yet. Raises INVALID_SETTING for a URL it does not understand."""
    try:
        from redis.asyncio import Redis
    except ImportError as error:
        raise EngineError(
            ErrorCode.INVALID_SETTING,
            "redis_url needs the package extra fleet, which is not installed",
        ) from error
    try:
        return Redis.from_url(
            url,
            password=password,
            decode_responses=True,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
    except ValueError as error:
        raise EngineError(ErrorCode.INVALID_SETTING, "redis_url is not a Redis address") from error


class RedisStateStore:
    """`core.accounts.ports.StateStore` for many machines; FLEET_UNREACHABLE without an answer."""

    is_shared = True

    def __init__(self, redis: Redis, run_to_end: RunToEnd) -> None:
        """`run_to_end`: the library may lose a cancel. Its time-outs end each request soon."""
        self._redis = redis
        self._run_to_end = run_to_end
        self._pause = FailurePause()

    async def load(self, key: str) -> str | None:
        return await self._run_to_end(self._load(key))

    async def _load(self, key: str) -> str | None:
        from redis.exceptions import RedisError

        self._pause.check()
        try:
            return _as_text(await self._redis.get(PREFIX + key))
        except (RedisError, OSError) as error:
            self._pause.begin()
            raise unreachable(error) from error

    async def update(self, key: str, change: Callable[[str | None], tuple[str | None, T]]) -> T:
        return await self._run_to_end(self._update(key, change))

    async def _update(self, key: str, change: Callable[[str | None], tuple[str | None, T]]) -> T:
        from redis.exceptions import RedisError, WatchError

        self._pause.check()
        try:
            for _ in range(_TRIES):
                async with self._redis.pipeline(transaction=True) as pipe:
                    try:
                        return await _once(pipe, PREFIX + key, change)
                    except WatchError:
                        continue  # another machine has changed it first: try again with its value
        except (RedisError, OSError) as error:
            self._pause.begin()
            raise unreachable(error) from error
        raise EngineError(
            ErrorCode.FLEET_UNREACHABLE, "other computers keep changing the same data"
        )


async def _once(
    pipe: Pipeline, key: str, change: Callable[[str | None], tuple[str | None, T]]
) -> T:
    await pipe.watch(key)
    new, result = change(_as_text(await pipe.get(key)))
    pipe.multi()  # type: ignore[no-untyped-call]
    if new is None:
        pipe.delete(key)
    else:
        pipe.set(key, new)
    await pipe.execute()
    return result


def _as_text(value: bytes | str | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def unreachable(error: Exception) -> EngineError:
    """FLEET_UNREACHABLE for an error of the library."""
    # Not its text: it may contain the URL, and the URL the password.
    return EngineError(ErrorCode.FLEET_UNREACHABLE, type(error).__name__)
