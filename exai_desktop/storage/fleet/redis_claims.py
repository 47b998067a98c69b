"""Content claims over machines: leases in a Redis, numbered so that none is used late.

A lease is renewed while it is held and runs out with its machine. Each has a number higher than
all before it (its fence): a note of a holder that has lost its lease is refused.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ClaimLostError, ContentClaims, Hold
from exai_desktop.storage.fleet.redis_state import PREFIX, FailurePause, unreachable

if TYPE_CHECKING:
    from redis import Redis


log = logging.getLogger(__name__)

# Long enough for a machine that is busy, short enough for one that is gone.
LEASE_S: Final = 30.0
# A provider keeps files for 180 days; its list shows what is older.
_NOTE_S: Final = 180 * 86_400

# Each in one step. KEYS: lease, fence, note.
_HOLD: Final = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) == false then return false end
return {redis.call('INCR', KEYS[2]), redis.call('HGET', KEYS[3], 'note') or ''}
"""
_RENEW: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_NOTE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local last = tonumber(redis.call('HGET', KEYS[3], 'fence') or '0')
if last > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[3], 'fence', ARGV[2], 'note', ARGV[3])
redis.call('EXPIRE', KEYS[3], ARGV[4])
return 1
"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class RedisClaims:
    """Calls block for as long as the client waits for an answer. Raises FLEET_UNREACHABLE."""

    def __init__(self, redis: Redis, owner: str, lease_s: float = LEASE_S) -> None:
        self.owner = owner
        self._lease_s = lease_s
        self._pause = FailurePause()
        self._scripts = {text: redis.register_script(text) for text in _ALL}

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        """Notes are found by their content alone: each machine asks its own."""
        return False

    def hold(self, key: ClaimKey) -> RedisHold | None:
        text = "\0".join((key.base_url, key.key_fingerprint, key.purpose, key.sha256))
        digest = hashlib.sha256(text.encode()).hexdigest()
        keys = [f"{PREFIX}{kind}:{{{digest}}}" for kind in ("lease", "fence", "note")]
        token = secrets.token_hex(16)

        def call(script: str, *args: object) -> Any:
            return self._call(script, keys, token, *args)

        self._pause.check()
        found = call(_HOLD, round(self._lease_s * 1000))
        if not found:
            return None
        return RedisHold(call, int(found[0]), _claim(found[1]), self.owner, self._lease_s)

    def _call(self, script: str, keys: list[str], *args: Any) -> Any:
        from redis.exceptions import RedisError

        try:
            return self._scripts[script](keys=keys, args=list(args))
        except (RedisError, OSError) as error:
            self._pause.begin()
            raise unreachable(error) from error


_ALL: Final = (_HOLD, _RENEW, _NOTE, _RELEASE)


class RedisHold:
    """A lease, renewed by a thread of its own at a third of its time."""

    def __init__(
        self,
        call: Callable[..., Any],
        fence: int,
        found: Claim | None,
        owner: str,
        lease_s: float,
    ) -> None:
        self._call = call
        self._fence = fence
        self._found = found
        self._owner = owner
        self._lease_s = lease_s
        self._good_until = _clock() + lease_s
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
        return _clock() < self._good_until

    def _renew(self) -> None:
        while not self._is_over.wait(self._lease_s / 3):
            asked_at = _clock()
            try:
                if not self._call(_RENEW, round(self._lease_s * 1000)):
                    self._good_until = 0.0
                    return
                self._good_until = asked_at + self._lease_s
            except EngineError as error:
                log.warning("a lease was not renewed: %s", error)

    def note(self, claim: Claim | None) -> None:
        text = "" if claim is None else claim.model_dump_json()
        if not self._call(_NOTE, self._fence, text, _NOTE_S):
            self._good_until = 0.0
            raise ClaimLostError
        self._found = claim

    def release(self) -> None:
        self._is_over.set()
        self._renewer.join()
        try:
            self._call(_RELEASE)
        except EngineError as error:
            log.warning("a lease was not given back, it runs out: %s", error)


def _clock() -> float:
    """Seconds that also pass while the machine sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def _claim(text: str | bytes) -> Claim | None:
    try:
        return Claim.model_validate_json(text) if text else None
    except ValidationError:
        log.warning("a note of the fleet cannot be read")
        return None


class FleetClaims:
    """This machine's own locks first, then the fleet's; without an answer the own alone.

    `on_fleet` is told, in the calling thread, when the fleet does not answer (None: it does).
    """

    def __init__(
        self,
        own: ContentClaims,
        fleet: ContentClaims,
        on_fleet: Callable[[EngineError | None], object],
    ) -> None:
        self._own = own
        self._fleet = fleet
        self._on_fleet = on_fleet
        self.owner = fleet.owner

    def is_anothers(self, key: ClaimKey, remote: RemoteFile) -> bool:
        return self._own.is_anothers(key, remote)

    def hold(self, key: ClaimKey) -> Hold | None:
        own = self._own.hold(key)
        if own is None:
            return None
        try:
            shared = self._fleet.hold(key)
        except EngineError as error:
            self._on_fleet(error)
            return own
        except BaseException:
            own.release()
            raise
        self._on_fleet(None)
        if shared is None:
            own.release()
            return None
        return _Both(own, shared, self._on_fleet)


class _Both:
    def __init__(
        self, own: Hold, shared: Hold, on_fleet: Callable[[EngineError | None], object]
    ) -> None:
        self._own = own
        self._shared = shared
        self._on_fleet = on_fleet

    @property
    def earlier(self) -> Claim | None:
        """The fleet's note comes first: it also covers other machines."""
        return self._shared.earlier or self._own.earlier

    @property
    def own(self) -> Claim | None:
        return self._shared.own or self._own.own

    @property
    def is_ours(self) -> bool:
        return self._shared.is_ours

    def note(self, claim: Claim | None) -> None:
        """A note the fleet refuses is not written here either."""
        try:
            self._shared.note(claim)
        except EngineError as error:
            self._on_fleet(error)
        self._own.note(claim)

    def release(self) -> None:
        try:
            self._shared.release()
        finally:
            self._own.release()
