"""Values of the audit trail: what is noted, what a row holds, what a check of all rows found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
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
