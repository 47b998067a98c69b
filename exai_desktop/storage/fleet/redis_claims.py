"""Content claims over machines: leases in a Redis, numbered so that none is used late.

A lease is renewed while it is held and runs out with its machine. Each has a number higher than
all before it (its fence): a note of a holder that has lost its lease is refused. Both are sealed
with the key of the account: what others write there is no lease and no note.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ClaimLostError, is_possible
from exai_desktop.core.machine import steady_time
from exai_desktop.storage.fleet.redis_state import FailurePause, failures, unreachable
from exai_desktop.storage.fleet.sealed import (
    CHANGE,
    FORGED,
    IMPOSSIBLE,
    KEEP,
    READ,
    AccountSeal,
    FleetKeys,
    IgnoredValues,
    checked_reply,
)

if TYPE_CHECKING:
    from redis import Redis


log = logging.getLogger(__name__)

# Long enough for a machine that is busy, short enough for one that is gone.
LEASE_S: Final = 30.0
# By how much the clocks of two machines may differ.
SKEW_S: Final = 120.0
# A provider keeps files for 180 days; its list shows what is older.
_NOTE_MS: Final = 180 * 86_400_000
_DAY_MS: Final = 86_400_000
# A lease says a later end than its holder believes in: the answer took its time.
_SLACK_S: Final = 5.0
# Each time somebody else has written in between.
_TRIES: Final = 20
# Leases of others that are watched; the oldest are forgotten.
_WATCHED: Final = 10_000


class _Lease(BaseModel):
    """`until` in milliseconds by the clock of the Redis."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(max_length=64)
    fence: int = Field(ge=0)
    until: int


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True)

    fence: int = Field(ge=0)
    claim: Claim | None


class _Content:
    """One content's two texts in the Redis. What is not genuine is counted and left out."""

    def __init__(
        self, seal: AccountSeal, what: str, ask: Callable[..., Any], ignored: IgnoredValues
    ):
        self.lease_name = seal.name("lease", what)
        self.note_name = seal.name("note", what)
        self._seal = seal
        self._ask = ask
        self._ignored = ignored

    def read(self) -> tuple[int, bytes, bytes]:
        """The time there, the lease and the note, "" for none."""
        reply = self._ask(READ, [self.lease_name, self.note_name])
        now, lease, note = checked_reply(reply, int, bytes, bytes)
        return now, lease, note

    def change(
        self, expected: bytes, lease: bytes, lease_s: float, note: bytes, note_ms: int
    ) -> tuple[bool, int, bytes, bytes]:
        """In one step, if the lease is as expected. Both are returned as they were."""
        names, milliseconds = [self.lease_name, self.note_name], round(lease_s * 1000)
        reply = self._ask(CHANGE, names, expected, lease, milliseconds, note, note_ms)
        done, now, was, note_was = checked_reply(reply, int, int, bytes, bytes)
        return bool(done), now, was, note_was

    def sealed_lease(self, lease: _Lease) -> bytes:
        return self._seal.close(self.lease_name, lease.model_dump_json().encode())

    def sealed_note(self, note: _Note) -> bytes:
        return self._seal.close(self.note_name, note.model_dump_json().encode())

    def lease_in(self, text: bytes) -> _Lease | None:
        if not text:
            return None
        opened = self._seal.open(self.lease_name, text)
        if opened is None:
            self._ignored.add("a lease", FORGED)
            return None
        try:
            return _Lease.model_validate_json(opened)
        except ValidationError:  # of another version of the program
            self._ignored.add("a lease", IMPOSSIBLE)
            return None

    def note_in(self, text: bytes, now: int) -> _Note | None:
        """A number from the future is left out: no later one would be valid beside it."""
        if not text:
            return None
        opened = self._seal.open(self.note_name, text)
        if opened is None:
            self._ignored.add("a note on a content", FORGED)
            return None
        try:
            note = _Note.model_validate_json(opened)
        except ValidationError:  # of another version of the program, with other limits
            self._ignored.add("a note on a content", IMPOSSIBLE)
            return None
        if note.fence <= now + _DAY_MS:
            return note
        self._ignored.add("the number of a note", IMPOSSIBLE)
        return note.model_copy(update={"fence": 0})

    def claim_in(self, note: _Note | None, now_here: float, skew_s: float) -> Claim | None:
        """What may be acted upon. `now_here` is the time of this machine."""
        claim = note.claim if note is not None else None
        if claim is None or is_possible(claim, now_here, skew_s):
            return claim
        self._ignored.add("a note on a content", IMPOSSIBLE)
        return None


class _Watch:
    """What stands in the way of whom, since when: by the clock here. For all threads.

    A lease that stays the same is dead after its time, whatever the Redis says of it. One that is
    forged may lie over a genuine one: its holder then has the time to write it again.
    """

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._since: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def is_over(self, text: bytes) -> bool:
        """Whether a genuine lease has stood there for longer than a lease lasts."""
        return self._stood_s(text) > max(LEASE_S, self._lease_s)

    def may_replace(self, content: str) -> bool:
        """Whether this content has had a forged lease for long enough."""
        return self._stood_s(content.encode()) > self._lease_s / 3

    def clear(self, content: str) -> None:
        with self._lock:
            self._since.pop(content.encode(), None)

    def _stood_s(self, what: bytes) -> float:
        now = steady_time()
        with self._lock:
            since = self._since.setdefault(what, now)
            while len(self._since) > _WATCHED:
                self._since.popitem(last=False)
        return now - since


