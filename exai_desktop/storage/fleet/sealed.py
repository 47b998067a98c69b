"""What machines write into a Redis for each other, sealed: nobody else can have written it.

The key of the seals is made from the API key that all machines of one account have and the Redis
does not know. It also makes the names, so that no name says whose they are or of which file.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

log = logging.getLogger(__name__)

PREFIX: Final = "exai-desktop:"

# Longer texts are not ours, and are not fetched.
LONGEST: Final = 16 * 1024
# What the scripts say of a text that is too long, or of another type.
NO_TEXT: Final = b"?"
# Leave what is there.
KEEP: Final = b"-"

FORGED: Final = "not written by a computer with the key of the account"
IMPOSSIBLE: Final = "it says what cannot be"

_VERSION: Final = b"exai-desktop fleet 1"
_MAC_BYTES: Final = 32

_HEAD: Final = f"""
local function text(key)
    local kind = redis.call('TYPE', key)['ok']
    if kind == 'none' then return '' end
    if kind ~= 'string' or redis.call('STRLEN', key) > {LONGEST} then return '?' end
    return redis.call('GET', key)
end
local time = redis.call('TIME')
local now, found = time[1] * 1000 + math.floor(time[2] / 1000), {{}}
for number, key in ipairs(KEYS) do found[number] = text(key) end
"""

# Milliseconds by the clock of the Redis, then the texts.
READ: Final = f"{_HEAD} return {{now, unpack(found)}}"

# If the first text is as expected: for each key a new text and its time in milliseconds. 1 or 0,
# milliseconds, and the texts as they were.
CHANGE: Final = f"""{_HEAD}
if found[1] ~= ARGV[1] then return {{0, now, unpack(found)}} end
for number, key in ipairs(KEYS) do
    local new, ms = ARGV[2 * number], ARGV[2 * number + 1]
    if new == '' then redis.call('DEL', key)
    elseif new ~= '{KEEP.decode()}' then redis.call('SET', key, new, 'PX', ms) end
end
return {{1, now, unpack(found)}}
"""


_LARGEST_NUMBER: Final = 1 << 53


def checked_reply(reply: Any, *kinds: type) -> Any:
    """What a script has returned, if it is made of these. Raises FLEET_UNREACHABLE.

    What answers may be no Redis at all, or one that lies.
    """
    fits = isinstance(reply, list) and len(reply) == len(kinds)
    if fits and all(map(isinstance, reply, kinds)):
        numbers = [part for part in reply if isinstance(part, int)]
        if all(-1 <= number < _LARGEST_NUMBER for number in numbers):
            return reply
    raise EngineError(ErrorCode.FLEET_UNREACHABLE, "its answer cannot be understood")


class AccountSeal:
    """The seal of one account."""

    def __init__(self, api_key: str) -> None:
        made = HKDF(SHA256(), 64, salt=_VERSION, info=b"seal and names").derive(api_key.encode())
        self._key, self._names = made[:32], made[32:]

    def name(self, kind: str, what: str) -> str:
        """The name in the Redis. Names of one `what` lie on one node of a cluster."""
        digest = hmac.new(self._names, what.encode(), hashlib.sha256).hexdigest()
        return f"{PREFIX}{kind}:{{{digest[:40]}}}"

    def close(self, name: str, text: bytes) -> bytes:
        return self._mac(name, text) + text

    def open(self, name: str, sealed: bytes) -> bytes | None:
        """None for what was not sealed under this name."""
        mac, text = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        return text if hmac.compare_digest(mac, self._mac(name, text)) else None

    def _mac(self, name: str, text: bytes) -> bytes:
        return hmac.new(self._key, name.encode() + b"\0" + text, hashlib.sha256).digest()


class FleetKeys:
    """The seals of the accounts whose API keys are known by now; in memory only."""

    def __init__(self) -> None:
        self._seals: dict[str, AccountSeal] = {}

    def learn(self, identities: Iterable[str], api_key: str) -> None:
        """`identities`: all texts by which the account is asked for."""
        seal = AccountSeal(api_key)
        self._seals.update(dict.fromkeys(identities, seal))

    def find(self, identity: str) -> AccountSeal | None:
        return self._seals.get(identity)

    def of(self, identity: str) -> AccountSeal:
        """Raises FLEET_UNREACHABLE: without the key nothing can be believed or written."""
        seal = self.find(identity)
        if seal is None:
            raise EngineError(
                ErrorCode.FLEET_UNREACHABLE, "the key of the account has not been read yet"
            )
        return seal


class IgnoredValues:
    """What was found in the Redis and not believed: counted, and told once. For all threads."""

    def __init__(self, tell: Callable[[EngineError], object] = lambda _: None) -> None:
        """`tell` is called in the thread that finds the first one."""
        self._tell = tell
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, kind: str, why: str, number: int = 1) -> None:
        with self._lock:
            is_new = (kind, why) not in self._counts
            is_first = not self._counts
            self._counts[kind, why] += number
        if is_new:
            log.warning("in the Redis, %s was ignored: %s", kind, why)
        if is_first:
            self._tell(EngineError(ErrorCode.FLEET_TAMPERED, f"{kind}: {why}"))

    @property
    def total(self) -> int:
        with self._lock:
            return self._counts.total()

    @property
    def words(self) -> str:
        """For people, one line."""
        with self._lock:
            counted = sorted(self._counts.items())
        if not counted:
            return "nothing ignored"
        parts = [f"{number} times {kind} ({why})" for (kind, why), number in counted]
        return f"ignored: {'; '.join(parts)}"
