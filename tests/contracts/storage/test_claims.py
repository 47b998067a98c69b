"""`ContentClaims`: one holder, notes for the others; by kernel locks, by a Redis, by both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ClaimLostError, ContentClaims, Hold
from exai_desktop.storage.fleet.content_locks import ContentLocks
from exai_desktop.storage.fleet.fleet_claims import FleetClaims
from exai_desktop.storage.fleet.redis_claims import RedisClaims
from exai_desktop.storage.fleet.redis_state import open_blocking_redis
from exai_desktop.storage.fleet.sealed import IgnoredValues
from tests.own_time import OwnTime
from tests.redis_server import fleet_keys, redis_server

KEY = ClaimKey("https://a.invalid/v1", "ab" * 4, "file-extract", "cd" * 32)
OTHER_URL = "https://b.invalid"
Maker = Callable[[str], ContentClaims]


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


def leases(
    redis: Redis, owner: str, lease_s: float = 30.0, ignored: IgnoredValues | None = None
) -> RedisClaims:
    keys = fleet_keys(*(f"{url}#{KEY.key_fingerprint}" for url in (KEY.base_url, OTHER_URL)))
    return RedisClaims(redis, owner, keys, ignored or IgnoredValues(), lease_s)


def nobody(_error: EngineError | None) -> None:
    """Nobody listens."""


@pytest.fixture(params=["locks", "redis", "machines"])
def make(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Maker]:
    """Claims of an owner: of one machine, of a fleet, of a machine in a fleet."""
    redis = open_blocking_redis(redis_url)
    redis.flushall()

    def of(owner: str) -> ContentClaims:
        if request.param == "locks":
            return ContentLocks(tmp_path / "shared", owner)
        if request.param == "redis":
            return leases(redis, owner)
        # Each owner on a machine of its own: nothing in common but the Redis.
        own = ContentLocks(tmp_path / owner, owner)
        return FleetClaims(own, leases(redis, owner), nobody)

    yield of
    redis.close()


def held(claims: ContentClaims, key: ClaimKey = KEY) -> Hold:
    hold = claims.hold(key)
    assert hold is not None
    return hold


def claim(owner: str, remote_id: str = "") -> Claim:
    return Claim(owner=owner, sent_name="a.txt", size=3, at=1.0, remote_id=remote_id)


def test_one_holds_and_the_others_are_told_at_once(make: Maker) -> None:
    one, two = make("one"), make("two")
    hold = held(one)
    assert hold.is_ours
    own = OwnTime()
    assert two.hold(KEY) is None
    assert own.seconds() < 1
    other = held(two, ClaimKey(OTHER_URL, *list(_rest(KEY))))
    other.release()
    hold.release()
    held(two).release()


def _rest(key: ClaimKey) -> Iterator[str]:
    yield from (key.key_fingerprint, key.purpose, key.sha256)


def test_a_note_is_for_the_others(make: Maker) -> None:
    one, two = make("one"), make("two")
    hold = held(one)
    assert hold.earlier is None
    hold.note(claim("one"))
    hold.note(claim("one", "file-1"))
    hold.release()
    again = held(one)
    assert again.earlier is None
    # For a record that was put back since.
    assert again.own == claim("one", "file-1")
    again.release()
    theirs = held(two)
    assert theirs.earlier == claim("one", "file-1")
    assert theirs.own is None
    theirs.note(None)
    theirs.release()
    last = held(one)
    assert last.earlier is None
    last.release()


def test_of_many_threads_one_holds(make: Maker) -> None:
    claims = [make(f"owner {n}") for n in range(8)]
    barrier, got = threading.Barrier(8), []

    def ask(own: ContentClaims) -> None:
        barrier.wait()
        got.append(own.hold(KEY))

    threads = [threading.Thread(target=ask, args=(own,)) for own in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [hold] = [hold for hold in got if hold is not None]
    hold.release()


# Longer than a busy machine ever stops a process, and no longer than a test can sit through.
LEASE_S = 3.0


class Deaf:
    """A holder that no longer renews, as on a machine that sleeps."""

    def __init__(self, redis_url: str) -> None:
        self.redis = open_blocking_redis(redis_url)
        self.claims = leases(self.redis, "asleep", lease_s=LEASE_S)
        hold = self.claims.hold(KEY)
        assert hold is not None
        self.hold = hold
        hold._is_over.set()
        hold._renewer.join()


def test_a_lease_runs_out_and_its_holder_may_not_note_any_more(redis_url: str) -> None:
    deaf = Deaf(redis_url)
    deaf.redis.flushall()
    deaf = Deaf(redis_url)
    deaf.hold.note(claim("asleep"))
    other = leases(deaf.redis, "awake")
    assert other.hold(KEY) is None
    time.sleep(LEASE_S * 1.1)
    assert not deaf.hold.is_ours
    hold = held(other)
    assert hold.earlier == claim("asleep")
    hold.note(claim("awake", "file-2"))
    with pytest.raises(ClaimLostError):
        deaf.hold.note(claim("asleep", "file-1"))
    deaf.hold.release()  # and this must not end the other's
    assert leases(deaf.redis, "third").hold(KEY) is None
    hold.release()
    # Also when nobody holds it: the number of the note is newer.
    with pytest.raises(ClaimLostError):
        deaf.hold.note(None)
    last = held(leases(deaf.redis, "third"))
    assert last.earlier == claim("awake", "file-2")
    last.release()
    deaf.redis.close()


def test_a_lease_is_renewed_for_as_long_as_it_is_held(redis_url: str) -> None:
    redis = open_blocking_redis(redis_url)
    redis.flushall()
    hold = held(leases(redis, "one", lease_s=LEASE_S))
    time.sleep(LEASE_S * 1.5)
    assert hold.is_ours
    assert leases(redis, "two").hold(KEY) is None
    hold.release()
    assert not redis.exists(*redis.keys("*lease*") or ["none"])
    redis.close()


def test_without_a_redis_a_machine_goes_by_its_own_locks(tmp_path: Path) -> None:
    told: list[EngineError | None] = []
    with redis_server() as url:
        redis = open_blocking_redis(url)
        claims = FleetClaims(
            ContentLocks(tmp_path, "one"),
            leases(redis, "one", lease_s=LEASE_S),
            told.append,
        )
        hold = held(claims)
    hold.note(claim("one"))
    time.sleep(LEASE_S * 1.1)
    assert not hold.is_ours  # nobody can tell whether another machine has it
    hold.release()
    again = held(claims)
    assert again.is_ours
    assert claims.hold(KEY) is None
    again.release()
    codes = [error.code if error else None for error in told]
    assert codes[0] is None
    assert set(codes[1:]) == {ErrorCode.FLEET_UNREACHABLE}
    redis.close()


def test_a_note_the_fleet_refuses_is_not_kept_on_the_machine_either(
    tmp_path: Path, redis_url: str
) -> None:
    redis = open_blocking_redis(redis_url)
    redis.flushall()
    own = ContentLocks(tmp_path, "one")
    hold = held(FleetClaims(own, leases(redis, "one", lease_s=30.0), nobody))
    redis.delete(redis.keys("*lease*")[0])
    other = held(leases(redis, "other"))
    with pytest.raises(ClaimLostError):
        hold.note(claim("one", "file-1"))
    hold.release()
    other.release()
    neighbour = held(ContentLocks(tmp_path, "two"))
    assert neighbour.earlier is None
    neighbour.release()
    redis.close()