class RedisClaims:
    """Calls block for as long as the client waits for an answer. Raises FLEET_UNREACHABLE."""

    def __init__(
        self,
        redis: Redis,
        owner: str,
        keys: FleetKeys,
        ignored: IgnoredValues,
        lease_s: float = LEASE_S,
        skew_s: float = SKEW_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` and `skew_s`: this machine's clock, and how far others may be ahead of it."""
        self.owner = owner
        self._keys = keys
        self._ignored = ignored
        self._lease_s = lease_s
        self._skew_s = skew_s
        self._now = now
        self._pause = FailurePause()
        self._watch = _Watch(lease_s)
        self._scripts = {text: redis.register_script(text) for text in (READ, CHANGE)}

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        """Notes are found by their content alone: each machine asks its own."""
        return False

    def hold(self, key: ClaimKey) -> RedisHold | None:
        seal = self._keys.of(f"{key.base_url}#{key.key_fingerprint}")
        what = "\0".join((key.base_url, key.key_fingerprint, key.purpose, key.sha256))
        content = _Content(seal, what, self._call, self._ignored)
        self._pause.check()
        now, there, noted = content.read()
        for _ in range(_TRIES):
            if self._is_held(content, there, now):
                return None
            note = content.note_in(noted, now)
            fence = max(now, note.fence + 1 if note is not None else 0)
            token, asked_at = secrets.token_hex(16), steady_time()
            until = now + round((self._lease_s + _SLACK_S) * 1000)
            lease = _Lease(token=token, fence=fence, until=until)
            sealed = content.sealed_lease(lease)
            done, now, there, noted = content.change(there, sealed, self._lease_s, KEEP, 0)
            if done:
                self._watch.clear(content.lease_name)
                found = content.claim_in(content.note_in(noted, now), self._now(), self._skew_s)
                return RedisHold(content, lease, sealed, asked_at, found, self.owner, self._lease_s)
        raise _restless()

    def _is_held(self, content: _Content, there: bytes, now: int) -> bool:
        if not there:
            return False
        lease = content.lease_in(there)
        if lease is None:
            return not self._watch.may_replace(content.lease_name)
        self._watch.clear(content.lease_name)
        if lease.until <= now:
            return False
        if self._watch.is_over(there):
            self._ignored.add("a lease", IMPOSSIBLE)
            return False
        return True

    def _call(self, script: str, names: list[str], *args: Any) -> Any:
        try:
            return self._scripts[script](keys=names, args=list(args))
        except failures() as error:
            self._pause.begin()
            raise unreachable(error) from error


def _restless() -> EngineError:
    return EngineError(ErrorCode.FLEET_UNREACHABLE, "others keep changing its data on this content")


class RedisHold:
    """A lease, renewed by a thread of its own at a third of its time.

    Where it was forged or deleted it is written again, as long as nobody else can have had it.
    """

    def __init__(
        self,
        content: _Content,
        lease: _Lease,
        sealed: bytes,
        asked_at: float,
        found: Claim | None,
        owner: str,
        lease_s: float,
    ) -> None:
        self._content = content
        self._lease = lease
        self._sealed = sealed
        self._asked_at = asked_at
        self._found = found
        self._owner = owner
        self._lease_s = lease_s
        self._good_until = asked_at + lease_s
        self._writing = threading.Lock()
        self._is_over = threading.Event()
        self._renewer = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewer.start()

    @property
    def earlier(self) -> Claim | None:
        found = self._found
        return None if found is None or found.owner == self._owner else found

    @property
    def own(self) -> Claim | None:
        found = self._found
        return found if found is not None and found.owner == self._owner else None

    @property
    def is_ours(self) -> bool:
        """By our own clock, which goes on while the machine sleeps: it has not run out."""
        return steady_time() < self._good_until

    @property
    def left(self) -> str:
        """They were asked."""
        return ""

    def _renew(self) -> None:
        while not self._is_over.wait(self._lease_s / 3):
            try:
                if not self._write():
                    return
            except EngineError as error:
                log.warning("a lease was not renewed: %s", error)

    def _write(self, note: bytes = KEEP, note_ms: int = 0, *, release: bool = False) -> bool:
        """One step under the lease, which begins anew or is given back. False: it is lost."""
        with self._writing:
            for _ in range(_TRIES):
                asked_at = steady_time()
                sealed = b"" if release else self._sealed_at(asked_at)
                done, now, there, noted = self._content.change(
                    self._sealed, sealed, self._lease_s, note, note_ms
                )
                if done:
                    self._sealed, self._good_until = sealed, asked_at + self._lease_s
                    return True
                if self._is_lost(there, noted, now):
                    self._good_until = 0.0
                    return False
                self._sealed = there
            raise _restless()

    def _sealed_at(self, moment: float) -> bytes:
        until = self._lease.until + round((moment - self._asked_at) * 1000)
        return self._content.sealed_lease(self._lease.model_copy(update={"until": until}))

    def _is_lost(self, there: bytes, noted: bytes, now: int) -> bool:
        """Whether somebody else has it or has had it. What is there is not our last lease."""
        lease = self._content.lease_in(there)
        if lease is not None and lease.token != self._lease.token and lease.until > now:
            return True
        note = self._content.note_in(noted, now)
        if note is not None and note.fence > self._lease.fence:
            return True
        return not self.is_ours

    def note(self, claim: Claim | None) -> None:
        note = self._content.sealed_note(_Note(fence=self._lease.fence, claim=claim))
        # Nothing can have been stored: the number is of use as long as a holder may be late.
        if not self._write(note, _DAY_MS if claim is None else _NOTE_MS):
            raise ClaimLostError
        self._found = claim

    def release(self) -> None:
        self._is_over.set()
        self._renewer.join()
        try:
            self._write(release=True)
        except EngineError as error:
            log.warning("a lease was not given back, it runs out: %s", error)
