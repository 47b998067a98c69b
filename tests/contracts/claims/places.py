"""The places of `conftest.py`. One owner is one machine, or one profile where there is no other."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeVar

from redis import Redis

from exai_desktop.config.secret_store import SessionStore
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ContentClaims, Hold
from exai_desktop.core.mirror.link import MirrorUser
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.identity import identity_of
from exai_desktop.storage.fleet.content_locks import ContentLocks
from exai_desktop.storage.fleet.fleet_claims import FleetClaims
from exai_desktop.storage.fleet.redis_claims import RedisClaims
from exai_desktop.storage.fleet.sealed import IgnoredValues
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk
from exai_desktop.sync.claims import SupabaseClaims
from exai_desktop.sync.link import SupabaseLink
from exai_desktop.sync.mirror import Device
from exai_desktop.sync.session import SessionBook
from tests.contracts.storage.test_outbox import Desk
from tests.engine.engine_kit import KIMI
from tests.redis_server import fleet_keys
from tests.supabase.data_api import PASSWORD, PUBLISHABLE, DataApi
from tests.supabase.front import Front
from tests.supabase.project import Project, new_id

T = TypeVar("T")

KEY: Final = ClaimKey("https://a.invalid/v1", "ab" * 4, "file-extract", "cd" * 32)
ELSEWHERE: Final = ClaimKey("https://b.invalid", "ab" * 4, "file-extract", "cd" * 32)
# What the machines of an engine use.
SHARED: Final = replace(KIMI, key_fingerprint="ab" * 4)
ACCOUNTS: Final = (
    *(f"{key.base_url}#{key.key_fingerprint}" for key in (KEY, ELSEWHERE)),
    identity_of(SHARED),
)

# Longer than a busy machine ever stops a process, and no longer than a test can sit through.
SHORT_S: Final = 3.0
LONG_S: Final = 30.0


def claim(owner: str, remote_id: str = "") -> Claim:
    return Claim(owner=owner, sent_name="a.txt", size=3, at=1.0, remote_id=remote_id)


def is_same(found: Claim | None, noted: Claim) -> bool:
    """But for the name of who has noted it: a place may have another one for him."""
    return found is not None and found == noted.model_copy(update={"owner": found.owner})


def held(claims: ContentClaims, key: ClaimKey = KEY, within_s: float = LONG_S * 2 / 3) -> Hold:
    """How soon one is asked again for what another had is not promised."""
    until = time.monotonic() + within_s
    while (hold := claims.hold(key)) is None:
        assert time.monotonic() < until, "it is still held"
        time.sleep(0.05)
    return hold


class Place(Protocol):
    def claims(self, owner: str, lease_s: float = LONG_S) -> ContentClaims: ...

    def dead(self, noted: Claim) -> None:
        """A holder that has noted this, and has died since."""
        ...


class LeasePlace(Place, Protocol):
    """Where a claim ends by time, and which may not answer."""

    def sleep(self, hold: Hold) -> None:
        """From now on it renews no more, as on a machine that sleeps."""
        ...

    def lose(self) -> None:
        """Every lease there goes."""
        ...

    def cut(self) -> None:
        """The place does not answer any more."""
        ...

    def shown(self) -> str:
        """All that whoever looks into it sees of the claims."""
        ...


HOLDING: Final = """
import sys, time
from pathlib import Path
from exai_desktop.core.jobs.claims import Claim, ClaimKey
from exai_desktop.storage.fleet.content_locks import ContentLocks
noted = Claim.model_validate_json(sys.argv[2])
hold = ContentLocks(Path(sys.argv[1]), noted.owner).hold(ClaimKey(*sys.argv[3:]))
hold.note(noted)
print("held", flush=True)
time.sleep(60)
"""


class OnMachine:
    """Profiles of one user."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "shared"

    def claims(self, owner: str, lease_s: float = LONG_S) -> ContentClaims:
        return ContentLocks(self._folder, owner)

    def dead(self, noted: Claim) -> None:
        key = (KEY.base_url, KEY.key_fingerprint, KEY.purpose, KEY.sha256)
        command = [sys.executable, "-c", HOLDING, str(self._folder), noted.model_dump_json(), *key]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            assert self.claims("other").hold(KEY) is None
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


class _Leased:
    """Where a holder that renews no more is as good as dead."""

    def dead(self, noted: Claim) -> None:
        hold = held(self.claims(noted.owner, SHORT_S))
        hold.note(noted)
        self.sleep(hold)

    def claims(self, owner: str, lease_s: float = LONG_S) -> ContentClaims:
        raise NotImplementedError

    def sleep(self, hold: Hold) -> None:
        raise NotImplementedError


