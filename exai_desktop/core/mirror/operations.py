"""What a device tells the user's Supabase project, what it is answered, and where it waits.

An operation has an id of its own. Sent again with the same id it changes nothing and is answered as
before: so a lost answer does no harm.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

# Most that the server takes at once.
BATCH: Final = 200
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


class RecordServer(Protocol):
    """The user's project. Whatever goes wrong on the way is raised; then nothing is known."""

    async def apply(
        self, device_id: str, operations: Sequence[Operation]
    ) -> Sequence[OperationAnswer]:
        """At most `BATCH`; an answer for each, in order."""
        ...


class Outbox(Protocol):
    """What waits to be told. Nothing waits while nobody is signed in."""

    async def sign_in(self, url: str, user_id: str, new_device_id: str) -> MirrorTarget:
        """From now on changes wait for this user; those of another user stay where they are.

        The device id is the one of the first time, or the new one.
        """
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
