"""Several machines on the same accounts: what they share lies in a Redis (the extra `fleet`)."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import platform
import tempfile
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from exai_desktop.config.paths import Places
from exai_desktop.core.accounts.ports import SharedTurns, StateStore
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import ContentClaims
from exai_desktop.core.settings import Settings
from exai_desktop.engine.waiting import uninterrupted
from exai_desktop.storage.database import Database
from exai_desktop.storage.fleet.content_locks import ContentLocks
from exai_desktop.storage.fleet.redis_claims import FleetClaims, RedisClaims
from exai_desktop.storage.fleet.redis_state import RedisStateStore, open_blocking_redis, open_redis
from exai_desktop.storage.fleet.redis_turns import RedisTurns
from exai_desktop.storage.record.account_states import SqliteStateStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """This profile's own, or the fleet's; one machine needs no turns."""

    states: StateStore
    claims: ContentClaims
    turns: SharedTurns | None = None


def shared_parts(
    where: Places,
    profile_id: str,
    settings: Settings,
    database: Database,
    stack: AsyncExitStack,
    on_fleet: Callable[[EngineError | None], object],
) -> Shared:
    """`on_fleet` is told, in the loop, whether the Redis answers.

    Raises INVALID_SETTING for a URL that is none, or without the extra.
    """
    owner = _fleet_owner(profile_id) if settings.redis_url else profile_id
    own = ContentLocks(_notes_folder(where, settings), owner)
    if not settings.redis_url:
        return Shared(SqliteStateStore(database), own)
    password = os.environ.get("EXAI_DESKTOP_REDIS_PASSWORD")
    redis = open_redis(settings.redis_url, password)
    stack.push_async_callback(redis.aclose)
    blocking = open_blocking_redis(settings.redis_url, password)
    stack.callback(blocking.close)
    loop = asyncio.get_running_loop()

    def from_thread(error: EngineError | None) -> None:
        with suppress(RuntimeError):  # the loop has just ended
            loop.call_soon_threadsafe(on_fleet, error)

    claims = FleetClaims(own, RedisClaims(blocking, owner), from_thread)
    states, turns = RedisStateStore(redis, uninterrupted), RedisTurns(redis, uninterrupted)
    return Shared(states, claims, turns)


def _notes_folder(where: Places, settings: Settings) -> Path:
    """Where all profiles of this user meet; the profile itself where that cannot be written."""
    wanted = Path(settings.shared_folder) / "contents" if settings.shared_folder else None
    folder = wanted or where.shared_locks
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        log.warning("the folder that profiles share cannot be written: %s", error.strerror)
        return where.data / "contents"


def _fleet_owner(profile_id: str) -> str:
    """The same at each start; profiles of one name on two machines are two owners."""
    parts = [platform.node(), f"{uuid.getnode():x}"]
    with suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text(encoding="ascii"))
    machine = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return f"{profile_id}@{machine}"
