"""The audit trail for people: what happened in words, by day and kind, and sums of each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from exai_desktop.core.audit.audit import AuditRow


class ActivityKind(StrEnum):
    """What a list is filtered by."""

    SENT = "sent"
    PROBLEM = "problem"
    DELETED = "deleted"
    ACCOUNT = "account"
    OTHER = "other"


ACTIVITY_WORDS: Final[dict[ActivityKind, str]] = {
    ActivityKind.SENT: "Sent",
    ActivityKind.PROBLEM: "Problems",
    ActivityKind.DELETED: "Deleted or gone",
    ActivityKind.ACCOUNT: "Accounts",
    ActivityKind.OTHER: "Other",
}

K = ActivityKind
# Kind and words; `{file}`, `{id}`, `{account}` and `{why}` stand for what the row tells.
_ACTIONS: Final[dict[str, tuple[ActivityKind, str]]] = {
    "job.sending": (K.OTHER, "Began to send {file} to {account}"),
    "job.confirming": (K.OTHER, "{account} has received {file} as {id}"),
    "job.done": (K.SENT, "Sent {file} to {account}: {id}"),
    "job.duplicate": (K.SENT, "{file} was already at {account}: {id}"),
    "job.uncertain": (K.PROBLEM, "It is not known whether {account} has {file}{why}"),
    "job.needs_review": (K.PROBLEM, "{file} needs your decision{why}"),
    "job.refused": (K.PROBLEM, "{file} was refused{why}"),
    "job.failed": (K.PROBLEM, "{file} failed{why}"),
    "job.held": (K.PROBLEM, "{file} is on hold{why}"),
    "job.cancelled": (K.OTHER, "{file} was cancelled"),
    "job.waiting": (K.OTHER, "{file} waits again; nothing was stored{why}"),
    "job.queued": (K.OTHER, "{file} is in the queue again{why}"),
    "job.removed": (K.OTHER, "{file} was cleared from the queue"),
    "copy.deleting": (K.DELETED, "Began to delete {id} at {account}"),
    "copy.deleted": (K.DELETED, "Deleted {id} at {account}"),
    "copy.present": (K.OTHER, "{id} is still at {account}"),
    "copy.deletion_seen": (K.OTHER, "Looked whether {id} is gone at {account}: {outcome}"),
    "copy.imported": (K.OTHER, "Imported {id} from {account}"),
    "copy.foreign": (K.OTHER, "{id} is at {account} again"),
    "copy.missing": (K.DELETED, "{id} is missing at {account}"),
    "copy.expired": (K.DELETED, "{id} has expired at {account}"),
    "account.added": (K.ACCOUNT, "Added the account {account}"),
    "account.removed": (K.ACCOUNT, "Removed the account {account}"),
    "account.key_replaced": (K.ACCOUNT, "Replaced the key of {account}"),
    "account.edited": (K.ACCOUNT, "Changed the account {account}"),
    "supabase.signed_in": (K.ACCOUNT, "Signed in to a Supabase project"),
    "supabase.signed_out": (K.ACCOUNT, "Signed out of the Supabase project"),
    "audit.accepted": (K.PROBLEM, "The audit trail was accepted as it is"),
    "audit.day_signed": (K.OTHER, "Signed the audit trail of a day"),
    "backup.created": (K.OTHER, "Made a backup"),
    "profile.restored": (K.OTHER, "Restored the profile from a backup"),
}
# What begins and ends most uploads; a list without them is easier to read.
STEPS: Final = frozenset({"job.sending", "job.confirming"})


def actions_of(kinds: Sequence[ActivityKind]) -> tuple[str, ...]:
    """The actions of these kinds that are known. Without kinds: none, which means all."""
    return tuple(action for action, (kind, _) in _ACTIONS.items() if kind in kinds)


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """`before`: rows with a lower number, for the next page. `kinds` empty: all. `steps`: also
    those that only begin an upload."""

    kinds: tuple[ActivityKind, ...] = ()
    account: str | None = None
    since: float | None = None
    until: float | None = None
    before: int | None = None
    steps: bool = False
    limit: int = 200


@dataclass(frozen=True, slots=True)
class DaySum:
    """One day of local time: `day` is `2026-11-28`. `failed` are failed and refused files."""

    day: str
    sent: int = 0
    failed: int = 0
    bytes: int = 0

    @property
    def success(self) -> float | None:
        """The share of files that were sent; None: nothing ended on this day."""
        ended = self.sent + self.failed
        return self.sent / ended if ended else None


def kind_of(row: AuditRow) -> ActivityKind:
    """Of an action of a newer program: other."""
    return _ACTIONS.get(row.action, (K.OTHER, ""))[0]


def moment_of(row: AuditRow) -> float:
    """Seconds; 0.0 for a time that nobody can read."""
    try:
        return datetime.fromisoformat(row.at).timestamp()
    except ValueError:
        return 0.0


def activity_words(row: AuditRow, why: str = "") -> str:
    """One sentence; `why` is the title of the row's error. Texts from outside are as they are in
    the row: plain, on one line."""
    template = _ACTIONS.get(row.action, (K.OTHER, "{action}: {outcome}"))[1]
    why = why or row.error_code or ""
    values = {
        "file": _name(row),
        "id": row.remote_id or "a file",
        "account": row.account or "an account",
        "why": f": {why}" if why else "",
        "outcome": row.outcome,
        "action": row.action,
    }
    return template.format(**values)


def _name(row: AuditRow) -> str:
    text = row.path_text or row.remote_id or "a file"
    return text.replace("\\", "/").rpartition("/")[2] or text
