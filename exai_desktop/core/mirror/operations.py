"""What a device tells the user's Supabase project, what it is answered, and where it waits.

An operation has an id of its own. Sent again with the same id it changes nothing and is answered as
before: so a lost answer does no harm.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from exai_desktop.core.mirror.quota import QuotaUse
from exai_desktop.core.mirror.status import OtherFilePage, RefusedRow

# The version of the project's tables that this program needs.
SCHEMA: Final = 1
# Most that the server takes at once.
BATCH: Final = 200
# Why a row is put aside here: asked again at the next sign-in, the account may be back by then.
NO_ACCOUNT: Final = "no account"
# Told of a row that is not on record any more.
GONE_HERE: Final = {"deleted": True}


class RecordKind(StrEnum):
    """Each kind is a table there."""

    DEVICE = "device"
    ACCOUNT = "account"
    FILE = "file"
    COPY = "copy"
    ATTEMPT = "attempt"
    CHECK = "check"
    AUDIT = "audit"


class AnswerStatus(StrEnum):
    APPLIED = "applied"
    # The row was changed by another device; `current` is what lies there.
    CONFLICT = "conflict"
    # The row is not there any more.
    GONE = "gone"
    # It will never be taken as it is.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row as the device has it. Without `base_rev` the device takes it for new."""

    id: str
    kind: RecordKind
    key: str | None
    data: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    base_rev: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind.value,
            "key": self.key,
            "base_rev": self.base_rev,
            "data": self.data,
        }


@dataclass(frozen=True, slots=True)
class OperationAnswer:
    """What became of one operation; `rev` is the row's new revision."""

    id: str
    status: AnswerStatus
    rev: int | None = None
    code: str = ""
    current: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class MirrorTarget:
    """A project and the user who is signed in there, and who we are to them."""

    id: int
    url: str
    user_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class MirrorAccount:
    """An account at a provider, as all devices of the user know it."""

    provider: str
    base_url: str
    key_mark: str

    @property
    def id(self) -> str:
        """The same on every device, whatever each calls the account."""
        return derived_id(uuid.NAMESPACE_URL, f"{self.base_url} {self.key_mark}")


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A changed row with its operations, fixed before they leave. The first is the row's own."""

    kind: RecordKind
    local_id: int
    operations: tuple[Operation, ...]

    @property
    def op_id(self) -> str:
        return self.operations[0].id


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Rows of the audit trail, oldest first. `trail_id` tells apart two rows of one number:
    after a recovery, numbers of the lost part are given again."""

    trail_id: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """`rows` and `audit_rows` are not sent yet, `refused` is counted by reason."""

    rows: int = 0
    audit_rows: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    elsewhere: int = 0
    other_files: int = 0
    last_success: float | None = None
    quota: QuotaUse | None = None


def derived_id(space: uuid.UUID | str, name: str) -> str:
    """The id that anybody makes of the same name."""
    return str(uuid.uuid5(uuid.UUID(str(space)), name))


def outcome(own: Operation, answer: OperationAnswer) -> tuple[int | None, bool]:
    """The revision of the row there, and whether nothing is left to be told of it."""
    if answer.status is AnswerStatus.APPLIED:
        return answer.rev, True
    if answer.status is AnswerStatus.CONFLICT and answer.current is not None:
        return answer.current["rev"], _knows_better(answer.current, own)
    return None, answer.status is AnswerStatus.GONE and own.data == GONE_HERE


def _knows_better(there: Mapping[str, Any], own: Operation) -> bool:
    """Another device has found the file gone, at a later look than ours: that stays."""
    if own.kind is not RecordKind.COPY or not isinstance(own.data, Mapping):
        return False
    if own.data.get("status") != "present" or there.get("status") == "present":
        return False
    theirs, ours = there.get("last_verified"), own.data.get("last_verified")
    if theirs is None or ours is None:
        return theirs is not None
    return datetime.fromisoformat(theirs) >= datetime.fromisoformat(ours)


@dataclass(frozen=True, slots=True)
class Change:
    """A row as it is there now; `data` has `deleted`."""

    kind: str
    key: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes in their order. `restart`: what was read before is of no use, begin at 0."""

    changes: Sequence[Change]
    next: int
    more: bool
    restart: bool = False


class RecordServer(Protocol):
    """The user's project. Whatever goes wrong on the way is raised; then nothing is known."""

    async def apply(
        self, device_id: str, operations: Sequence[Operation]
    ) -> Sequence[OperationAnswer]:
        """At most `BATCH`; an answer for each, in order."""
        ...

    async def pull(self, after: int, witness: str | None) -> ChangePage:
        """What has changed behind this number. `witness`: an operation that it has answered."""
        ...


class Outbox(Protocol):
    """What waits to be told. Nothing waits while nobody is signed in."""

    async def sign_in(
        self, url: str, user_id: str, new_device_id: str, profile: str = ""
    ) -> MirrorTarget:
        """From now on changes wait for this user; those of another user stay where they are.

        The device id is the one of the first time, or the new one: then, and when the `profile`
        has become another one since, all rows are told anew.
        """
        ...

    async def active(self) -> MirrorTarget | None:
        """Whom changes wait for now."""
        ...

    async def sign_out(self) -> None: ...

    async def fill(self, target: MirrorTarget, limit: int) -> bool:
        """Mark rows from before the first sign-in; False when none are left."""
        ...

    async def take(
        self, target: MirrorTarget, accounts: Mapping[str, MirrorAccount], limit: int = BATCH
    ) -> Sequence[WaitingRow]:
        """The next to send, with at most `limit` operations; `accounts` by the names used here.

        What was taken before and not settled comes again, unchanged.
        """
        ...

    async def settle(
        self,
        target: MirrorTarget,
        sent: Sequence[WaitingRow],
        answers: Mapping[str, OperationAnswer],
    ) -> None:
        """What was answered does not wait any more, unless it has changed meanwhile."""
        ...

    async def audit_rows(self, target: MirrorTarget, limit: int = BATCH) -> TrailPage:
        """The next rows of the audit trail."""
        ...

    async def audit_sent(self, target: MirrorTarget, seq: int) -> None:
        """Rows up to this number are there."""
        ...

    async def counts(self, target: MirrorTarget | None) -> Waiting:
        """What waits for it, and for all others."""
        ...

    async def refused(self, target: MirrorTarget, limit: int) -> Sequence[RefusedRow]:
        """What was put aside."""
        ...

    async def retry_refused(self, target: MirrorTarget) -> int:
        """Take it up again; returns how many rows."""
        ...


class OtherRecords(Protocol):
    """What other devices of the user have told, as of the last contact."""

    async def cursor(self, target: MirrorTarget) -> tuple[int, str | None]:
        """How far it was read, and the newest operation that was answered."""
        ...

    async def answered(self, target: MirrorTarget, op_id: str) -> None:
        """The newest operation of this device that the project has answered."""
        ...

    async def note(self, target: MirrorTarget, page: ChangePage) -> None:
        """Take the page in, and how far it goes, in one transaction."""
        ...

    async def restart(self, target: MirrorTarget) -> None:
        """The project is not what it was: read all of it, and tell all that is here, once more."""
        ...

    async def completed(self, target: MirrorTarget, at: float) -> None:
        """All was sent and fetched then."""
        ...

    async def stored(self, account_id: str, purpose: str, sha256: str, size: int) -> Sequence[str]:
        """Ids at the provider of this content at this account, by another device of the user who
        is signed in now, oldest first; none that ends within the hour. The provider decides."""
        ...

    async def page(
        self, target: MirrorTarget, text: str, limit: int, offset: int
    ) -> OtherFilePage: ...
