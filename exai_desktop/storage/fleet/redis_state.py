"""The states of accounts in a Redis that several machines share (the extra `fleet`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.machine import RunToEnd
from exai_desktop.storage.fleet.sealed import (
    CHANGE,
    FORGED,
    IMPOSSIBLE,
    READ,
    AccountSeal,
    FleetKeys,
    IgnoredValues,
    checked_reply,
)

if TYPE_CHECKING:
    from redis import Redis as BlockingRedis
    from redis.asyncio import Redis
    from redis.credentials import CredentialProvider


T = TypeVar("T")

# Redis is asked before each upload: it must not hold the program up when it is gone.
TIMEOUT_S: Final = 2.0
QUIET_S: Final = 10.0
_TRIES: Final = 50
# Far longer than an account is ever paused.
_STATE_MS: Final = 7 * 86_400_000


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


Password = Callable[[], str | None]


def open_blocking_redis(url: str, password: Password | None = None) -> BlockingRedis:
    """As `open_redis`, which has judged the URL, but for calls in threads."""
    from redis import Redis

    return Redis.from_url(url, **_options(url, password))


def open_redis(url: str, password: Password | None = None) -> Redis:
    """A client; nothing is asked yet. Raises INVALID_SETTING for a URL it does not understand.

    `password` is asked at each new connection, in a thread: it may block.
    """
    from redis.asyncio import Redis

    try:
        return Redis.from_url(url, **_options(url, password))
    except ValueError as error:
        raise EngineError(ErrorCode.INVALID_SETTING, "redis_url is not a Redis address") from error


def _options(url: str, password: Password | None) -> dict[str, Any]:
    # Said here, not left to the library: what it takes for granted has changed between versions.
    secure = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return {
        # Texts stay bytes: what others write need not be UTF-8.
        "decode_responses": False,
        # The greeting of the newer protocol is read without care, and brings us nothing.
        "protocol": 2,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        **({"credential_provider": _credentials(password)} if password is not None else {}),
        **(secure if url.startswith("rediss:") else {}),
    }


def _credentials(password: Password) -> CredentialProvider:
    from redis.credentials import CredentialProvider
    from redis.exceptions import AuthenticationError

    class Asked(CredentialProvider):
        def get_credentials(self) -> Any:
            try:
                given = password()
            except AppError as error:
                raise AuthenticationError(error.code.value) from error
            return (given,) if given else ()

        async def get_credentials_async(self) -> Any:
            return await asyncio.to_thread(self.get_credentials)

    return Asked()


class RedisStateStore:
    """`core.accounts.ports.StateStore` for many machines; FLEET_UNREACHABLE without an answer.

    Keys are `KIND:IDENTITY` with the identity by which the account's seal is known.
    """

    is_shared = True

    def __init__(
        self,
        redis: Redis,
        run_to_end: RunToEnd,
        keys: FleetKeys,
        ignored: IgnoredValues,
        is_possible: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`run_to_end`: the library may lose a cancel. Its time-outs end each request soon."""
        self._run_to_end = run_to_end
        self._keys = keys
        self._ignored = ignored
        self._is_possible = is_possible
        self._pause = FailurePause()
        self._read = redis.register_script(READ)
        self._change = redis.register_script(CHANGE)

    async def load(self, key: str) -> str | None:
        """None, too, as long as the account's API key is not known: then it is only asked
        whether there is an answer."""
        return await self._run_to_end(self._load(self._keys.find(_identity(key)), key))

    async def _load(self, seal: AccountSeal | None, key: str) -> str | None:
        if seal is None:
            checked_reply(await self._ask(self._read), int)
            return None
        name = seal.name("state", key)
        _, found = checked_reply(await self._ask(self._read, name), int, bytes)
        return self._believed(seal, name, found)

    async def _ask(self, script: Any, name: str = "", *args: object) -> Any:
        self._pause.check()
        try:
            return await script(keys=[name] if name else [], args=list(args))
        except failures() as error:
            self._pause.begin()
            raise unreachable(error) from error

    def _believed(self, seal: AccountSeal, name: str, found: bytes) -> str | None:
        if not found:
            return None
        opened = seal.open(name, found)
        if opened is None:
            self._ignored.add("the state of an account", FORGED)
            return None
        text = opened.decode()
        if self._is_possible(text):
            return text
        self._ignored.add("the state of an account", IMPOSSIBLE)
        return None

    async def update(self, key: str, change: Callable[[str | None], tuple[str | None, T]]) -> T:
        return await self._run_to_end(self._update(self._keys.of(_identity(key)), key, change))

    async def _update(
        self, seal: AccountSeal, key: str, change: Callable[[str | None], tuple[str | None, T]]
    ) -> T:
        name = seal.name("state", key)
        _, found = checked_reply(await self._ask(self._read, name), int, bytes)
        for _ in range(_TRIES):
            new, result = change(self._believed(seal, name, found))
            sealed = b"" if new is None else seal.close(name, new.encode())
            reply = await self._ask(self._change, name, found, sealed, _STATE_MS)
            is_done, _, was = checked_reply(reply, int, int, bytes)
            if is_done:
                return result
            found = was  # another machine has changed it first: try again with its value
        raise EngineError(
            ErrorCode.FLEET_UNREACHABLE, "other computers keep changing the same data"
        )


def _identity(key: str) -> str:
    return key.partition(":")[2]


def failures() -> tuple[type[Exception], ...]:
    """What a request to a server may end with."""
    from redis.exceptions import RedisError

    # Beside its own errors the library has these for an answer that no Redis would give.
    return RedisError, OSError, AttributeError, TypeError, ValueError, LookupError


def unreachable(error: Exception) -> EngineError:
    """FLEET_UNREACHABLE for an error of the library."""
    # Not its text: it may contain the URL, and the URL the password.
    return EngineError(ErrorCode.FLEET_UNREACHABLE, type(error).__name__)
