"""The audit trail: what is noted, how a row is sealed, and how the whole chain is checked.

Each row's `mac` covers all its fields and the `mac` of the row before, so a row that is edited,
taken out or moved breaks the chain where it stands.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check of the whole chain found; `broken_at` is the first row that does not fit.

    `by_file`: rows whose key lies in a file of the profile, not in the keyring.
    """

    rows: int
    ok: bool
    protected_by: str
    broken_at: int | None = None
    problem: str | None = None
    by_file: int = 0
    anchored_seq: int | None = None
    anchored_at: str | None = None
    newest_mac: str | None = None


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
    # A tampered database may hold what is not UTF-8; that is a wrong text, not a fault.
    message = _encode(values).encode("utf-8", "surrogateescape")
    mac = _begun(key).copy()
    mac.update(message)
    return mac.hexdigest()


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

    def holds(self, anchor: AuditAnchor) -> bool:
        """Whether the anchor is one that this program has written."""
        key = self.keys.get(anchor.key_id)
        return key is not None and anchor.seal == _anchor_mac(
            key, anchor.seq, anchor.mac, anchor.at, anchor.key_id
        )


def _anchor_mac(key: bytes, seq: int, mac: str, at: str, name: str) -> str:
    return mac_of(key, ("anchor", seq, mac, at, name))


class ChainCheck:
    """Takes the rows in order, in as many pieces as you like, and says what is wrong with them."""

    def __init__(self, seal: Seal, anchor: AuditAnchor | None) -> None:
        self._seal = seal
        self._anchor = anchor
        self._keys = seal.keys
        self._rows = 0
        self._by_file = 0
        self._newest = START
        self._broken: tuple[int, str] | None = None
        if anchor is not None and not seal.holds(anchor):
            self._broken = (anchor.seq, "the anchor file was changed, or sealed with another key")
            self._anchor = None

    def see(self, rows: Iterable[AuditRow]) -> bool:
        """Whether it makes sense to go on."""
        for row in rows:
            problem = self._problem(row)
            if problem is not None:
                self._broken = problem
                return False
            self._rows += 1
            self._newest = row.mac
            self._by_file += row.key_id in self._seal.by_file
            anchor = self._anchor
            if anchor is not None and row.seq == anchor.seq and row.mac != anchor.mac:
                self._broken = (row.seq, f"it is not the row that was here at {anchor.at}")
                return False
        return True

    def _problem(self, row: AuditRow) -> tuple[int, str] | None:
        due = self._rows + 1
        if row.seq > due:
            return due, "the row is missing"
        if row.seq < due:
            return row.seq, "the row does not belong here"
        if row.previous != self._newest:
            return row.seq, "the row does not match the row before it"
        key = self._keys.get(row.key_id)
        if key is None:
            return row.seq, f"the row is sealed with a key that is not available ({row.key_id})"
        if row.mac != mac_of(key, _sealed_values(row)):
            return row.seq, "the row was changed"
        return None

    def report(self) -> AuditReport:
        """The verdict; call it when all rows were seen or `see` has said no."""
        anchor = self._anchor
        if self._broken is None and anchor is not None and anchor.seq > self._rows:
            cut = f"the newest rows are missing: at {anchor.at} there were {anchor.seq}"
            self._broken = (self._rows + 1, cut)
        seq, problem = self._broken or (None, None)
        return AuditReport(
            rows=self._rows,
            ok=self._broken is None,
            protected_by=self._seal.protected_by,
            broken_at=seq,
            problem=problem,
            by_file=self._by_file,
            anchored_seq=None if anchor is None else anchor.seq,
            anchored_at=None if anchor is None else anchor.at,
            newest_mac=self._newest if self._rows else None,
        )