class InRedis(_Leased):
    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def claims(self, owner: str, lease_s: float = LONG_S) -> RedisClaims:
        return RedisClaims(self.redis, owner, fleet_keys(*ACCOUNTS), IgnoredValues(), lease_s)

    def sleep(self, hold: Hold) -> None:
        found: Any = hold
        found._is_over.set()
        found._renewer.join()

    def lose(self) -> None:
        names: Any = self.redis.keys("*lease*")
        self.redis.delete(*names)

    def cut(self) -> None:
        # An address where nobody listens, for connections that are made from now on.
        self.redis.connection_pool.connection_kwargs["port"] = 1
        self.redis.connection_pool.disconnect()
        self.redis.connection_pool.reset()

    def shown(self) -> str:
        names: Any = self.redis.keys("*")
        return repr([(name, self.redis.get(name)) for name in names])


class InProject(_Leased):
    """Devices of a new user, each with a session of its own; the engine's loop in a thread."""

    database: Project

    def __init__(self, there: Front, api: DataApi, folder: Path) -> None:
        self.there = there
        self._api = str(api.http.base_url).rstrip("/")
        # Longer than an answer takes on a busy machine.
        self.patience_s = 60.0
        self.loop = asyncio.new_event_loop()
        self._folder = folder
        self._email = f"{new_id()}@example.com"
        self._thread = threading.Thread(target=self.loop.run_forever, name="loop")
        self._ends: list[Callable[[], object]] = []
        assert api.sign_up(self._email).status_code == 200

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for end in reversed(self._ends):
            end()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(60)
        self.loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(120)

    def link(self, owner: str, url: str = "", *, is_signed_in: bool = True) -> SupabaseLink:
        """Of a device of this name."""
        desk = Desk(self._folder / f"{owner} {new_id()}.db")
        book = SessionBook(SessionStore(), owner)
        others = SqliteOtherRecords(desk.database)
        settings = Settings(connect_timeout_s=30.0, read_timeout_s=60.0)
        link = SupabaseLink(
            book,
            Device(owner, "Linux", "1"),
            desk.outbox,
            others,
            SqliteQuotaDesk(desk.database),
            lambda: settings,
        )
        if is_signed_in:
            user = self.sign_in(link, url)
            self.run(desk.outbox.sign_in(user.url, user.user_id, new_id(), user.profile))
        self._ends.append(desk.database.close)
        self._ends.append(lambda: self.run(link.close()))
        return link

    def sign_in(self, link: SupabaseLink, url: str = "") -> MirrorUser:
        at = url or self.there.url
        return self.run(link.sign_in(at, PUBLISHABLE, self._email, PASSWORD))

    def claims_by(self, link: SupabaseLink, owner: str, lease_s: float = LONG_S) -> SupabaseClaims:
        found = SupabaseClaims(link, owner, self.loop, lease_s=lease_s, patience_s=self.patience_s)
        self._ends.append(lambda: self.run(found.close()))
        return found

    def claims(self, owner: str, lease_s: float = LONG_S) -> SupabaseClaims:
        return self.claims_by(self.link(owner), owner, lease_s)

    def beside(self, owner: str) -> SupabaseClaims:
        """Of a device with a line of its own."""
        return self.claims_by(self.link(owner, self._api), owner)

    def sleep(self, hold: Hold) -> None:
        found: Any = hold
        self.loop.call_soon_threadsafe(found._renewer.cancel)

    def lose(self) -> None:
        self.database.admin.execute("update exai.content_claims set held_until = '-infinity'")

    def cut(self) -> None:
        self.there.answer = lambda *_: "cut"

    def shown(self) -> str:
        return repr(self.database.rows("select c::text from exai.content_claims c"))


class Sharing:
    """Each owner on a machine of its own: nothing in common but the place."""

    def __init__(self, place: LeasePlace, folder: Path) -> None:
        self._place = place
        self._folder = folder
        self.told: list[EngineError | None] = []

    def own(self, machine: str, owner: str) -> ContentLocks:
        return ContentLocks(self._folder / "machines" / machine, owner)

    def claims(self, owner: str, lease_s: float = LONG_S) -> ContentClaims:
        shared = self._place.claims(owner, lease_s)
        return self.beside(shared, owner)

    def beside(self, shared: ContentClaims, owner: str) -> FleetClaims:
        return FleetClaims(self.own(owner, owner), shared, self.told.append)

    def dead(self, noted: Claim) -> None:
        """Its locks are those of a machine of its own, and go with it."""
        self._place.dead(noted)

    def sleep(self, hold: Hold) -> None:
        both: Any = hold
        self._place.sleep(both._shared)

    def lose(self) -> None:
        self._place.lose()

    def cut(self) -> None:
        self._place.cut()

    def shown(self) -> str:
        return self._place.shown()
