"""What of a change of state goes into the audit trail, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.jobs.jobs import IN_FLIGHT, JobState, JobView
from exai_desktop.core.jobs.store import Move

S, C = JobState, CopyState

# What is prepared, or only waits, has left nothing behind and is no matter for an audit.
_OUTCOMES: Final = {
    S.SENDING: "begun",
    S.CONFIRMING: "stored",
    S.UNCERTAIN: "unknown",
    S.NEEDS_REVIEW: "unknown",
    S.DONE: "ok",
    S.DUPLICATE: "ok",
    S.REFUSED: "refused",
    S.FAILED: "failed",
    S.CANCELLED: "cancelled",
    S.HELD: "held",
}
_NOT_STORED: Final = "not stored"

_COPY_OUTCOMES: Final = {
    C.PRESENT: "present",
    C.DELETING: "begun",
    C.DELETED: "ok",
    C.MISSING: "missing",
    C.EXPIRED: "expired",
    C.FOREIGN: "foreign",
}


def of_move(move: Move, job: JobView) -> AuditEntry | None:
    """None for a move that leads neither to a provider nor to an end."""
    # Bytes have been sent: the trail says what became of them.
    was_in_flight = move.old in IN_FLIGHT
    outcome = _OUTCOMES.get(move.new, _NOT_STORED if was_in_flight else None)
    if outcome is None or (move.new is S.HELD and job.error is None and not was_in_flight):
        return None
    detail: dict[str, str | int | None] = {
        "from": move.old.value,
        "note": move.note or None,
        "accepted": ", ".join(job.accepted) or None,
    }
    attempt = move.attempt
    if move.new is S.SENDING:
        detail |= {
            "attempt": job.attempts,
            "sent_name": job.sent_name,
            "transport": job.transport,
            "route": job.route_reason,
        }
    elif attempt is not None:
        detail |= {
            "attempt": attempt.number,
            "attempt_outcome": attempt.outcome,
            "http_status": attempt.http_status,
            "request_id": attempt.request_id,
        }
    if move.new is S.DUPLICATE:
        detail["twin_of"] = job.twin_of
    return _of_job(job, f"job.{move.new.value}", outcome, move.at, detail)


def of_birth(job: JobView) -> AuditEntry | None:
    """A file that was refused at once has no change of state to record it."""
    if job.state is not S.REFUSED:
        return None
    return _of_job(job, "job.refused", _OUTCOMES[S.REFUSED], job.created_at, {})


def of_removal(job: JobView, at: float) -> AuditEntry:
    return _of_job(job, "job.removed", "ok", at, {"state": job.state.value})


def _of_job(
    job: JobView, action: str, outcome: str, at: float, detail: dict[str, str | int | None]
) -> AuditEntry:
    return AuditEntry(
        at,
        action,
        outcome,
        job_id=job.id,
        path=job.path,
        account=job.account,
        provider=job.provider,
        purpose=job.purpose,
        remote_id=job.file_id,
        sha256=job.sha256,
        bytes=job.size,
        error_code=None if job.error is None else job.error.code,
        detail=detail,
    )


def of_import(copy: Copy, at: float) -> AuditEntry:
    """A file that nobody here is known to have sent, taken into the record by the user."""
    return replace(of_copy_move(copy, C.FOREIGN, at, None), action="copy.imported")


def of_copy_move(copy: Copy, old: CopyState, at: float, path: str | None) -> AuditEntry:
    """`copy` as it is after the move; `path` is its job's, if that is still in the list."""
    return AuditEntry(
        at,
        f"copy.{copy.state.value}",
        _COPY_OUTCOMES[copy.state],
        job_id=copy.job_id,
        path=path,
        account=copy.account,
        provider=copy.provider,
        purpose=copy.purpose,
        remote_id=copy.remote_id,
        sha256=copy.sha256,
        bytes=copy.size,
        detail={"from": old.value, "remote_name": copy.remote_name},
    )
