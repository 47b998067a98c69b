"""Uploads beside a client of the same Redis that forges whatever it finds there."""

from __future__ import annotations

import contextlib
import json
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from exai_desktop.core.accounts.health import AttemptVerdict, Breaker, Phase, as_text
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.engine.accounts.health import Permit
from exai_desktop.engine.accounts.identity import identity_of
from exai_desktop.storage.fleet.redis_state import open_blocking_redis
from exai_desktop.storage.fleet.sealed import PREFIX, AccountSeal, IgnoredValues
from tests.engine.accounts.test_breaker import Hurrying, write
from tests.engine.scripted_provider import ScriptedProvider
from tests.engine.upload.test_fleet import SHARED, machine
from tests.redis_server import FLEET_KEY, redis_server

S = JobState
FILES = 50
WITHOUT_END = -1  # what Redis answers to TTL; -2: there is no such name any more
# It was there once: whoever has seen it knows the name.
STATE = AccountSeal(FLEET_KEY).name("state", f"breaker:{identity_of(SHARED)}")


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


class Forger:
    """Writes into every text of the program that there is, at random, until it is stopped."""

    def __init__(self, url: str) -> None:
        self._redis = open_blocking_redis(url)
        self._chance = random.Random(20)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._seen: list[bytes] = []
        self.forged: Counter[str] = Counter()

    def __enter__(self) -> Forger:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._redis.close()

    def _run(self) -> None:
        ways: list[Callable[[str, str], None]] = [
            self._imitated,
            self._moved,
            self._another_type,
            self._noise,
        ]
        while not self._is_over.is_set():
            found: Any = self._redis.keys(f"{PREFIX}*")
            name = self._chance.choice([STATE, *(text.decode() for text in found)])
            kind = name.removeprefix(PREFIX).partition(":")[0]
            with contextlib.suppress(ResponseError):  # of another type by now
                if self._redis.type(name) == b"string":
                    text: Any = self._redis.get(name)
                    self._seen.append(text or b"")
                self._chance.choice(ways)(name, kind)
                self.forged[kind] += 1

    def _imitated(self, name: str, kind: str) -> None:
        """As ours looks, but without the key: from the future, for ever, of another file."""
        now = time.time()
        if kind == "turns":
            self._redis.zadd(name, {secrets.token_hex(8): (now + n) * 1e6 for n in range(100)})
            return
        text = {
            "lease": json.dumps({"token": "theirs", "fence": 1 << 62, "until": 1 << 62}),
            "note": json.dumps({"fence": 1 << 62, "claim": _claim("file-0001", now)}),
            "state": as_text(Breaker(Phase.OPEN, 9, 0, 9, now + 1e6, 1e9)),
        }[kind]
        self._redis.set(name, secrets.token_bytes(32) + text.encode())

    def _moved(self, name: str, _kind: str) -> None:
        """What was genuine, somewhere or at some time."""
        self._redis.set(name, self._chance.choice(self._seen or [b""]))

    def _another_type(self, name: str, _kind: str) -> None:
        self._redis.delete(name)
        self._redis.rpush(name, "1", "2")

    def _noise(self, name: str, _kind: str) -> None:
        self._redis.set(name, secrets.token_bytes(self._chance.choice([0, 3, 40, 70_000])))


def _claim(remote_id: str, at: float) -> dict[str, object]:
    claim = Claim(owner="theirs", sent_name="a.txt", size=3, at=at, remote_id=remote_id)
    return claim.model_dump()


async def test_fifty_uploads_beside_a_client_that_forges_at_random(
    tmp_path: Path, redis_url: str
) -> None:
    provider, clock = ScriptedProvider(block_s=0.02), Hurrying()
    paths = write(tmp_path, *(f"{number} forged.txt" for number in range(FILES)))
    told: list[EngineError] = []
    ignored = IgnoredValues(told.append)
    with Forger(redis_url) as forger:
        async with machine(
            tmp_path,
            redis_url,
            "left",
            provider,
            clock,
            per_minute=6_000,
            lease_s=1.0,
            ignored=ignored,
        ) as left:
            jobs = await left.upload(*paths)
    assert {job.state for job in jobs} == {S.DONE}
    assert sorted(provider.uploads) == sorted(path.name for path in paths)
    for job, path in zip(jobs, paths, strict=True):
        assert job.file_id
        assert provider.bodies[job.file_id] == path.read_bytes()
    assert set(forger.forged) == {"lease", "note", "turns", "state"}
    assert ignored.total > FILES
    assert [error.code for error in told] == [ErrorCode.FLEET_TAMPERED]


async def test_nothing_stays_in_the_redis_for_ever(tmp_path: Path, redis_url: str) -> None:
    provider, clock = ScriptedProvider(), Hurrying()
    paths = write(tmp_path, *(f"{number} kept.txt" for number in range(10)))
    redis = open_blocking_redis(redis_url)
    async with machine(tmp_path, redis_url, "left", provider, clock, per_minute=600) as left:
        batch = await left.upload(*paths)
        await left.parts.breakers.record(Permit("left"), AttemptVerdict.FAULT)
        assert _kinds(redis) >= {"note", "turns", "state"}
    assert {job.state for job in batch} == {S.DONE}
    assert _kinds(redis) == {"note", "turns", "state"}
    redis.close()


def _kinds(redis: Redis) -> set[str]:
    """What there is; each of it has an end, or was given back since it was listed."""
    names: Any = redis.keys("*")
    for name in names:
        assert redis.ttl(name) != WITHOUT_END, f"{name!r} has no end"
    return {name.decode().removeprefix(PREFIX).partition(":")[0] for name in names}
