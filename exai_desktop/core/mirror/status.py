"""The user's Supabase project as people see it: signed in or not, what waits, what was refused.

Plain values, with error codes as text: window and command line make sentences of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from exai_desktop.core.mirror.quota import QuotaUse


class MirrorState(StrEnum):
    """How we stand with the project."""

    SIGNED_OUT = "signed_out"
    # The project answers, or has not been asked yet.
    SIGNED_IN = "signed_in"
    # Signed in, but it does not answer now. Nothing has to be done.
    UNREACHABLE = "unreachable"
    # Its name is not found while others are, or it says itself that it is paused.
    ASLEEP = "asleep"
    # It has none of our tables, or those of an earlier version.
    NO_SCHEMA = "no_schema"
    OLD_SCHEMA = "old_schema"
    # The project has ended the session: the user must sign in again. What waits is kept.
    SESSION_ENDED = "session_ended"
    # The session cannot be read from the key store now.
    STORE_LOCKED = "store_locked"
    # There can be no project: the sandbox, or a profile that is only read.
    UNAVAILABLE = "unavailable"


WORDS: Final = {
    MirrorState.SIGNED_OUT: "not signed in",
    MirrorState.SIGNED_IN: "signed in",
    MirrorState.UNREACHABLE: "signed in, the project does not answer",
    MirrorState.ASLEEP: "signed in, the project is paused or deleted",
    MirrorState.NO_SCHEMA: "signed in, the tables are missing in the project",
    MirrorState.OLD_SCHEMA: "signed in, the tables in the project are too old",
    MirrorState.SESSION_ENDED: "the session has ended, sign in again",
    MirrorState.STORE_LOCKED: "the key store with the session is locked",
    MirrorState.UNAVAILABLE: "not available here",
}


@dataclass(frozen=True, slots=True)
class MirrorStatus:
    """`code` and `detail`: the error that keeps it from working, "" for none.

    `pending` rows wait to be sent, `refused` ones were put aside; `codes` counts these by reason.
    `pending_elsewhere`: rows that wait for another project or user, and go nowhere else.
    """

    state: MirrorState
    url: str = ""
    email: str = ""
    schema: int | None = None
    pending: int = 0
    refused: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    # Rows of accounts that are not set up here any more: nobody could tell whose they are.
    without_account: int = 0
    pending_elsewhere: int = 0
    # Files of other devices that are known here.
    other_files: int = 0
    # Unix seconds: the last time that everything was sent and fetched.
    last_success: float | None = None
    # When it is tried again by itself.
    next_try: float | None = None
    # None: not asked yet.
    open_sign_ups: bool | None = None
    # Of all devices together; None: nobody is signed in, or the project has not said it yet.
    quota: QuotaUse | None = None
    is_busy: bool = False
    code: str = ""
    detail: str = ""

    @property
    def words(self) -> str:
        """One line for people."""
        return WORDS[self.state]

    @property
    def is_signed_in(self) -> bool:
        return self.state not in (MirrorState.SIGNED_OUT, MirrorState.UNAVAILABLE)


# The classes of PostgreSQL's error codes with which the tables refuse a row.
_REASONS: Final = {
    "22": "a value does not fit into the table",
    "23": "a rule of the table forbids it",
    "42": "this user may not write it",
}


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the project has refused. It is sent again when it changes, or on request."""

    kind: str
    local_id: int
    name: str
    code: str

    @property
    def words(self) -> str:
        """Why, for people; the server's code stands behind it."""
        reason = _REASONS.get(self.code[:2], "the project cannot take it")
        return f"{reason} ({self.code})" if self.code else reason


@dataclass(frozen=True, slots=True)
class SignedOut:
    """What was left when the user signed out; it is kept until the same user is back."""

    email: str
    pending: int
    refused: int


@dataclass(frozen=True, slots=True)
class SyncDone:
    """One round: rows sent and refused, rows of the audit trail, changes fetched."""

    sent: int = 0
    refused: int = 0
    audit_rows: int = 0
    fetched: int = 0


@dataclass(frozen=True, slots=True)
class OtherFile:
    """A file at a provider that another device of the user has told of. Times in Unix seconds."""

    uuid: str
    name: str
    size: int
    remote_id: str
    provider: str
    account: str
    purpose: str
    sha256: str
    status: str
    usable: bool
    device: str
    recorded_at: float | None
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class OtherFilePage:
    """`total`: of all that match."""

    files: tuple[OtherFile, ...]
    total: int
