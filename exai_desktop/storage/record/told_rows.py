"""What of a row is told to the user's Supabase project, and in which form.

Never: paths, texts, details of errors, keys. What is not named here does not leave.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from exai_desktop.core.audit.audit import utc_text
from exai_desktop.core.mirror.operations import (
    MirrorAccount,
    MirrorTarget,
    Operation,
    RecordKind,
    derived_id,
)
from exai_desktop.storage.sqlite.driver import Connection, Row

Accounts = Mapping[str, MirrorAccount]

# The newest go along with their job; older ones have been told before.
_ATTEMPTS: Final = 3
_LONGEST_NAME: Final = 1024
_STATUSES: Final = {
    "stored": "success",
    "cancelled": "abandoned",
    **dict.fromkeys(("rejected", "auth", "quota", "throttled", "unavailable", "local"), "failed"),
}
_SIGHTS: Final = {"seen": "healthy", "not_seen": "unhealthy", "other_size": "unhealthy"}


class UnknownAccountError(Exception):
    """The account is not in the settings, so nobody else could tell which one is meant."""


def new_id() -> str:
    return str(uuid.uuid4())


def id_of_job(target: MirrorTarget, job_id: int) -> str:
    return derived_id(target.device_id, f"file {job_id}")


def told_job(
    connection: Connection, target: MirrorTarget, job_id: int, accounts: Accounts
) -> tuple[str, dict[str, Any]] | None:
    """Its id there and its data; None when the job is not on record any more."""
    row: Row | None = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        return None
    account = accounts.get(row["account"])
    copy_id = None
    if account is not None and row["file_id"] is not None:
        copy_id = derived_id(account.id, row["file_id"])
    return id_of_job(target, job_id), _storable_there(
        {
            "deleted": False,
            "device_id": target.device_id,
            "local_no": job_id,
            "name": row["name"][:_LONGEST_NAME],
            "size": row["size"],
            "sha256": row["sha256"],
            "state": row["state"],
            "account_id": None if account is None else account.id,
            "purpose": row["purpose"],
            "copy_id": copy_id,
            "error_code": row["error_code"],
            "route_reason": row["route_reason"],
            "transport": row["transport"],
            "attempts": row["attempts"],
            "added_at": utc_text(row["created_at"]),
            "finished_at": _moment(row["finished_at"]),
        }
    )


def told_copy(
    connection: Connection, target: MirrorTarget, copy_id: int, accounts: Accounts
) -> tuple[str, dict[str, Any]] | None:
    """The same of a file at a provider. Raises `UnknownAccountError`."""
    row: Row | None = connection.execute("SELECT * FROM copies WHERE id = ?", (copy_id,)).fetchone()
    if row is None:
        return None
    account = accounts.get(row["account"])
    if account is None:
        raise UnknownAccountError
    look = _newest_look(connection, copy_id)
    is_ours = row["origin"] == "sent"
    return derived_id(account.id, row["remote_id"]), _storable_there(
        {
            "deleted": False,
            "account_id": account.id,
            "purpose": row["purpose"],
            "sha256": row["sha256"] or None,
            "size": row["size"],
            "platform_file_id": row["remote_id"],
            "platform_name": row["remote_name"][:_LONGEST_NAME],
            "status": row["state"],
            "usable": bool(row["usable"]),
            "origin": row["origin"],
            "file_id": None if row["job_id"] is None else id_of_job(target, row["job_id"]),
            "sent_by": target.device_id if is_ours else None,
            "recorded_at": utc_text(row["recorded_at"]),
            "last_verified": _moment(row["verified_at"]),
            "expires_at": _moment(row["expires_at"]),
            "last_sight": None if look is None else look["sight"],
        }
    )


def attempts_of(
    connection: Connection, target: MirrorTarget, job_id: int, key: str
) -> list[Operation]:
    """Attempts that have ended: they do not change any more."""
    rows = connection.execute(
        "SELECT * FROM attempts WHERE job_id = ? AND ended_at IS NOT NULL"
        " ORDER BY number DESC LIMIT ?",
        (job_id, _ATTEMPTS),
    ).fetchall()
    return [_attempt(target, key, row) for row in reversed(rows)]


def _attempt(target: MirrorTarget, key: str, row: Row) -> Operation:
    data = _storable_there(
        {
            "file_id": key,
            "device_id": target.device_id,
            "operation": "upload",
            "attempt_number": row["number"],
            "transport": row["transport"],
            "status": _STATUSES.get(row["outcome"], "unknown"),
            "error_code": row["error_code"],
            "http_status": row["http_status"],
            "request_id": row["request_id"],
            "started_at": utc_text(row["started_at"]),
            "completed_at": utc_text(row["ended_at"]),
        }
    )
    return Operation(
        new_id(), RecordKind.ATTEMPT, derived_id(key, f"attempt {row['number']}"), data
    )


def checks_of(
    connection: Connection, target: MirrorTarget, copy_id: int, key: str
) -> list[Operation]:
    """The newest look at it."""
    look = _newest_look(connection, copy_id)
    if look is None:
        return []
    data = {
        "registry_id": key,
        "device_id": target.device_id,
        "status": _SIGHTS[look["sight"]],
        "bytes": look["bytes"],
        "checked_at": utc_text(look["at"]),
    }
    number = derived_id(key, f"check {target.device_id} {look['id']}")
    return [Operation(new_id(), RecordKind.CHECK, number, data)]


def told_audit_row(target: MirrorTarget, row: Row) -> dict[str, Any]:
    """Without actor, path, detail: the row's own MAC tells whether it is the same."""
    job_id = row["job_id"]
    return _storable_there(
        {
            "device_seq": row["seq"],
            # The trail has an id of its own after a recovery.
            "detail": {"device": target.device_id},
            "device_at": row["at"],
            "action": row["action"],
            "outcome": row["outcome"],
            "file_id": None if job_id is None else id_of_job(target, job_id),
            "provider": row["provider"],
            "purpose": row["purpose"],
            "remote_id": row["remote_id"],
            "sha256": row["sha256"],
            "bytes": row["bytes"],
            "error_code": row["error_code"],
            "device_key_id": row["key_id"],
            "device_previous": row["previous"],
            "device_mac": row["mac"],
        }
    )


def _storable_there(data: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL takes no NUL in a text: it would refuse the whole batch for one."""
    return {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for name, value in data.items()
    }


def _newest_look(connection: Connection, copy_id: int) -> Row | None:
    row: Row | None = connection.execute(
        "SELECT * FROM looks WHERE copy_id = ? ORDER BY id DESC LIMIT 1", (copy_id,)
    ).fetchone()
    return row


def _moment(at: float | None) -> str | None:
    return None if at is None else utc_text(at)


Tell = Callable[[Connection, MirrorTarget, int, Accounts], tuple[str, dict[str, Any]] | None]
Along = Callable[[Connection, MirrorTarget, int, str], list[Operation]]
# How a row is told, and what goes along with it.
TELL: Final[dict[RecordKind, tuple[Tell, Along]]] = {
    RecordKind.FILE: (told_job, attempts_of),
    RecordKind.COPY: (told_copy, checks_of),
}
