"""Several machines on the same accounts: what they share lies in a Redis (the extra `fleet`), or,
without one, which content each sends in the Supabase project of the user who is signed in.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import platform
import tempfile
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from exai_desktop.bootstrap.profile_secrets import OpenedSecrets
from exai_desktop.config.address_passwords import redis_password
from exai_desktop.config.paths import Places
from exai_desktop.core.accounts import health
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.ports import SharedTurns, StateStore
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.jobs.claims import ContentClaims
from exai_desktop.core.mirror.claims import ClaimServer
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.health import breaker_rules
from exai_desktop.engine.accounts.identity import identity_of
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.waiting import SystemClock, uninterrupted
from exai_desktop.storage.database import Database
from exai_desktop.storage.fleet.content_locks import ContentLocks
from exai_desktop.storage.fleet.fleet_claims import FleetClaims
from exai_desktop.storage.fleet.redis_claims import RedisClaims
from exai_desktop.storage.fleet.redis_state import RedisStateStore, open_blocking_redis, open_redis
from exai_desktop.storage.fleet.redis_turns import RedisTurns
from exai_desktop.storage.fleet.sealed import FleetKeys, IgnoredValues
from exai_desktop.storage.record.health import SqliteStateStore
from exai_desktop.sync.claims import SupabaseClaims

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shared:
    """This profile's own, or the fleet's; one machine needs no turns.

    `learn` is told of an account's API key when that is used; `words` are for `doctor`.
    """

    states: StateStore
    claims: ContentClaims
    turns: SharedTurns | None = None
    learn: Callable[[Account, str], None] = lambda _account, _key: None
    words: Callable[[], dict[str, str]] = dict


def why_no_fleet(settings: Settings) -> str:
    """Why nothing may be sent although a Redis is named, "" if it may."""
    if settings.redis_url and find_spec("redis") is None:
        return "redis_url: it needs the package extra fleet, which is not installed"
    return ""


def shared_parts(
    where: Places,
    secrets: OpenedSecrets,
    settings: Settings,
    database: Database,
    stack: AsyncExitStack,
    problems: Problems,
    project: ClaimServer | None,
) -> Shared:
    """`project` None: there can be none."""
    profile_id, is_one = secrets.identity.id, settings.redis_url and not why_no_fleet(settings)
    owner = _fleet_owner(profile_id) if is_one else profile_id
    own = ContentLocks(_notes_folder(where, settings), owner)
    if not is_one:
        states = SqliteStateStore(database)
        if project is None:
            return Shared(states, own)
        claims = SupabaseClaims(
            project, owner, asyncio.get_running_loop(), skew_s=settings.clock_skew_s
        )
        stack.push_async_callback(claims.close)
        return Shared(
            states,
            FleetClaims(own, claims, _in_loop(problems.of_claims)),
            words=lambda: {"claims": claims.words} if claims.words else {},
        )

    def password() -> str | None:
        return redis_password(secrets.store, settings.redis_url)

    redis = open_redis(settings.redis_url, password)
    stack.push_async_callback(redis.aclose)
    blocking = open_blocking_redis(settings.redis_url, password)
    stack.callback(blocking.close)
    keys, ignored = (
        FleetKeys(),
        IgnoredValues(_in_loop(lambda error: problems.add(ErrorView.of(error)))),
    )
    clock, skew_s = SystemClock(), settings.clock_skew_s
    rules = breaker_rules(settings)

    def is_possible(text: str) -> bool:
        return health.is_possible(health.from_text(text), clock.now(), skew_s, rules)

    leases = RedisClaims(blocking, owner, keys, ignored, skew_s=skew_s, now=clock.now)
    return Shared(
        RedisStateStore(redis, uninterrupted, keys, ignored, is_possible),
        FleetClaims(own, leases, _in_loop(problems.of_fleet)),
        RedisTurns(redis, uninterrupted, keys, ignored),
        lambda account, key: keys.learn(_identities(account), key),
        lambda: {"redis": ignored.words},
    )


def _in_loop(tell: Callable[[T], object]) -> Callable[[T], None]:
    """For calls in threads: it is told in the loop that runs now."""
    loop = asyncio.get_running_loop()

    def from_thread(value: T) -> None:
        with suppress(RuntimeError):  # the loop has just ended
            loop.call_soon_threadsafe(tell, value)

    return from_thread


def _identities(account: Account) -> tuple[str, str]:
    """As its state and its contents are called."""
    return identity_of(account), f"{account.base_url}#{account.key_fingerprint}"


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
