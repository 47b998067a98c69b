"""The audit trail: what is noted, and how a row is sealed.

Each row's `mac` covers all its fields and the `mac` of the row before, so a row that is edited,
taken out or moved breaks the chain where it stands.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Final

# The years a date can have: a clock set wrong must not keep a file from being recorded.
_FIRST_S: Final = 0.0
_LAST_S: Final = 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that happened, before it has its place in the chain.

    `detail` is what has no column of its own; entries that are None are left out.
    """

    at: float
    action: str
    outcome: str
    job_id: int | None = None
    path: str | None = None
    account: str | None = None
    provider: str | None = None
    purpose: str | None = None
    remote_id: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    error_code: str | None = None
    detail: Mapping[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A link of the chain as it is on disk. `at` is UTC, `detail` and all texts are plain.

    `key_id` names the key behind `mac`, `previous` is the `mac` of the row before.
    """

    seq: int
    at: str
    actor: str
    action: str
    job_id: int | None
    path_text: str | None
    account: str | None
    provider: str | None
    purpose: str | None
    remote_id: str | None
    sha256: str | None
    bytes: int | None
    outcome: str
    error_code: str | None
    detail: str
    key_id: str
    previous: str
    mac: str


@dataclass(frozen=True, slots=True)
class AuditAnchor:
    """The newest row as it was at some moment, kept outside the database.

    A chain from which the newest rows were cut is a chain in itself; only this tells.
    """

    seq: int
    mac: str
    at: str
    key_id: str
    seal: str


def utc_text(at: float) -> str:
    """A moment as it stands in the trail: sortable, and the same in every language."""
    at = min(max(at, _FIRST_S), _LAST_S)
    second = int(at)
    return f"{_second_text(second)}.{int((at - second) * 1e6):06}Z"


@lru_cache(maxsize=8)
def _second_text(second: int) -> str:
    """Rows come many a second."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


KEY_BYTES: Final = 32
START: Final = "0" * 64

# Anybody can make such a chain anew: it shows slips, not forgers. A profile always has a key.
NO_KEY: Final = b""

COLUMNS: Final = tuple(AuditRow.__slots__)
SEALED_COLUMNS: Final = tuple(name for name in COLUMNS if name != "mac")
_sealed_values: Final = attrgetter(*SEALED_COLUMNS)

# As RFC 8785 has it for texts and integers: any language can make the same bytes.
_encode: Final[Callable[[object], str]] = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":")
).encode


def canonical(values: Mapping[str, str | int | None] | Sequence[str | int | None]) -> str:
    """The one JSON text for these values."""
    return _encode(values)


def key_id(key: bytes) -> str:
    """Eight hex digits that tell keys apart and give nothing of them away."""
    return hashlib.sha256(b"exai-desktop audit key\0" + key).hexdigest()[:8]


def mac_of(key: bytes, values: Sequence[str | int | None]) -> str:
    """HMAC-SHA-256 over the canonical text; of a row all `SEALED_COLUMNS`, in their order."""
    return mac_over(key, _message(values))


def _message(values: Sequence[str | int | None]) -> bytes:
    # A tampered database may hold what is not UTF-8; that is a wrong text, not a fault.
    return _encode(values).encode("utf-8", "surrogateescape")


def mac_over(key: bytes, message: bytes) -> str:
    """HMAC-SHA-256, in hex."""
    mac = _begun(key).copy()
    mac.update(message)
    return mac.hexdigest()


def sealed_text(row: AuditRow) -> bytes:
    """What the `mac` of this row is made from."""
    return _message(_sealed_values(row))


def digest_after(previous: str, text: bytes, mac: str) -> str:
    """The digest after a row, from the one before: it needs no key, and covers all rows."""
    whole = previous.encode() + text + mac.encode("utf-8", "surrogateescape")
    return hashlib.sha256(whole).hexdigest()


@lru_cache(maxsize=8)
def _begun(key: bytes) -> hmac.HMAC:
    """Looking the algorithm up takes longer than sealing a row."""
    return hmac.new(key, digestmod="sha256")


@dataclass(frozen=True, slots=True)
class Seal:
    """The key new rows are sealed with; `others` are keys that earlier rows may have.

    `by_file` are the ids of keys that lie in a file of the profile, not in the keyring.
    """

    key: bytes = field(default=NO_KEY, repr=False)
    protected_by: str = "nothing"
    others: tuple[bytes, ...] = field(default=(), repr=False)
    by_file: frozenset[str] = frozenset()

    @property
    def keys(self) -> dict[str, bytes]:
        """By id."""
        return {key_id(key): key for key in (self.key, *self.others)}

    def anchor(self, seq: int, mac: str, at: str) -> AuditAnchor:
        """The note that this was the newest row."""
        name = key_id(self.key)
        return AuditAnchor(seq, mac, at, name, _anchor_mac(self.key, seq, mac, at, name))

    def genuine(self, anchor: AuditAnchor | None) -> AuditAnchor | None:
        """The same, if this program has written it."""
        return anchor if anchor is not None and self.holds(anchor) else None

    def holds(self, anchor: AuditAnchor) -> bool:
        """Whether the anchor is one that this program has written."""
        key = self.keys.get(anchor.key_id)
        return key is not None and anchor.seal == _anchor_mac(
            key, anchor.seq, anchor.mac, anchor.at, anchor.key_id
        )


def _anchor_mac(key: bytes, seq: int, mac: str, at: str, name: str) -> str:
    return mac_of(key, ("anchor", seq, mac, at, name))
