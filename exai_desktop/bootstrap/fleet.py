"""Several machines on the same accounts: what they share lies in a Redis (the extra `fleet`)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import uuid
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from exai_desktop.core.claims import ContentClaims
from exai_desktop.core.errors import EngineError
from exai_desktop.core.settings import Settings
from exai_desktop.engine.context import Context
from exai_desktop.storage.redis_claims import FleetClaims, RedisClaims
from exai_desktop.storage.redis_state import RedisStateStore, open_blocking_redis, open_redis
from exai_desktop.storage.redis_turns import RedisTurns


def join_fleet(ctx: Context, url: str, own: ContentClaims, stack: AsyncExitStack) -> None:
    """Breakers, limits and leases of contents are the fleet's from here on.

    Raises INVALID_SETTING for a URL that is none, or without the extra.
    """
    password = os.environ.get("EXAI_DESKTOP_REDIS_PASSWORD")
    redis = open_redis(url, password)
    stack.push_async_callback(redis.aclose)
    blocking = open_blocking_redis(url, password)
    stack.callback(blocking.close)
    loop = asyncio.get_running_loop()

    def on_fleet(error: EngineError | None) -> None:
        """In a reader thread."""
        with suppress(RuntimeError):  # the loop has just ended
            loop.call_soon_threadsafe(lambda: ctx.breakers.on_fleet(error))

    ctx.states = RedisStateStore(redis)
    ctx.open_breakers()
    ctx.turns = RedisTurns(redis)
    ctx.claims = FleetClaims(own, RedisClaims(blocking, own.owner), on_fleet)


def fleet_owner(profile_id: str, settings: Settings) -> str:
    """The same at each start; in a fleet profiles of one name on two machines are two owners."""
    if not settings.redis_url:
        return profile_id
    parts = [platform.node(), f"{uuid.getnode():x}"]
    with suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text(encoding="ascii"))
    machine = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return f"{profile_id}@{machine}"
