"""A Redis into which others write: what is not of our machines is ignored, and stops nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ClaimLostError
from exai_desktop.engine.waiting import uninterrupted
from exai_desktop.storage.fleet.redis_claims import RedisClaims, RedisHold
from exai_desktop.storage.fleet.redis_state import RedisStateStore, open_blocking_redis, open_redis
from exai_desktop.storage.fleet.redis_turns import RedisTurns
from exai_desktop.storage.fleet.sealed import LONGEST, AccountSeal, FleetKeys, IgnoredValues
from tests.proxies import Authority, Deed, listening, secured
from tests.redis_server import FLEET_KEY, fleet_keys, redis_server

URL, PRINT = "https://a.invalid/v1", "ab" * 4
ACCOUNT = f"{URL}#{PRINT}"
ONE = ClaimKey(URL, PRINT, "file-extract", "cd" * 32)
TWO = ClaimKey(URL, PRINT, "file-extract", "ef" * 32)
SEAL = AccountSeal(FLEET_KEY)
# Longer than a busy machine ever stops a process, and no longer than a test can sit through.
LEASE_S = 3.0

HELD: list[RedisHold] = []


@pytest.fixture(scope="module")
def _server() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture
def redis_url(_server: str) -> str:
    redis = open_blocking_redis(_server)
    redis.flushall()
    redis.close()
    return _server


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    opened = open_blocking_redis(redis_url)
    yield opened
    # Otherwise they write their leases again, into the next test.
    while HELD:
        HELD.pop().release()
    opened.close()


def claims(redis: Redis, owner: str, ignored: IgnoredValues | None = None) -> RedisClaims:
    return RedisClaims(redis, owner, fleet_keys(ACCOUNT), ignored or IgnoredValues(), LEASE_S)


def held(of: RedisClaims, key: ClaimKey = ONE) -> RedisHold:
    hold = of.hold(key)
    assert hold is not None
    HELD.append(hold)
    return hold


def claim(remote_id: str = "", **changes: object) -> Claim:
    values = {"owner": "one", "sent_name": "a.txt", "size": 3, "at": 1.0, "remote_id": remote_id}
    return Claim.model_validate(values | changes)


def names(key: ClaimKey) -> tuple[str, str]:
    what = "\0".join((key.base_url, key.key_fingerprint, key.purpose, key.sha256))
    return SEAL.name("lease", what), SEAL.name("note", what)


def noted(redis: Redis, key: ClaimKey, of: Claim) -> None:
    hold = held(claims(redis, "one"), key)
    hold.note(of)
    hold.release()


def unlimited(redis: Redis) -> list[bytes]:
    """The names of what stays for ever."""
    return [name for name in _names(redis) if redis.ttl(name) == -1]


def _names(redis: Redis) -> list[bytes]:
    found: list[Any] = redis.keys("*")
    return found


def as_text(redis: Redis, name: str) -> None:
    redis.set(name, claim("file-of-another").model_dump_json())


def as_bytes(redis: Redis, name: str) -> None:
    redis.set(name, b"\xff\xfe\x00" * 40)


def as_list(redis: Redis, name: str) -> None:
    redis.delete(name)
    redis.rpush(name, "1")


def as_flood(redis: Redis, name: str) -> None:
    redis.set(name, b"x" * 50 * LONGEST)


def under_another_key(redis: Redis, name: str) -> None:
    note = json.dumps({"fence": 1, "claim": claim("file-of-another").model_dump()})
    redis.set(name, AccountSeal("sk-another-not-a-real-key").close(name, note.encode()))


FORGERIES = [as_text, as_bytes, as_list, as_flood, under_another_key]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_note_is_no_note(redis: Redis, forge: object) -> None:
    assert callable(forge)
    forge(redis, names(ONE)[1])
    told: list[EngineError] = []
    ignored = IgnoredValues(told.append)
    for _ in range(2):
        hold = held(claims(redis, "two", ignored))
        assert hold.earlier is None
        hold.release()
    hold = held(claims(redis, "two", ignored))
    hold.note(claim("file-1", owner="two"))
    hold.release()
    assert held(claims(redis, "three")).earlier == claim("file-1", owner="two")
    # Counted each time, told once.
    assert ignored.total >= 3
    assert [error.code for error in told] == [ErrorCode.FLEET_TAMPERED]
    assert "a note on a content" in ignored.words
    assert unlimited(redis) == []


def test_a_genuine_note_of_another_content_is_no_note(redis: Redis) -> None:
    noted(redis, TWO, claim("file-2"))
    redis.set(names(ONE)[1], redis.get(names(TWO)[1]) or b"")
    ignored = IgnoredValues()
    assert held(claims(redis, "two", ignored)).earlier is None
    assert ignored.total
    assert held(claims(redis, "two", ignored), TWO).earlier == claim("file-2")


@pytest.mark.parametrize(
    "changes", [{"at": time.time() + 10_000}, {"at": -1.0}, {"at": float("nan")}, {"size": 1 << 60}]
)
def test_a_note_that_says_what_cannot_be_is_no_note(
    redis: Redis, changes: dict[str, object]
) -> None:
    noted(redis, ONE, claim("file-1", **changes))
    ignored = IgnoredValues()
    hold = held(claims(redis, "two", ignored))
    assert hold.earlier is None
    assert "it says what cannot be" in ignored.words
    hold.note(claim("file-2", owner="two"))
    hold.release()


def test_a_number_from_the_future_stops_nothing(redis: Redis) -> None:
    lease, note = names(ONE)
    text = json.dumps({"fence": 1 << 62, "claim": claim("file-1").model_dump()}).encode()
    redis.set(note, SEAL.close(note, text), ex=1_000)
    ignored = IgnoredValues()
    hold = held(claims(redis, "two", ignored))
    assert hold.earlier == claim("file-1")
    assert "the number of a note" in ignored.words
    hold.note(claim("file-2", owner="two"))
    assert hold.is_ours
    hold.release()
    assert not redis.exists(lease)
    assert held(claims(redis, "three")).earlier == claim("file-2", owner="two")


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_lease_holds_nothing_up_for_long(redis: Redis, forge: object) -> None:
    assert callable(forge)
    forge(redis, names(ONE)[0])
    ignored = IgnoredValues()
    of = claims(redis, "two", ignored)
    # It may lie over a genuine one: its holder has the time to write it again.
    assert of.hold(ONE) is None
    time.sleep(LEASE_S / 3 + 0.1)
    hold = held(of)
    assert "a lease" in ignored.words
    hold.note(claim("file-1", owner="two"))
    hold.release()
    assert unlimited(redis) == []


@pytest.mark.parametrize("forge", [*FORGERIES, Redis.delete])
def test_a_holder_writes_its_lease_again(redis: Redis, forge: object) -> None:
    assert callable(forge)
    ignored = IgnoredValues()
    hold = held(claims(redis, "one", ignored))
    forge(redis, names(ONE)[0])
    hold.note(claim())
    assert hold.is_ours
    assert claims(redis, "two").hold(ONE) is None
    forge(redis, names(ONE)[0])
    deadline = time.monotonic() + 60
    while not _is_genuine(redis):
        assert time.monotonic() < deadline, "it was not renewed"
        time.sleep(0.05)
    forge(redis, names(ONE)[0])
    hold.release()
    assert not redis.exists(names(ONE)[0])
    assert ignored.total >= (0 if forge is Redis.delete else 3)
    assert unlimited(redis) == []


def _is_genuine(redis: Redis) -> bool:
    name = names(ONE)[0]
    if redis.type(name) != b"string":
        return False
    found: Any = redis.get(name)
    return SEAL.open(name, found) is not None


def test_a_lease_that_somebody_keeps_alive_ends_in_its_time(redis: Redis) -> None:
    name = names(ONE)[0]
    hold = held(claims(redis, "gone"))
    hold._is_over.set()  # as if its machine had gone
    hold._renewer.join()
    redis.persist(name)
    of = claims(redis, "two")
    assert of.hold(ONE) is None
    deadline = time.monotonic() + 60
    while (taken := of.hold(ONE)) is None:
        assert time.monotonic() < deadline, "it never ends"
        time.sleep(0.2)
    with pytest.raises(ClaimLostError):
        hold.note(claim("file-1"))
    taken.release()


def test_without_the_key_of_the_account_nothing_is_asked(redis: Redis) -> None:
    of = RedisClaims(redis, "one", FleetKeys(), IgnoredValues())
    with pytest.raises(EngineError) as caught:
        of.hold(ONE)
    assert caught.value.code is ErrorCode.FLEET_UNREACHABLE
    assert redis.keys("*") == []


def test_machines_with_another_key_do_not_see_each_other(redis: Redis) -> None:
    noted(redis, ONE, claim("file-1"))
    keys, ignored = FleetKeys(), IgnoredValues()
    keys.learn([ACCOUNT], "sk-new-not-a-real-key")
    hold = RedisClaims(redis, "two", keys, ignored).hold(ONE)
    assert hold is not None
    assert hold.earlier is None
    hold.release()
    assert ignored.total == 0  # after a change of the key this is nobody's attack


def test_nothing_in_the_redis_says_what_was_sent_by_whom(redis: Redis) -> None:
    hold = held(claims(redis, "one"))
    hold.note(claim("file-1"))
    listed = b" ".join(_names(redis))
    hold.release()
    for telling in (b"a.invalid", PRINT.encode(), ONE.sha256.encode()):
        assert telling not in listed


@asynccontextmanager
async def states(redis_url: str, ignored: IgnoredValues) -> AsyncIterator[RedisStateStore]:
    def is_possible(text: str) -> bool:
        return text != "impossible"

    redis = open_redis(redis_url)
    yield RedisStateStore(redis, uninterrupted, fleet_keys("a", "b"), ignored, is_possible)
    await redis.aclose()


@pytest.mark.parametrize("forge", FORGERIES)
async def test_a_forged_state_is_no_state(redis: Redis, redis_url: str, forge: object) -> None:
    assert callable(forge)
    ignored = IgnoredValues()
    forge(redis, SEAL.name("state", "breaker:a"))
    async with states(redis_url, ignored) as store:
        assert await store.load("breaker:a") is None
        assert await store.update("breaker:a", lambda old: ("new", old)) is None
        assert await store.load("breaker:a") == "new"
    assert "the state of an account" in ignored.words
    assert unlimited(redis) == []


async def test_a_state_moved_or_impossible_is_no_state(redis: Redis, redis_url: str) -> None:
    ignored = IgnoredValues()
    of_a, of_b = (SEAL.name("state", f"breaker:{name}") for name in "ab")
    async with states(redis_url, ignored) as store:
        await store.update("breaker:a", lambda _: ("of a", None))
        redis.set(of_b, redis.get(of_a) or b"")
        assert await store.load("breaker:b") is None
        await store.update("breaker:b", lambda _: ("impossible", None))
        assert await store.load("breaker:b") is None
        assert "it says what cannot be" in ignored.words
        assert await store.load("breaker:unknown") is None
        with pytest.raises(EngineError):
            await store.update("breaker:unknown", lambda old: ("new", old))


async def test_forged_turns_take_none_away(redis: Redis, redis_url: str) -> None:
    client, ignored = open_redis(redis_url), IgnoredValues()
    turns, name = (
        RedisTurns(client, uninterrupted, fleet_keys("a"), ignored),
        SEAL.name("turns", "a"),
    )
    now = time.time() * 1e6
    for scores in ([now + 1e15 + n for n in range(50)], [now - n for n in range(50)]):
        redis.zadd(name, {f"forged {score}": score for score in scores})
        assert await turns.take("a", 3, 60.0) == 0.0
        assert redis.zcard(name) <= 3
    assert ignored.total >= 100
    assert unlimited(redis) == []
    as_text(redis, name)
    assert await turns.take("a", 3, 60.0) == 0.0
    # Ours count as before: three of them, then a wait that ends.
    assert [await turns.take("a", 3, 60.0) for _ in range(2)] == [0.0, 0.0]
    assert 0.0 < await turns.take("a", 3, 60.0) <= 60.0
    await client.aclose()


async def test_who_forges_turns_all_the_time_does_not_stop_uploads(
    redis: Redis, redis_url: str
) -> None:
    client, ignored = open_redis(redis_url), IgnoredValues()
    turns, name = (
        RedisTurns(client, uninterrupted, fleet_keys("a"), ignored),
        SEAL.name("turns", "a"),
    )

    class Flooded(RedisTurns):
        """Each time it has been cleaned, it is full again."""

        async def _genuine(self, *given: Any) -> int:
            found = await super()._genuine(*given)
            flood()
            return found

    def flood() -> None:
        now = time.time() * 1e6
        redis.zadd(name, {f"forged {now + n}": now - n for n in range(20)})

    flood()
    turns = Flooded(client, uninterrupted, fleet_keys("a"), ignored)
    # By its own limit alone, and at once each time.
    assert [await turns.take("a", 3, 60.0) for _ in range(5)] == [0.0] * 5
    await client.aclose()


def saying(answer: bytes) -> Deed:
    """No Redis: it greets, then says the same to everything."""

    def deed(connection: socket.socket) -> None:
        while piece := connection.recv(65_536):
            # The greeting of the client is made of commands of its own.
            is_ours = b"EVAL" in piece or b"TIME" in piece or b"SCRIPT" in piece
            connection.sendall(answer if is_ours else b"+OK\r\n" * piece.count(b"*"))

    return deed


@pytest.mark.parametrize(
    "answer",
    [
        b":5\r\n",
        b"$3\r\nabc\r\n",
        b"*0\r\n",
        b"*3\r\n:-7\r\n$0\r\n\r\n$0\r\n\r\n",
        b"*3\r\n:9223372036854775807\r\n$0\r\n\r\n$0\r\n\r\n",
        b"*3\r\n$1\r\na\r\n:1\r\n:1\r\n",
        b"-WRONGTYPE no\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_what_is_no_redis_is_said_to_be_out_of_reach(answer: bytes) -> None:
    with listening(saying(answer)) as place:
        url = f"redis://{place}/0"
        blocking, client, keys = open_blocking_redis(url), open_redis(url), fleet_keys(ACCOUNT)
        ignored, run = IgnoredValues(), uninterrupted
        with pytest.raises(EngineError) as caught:
            RedisClaims(blocking, "one", keys, ignored).hold(ONE)
        assert caught.value.code is ErrorCode.FLEET_UNREACHABLE
        with pytest.raises(EngineError) as caught:
            await RedisStateStore(client, run, keys, ignored).load(f"breaker:{ACCOUNT}")
        assert caught.value.code is ErrorCode.FLEET_UNREACHABLE
        with pytest.raises(EngineError) as caught:
            await RedisTurns(client, run, keys, ignored).take(ACCOUNT, 3, 60.0)
        assert caught.value.code is ErrorCode.FLEET_UNREACHABLE
        await client.aclose()
        blocking.close()


async def test_a_redis_behind_tls_is_checked(redis_url: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    keys, ignored = fleet_keys(ACCOUNT), IgnoredValues()

    async def answers(place: str) -> bool:
        client, blocking = open_redis(place), open_blocking_redis(place)
        try:
            await RedisStateStore(client, uninterrupted, keys, ignored).load(f"breaker:{ACCOUNT}")
            claims = RedisClaims(blocking, "one", keys, ignored)
            hold = await asyncio.to_thread(claims.hold, ONE)
        except EngineError:
            return False
        finally:
            await client.aclose()
            blocking.close()
        assert hold is not None
        return True

    for shown, is_right in (("localhost", True), ("other.example", False)):
        with listening(secured(authority, redis_url, shown)) as place:
            port = place.rpartition(":")[2]
            assert not await answers(f"rediss://localhost:{port}/0")
            trusted = f"rediss://localhost:{port}/0?ssl_ca_certs={authority.file}"
            assert await answers(trusted) is is_right
