"""Between rows of the database and the values of `core.jobs.jobs`."""

from __future__ import annotations

import json
import os
import unicodedata
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState
from exai_desktop.core.copies.queries import COPY_WORDS
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.files import ScanResult, ScanVerdict
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.jobs.jobs import Attempt, HistoryEntry, JobState, JobView
from exai_desktop.storage.sqlite.driver import Row

# Kept as text: see `first_schema`.
_WIDE: Final = frozenset({"mtime_ns", "device", "inode"})
_SEARCHED_CHARS: Final = 4_096

Value = str | int | float | bytes | None


def storable(text: str) -> str:
    """Text as UTF-8 can hold it: a lone surrogate from a name or an answer becomes `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def optional_text(text: str | None) -> str | None:
    return None if text is None else storable(text)


def stored(column: str, value: object) -> Value:
    """A value of `JobChanges` as its column holds it."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, tuple):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if column in _WIDE else int(value)
    raise TypeError(f"{column}: {type(value).__name__}")


def search_text(path: str) -> str:
    """The path in the form it is searched in; queries go through `folded` too."""
    if path.isascii() and path.isprintable():
        return path[:_SEARCHED_CHARS].lower()
    return folded(plain_text(path, _SEARCHED_CHARS))


def folded(text: str) -> str:
    return storable(unicodedata.normalize("NFC", text)).casefold()


def job_view(found: Row) -> JobView:
    # A `Row` looks for each name from its first column on.
    row = dict(zip(found.keys(), found, strict=True))
    code = row["error_code"]
    error = None
    if code is not None:
        error = ErrorView.of_code(code, row["error_detail"] or "", row["error_retry_after"])
    file_state = None if row["file_state"] is None else CopyState(row["file_state"])
    if file_state is not None:
        # Of every job that shares the id, not only of the one whose copy it was.
        error = ErrorView.of_code(
            ErrorCode.FILE_GONE, f"{row['file_id']}: {COPY_WORDS[file_state]}"
        )
    return JobView(
        id=row["id"],
        batch_id=row["batch_id"],
        path=os.fsdecode(row["path"]),
        name=row["name"],
        state=JobState(row["state"]),
        size=row["size"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        wanted_account=row["wanted_account"],
        wanted_purpose=row["wanted_purpose"],
        allow_fallback=bool(row["allow_fallback"]),
        accepted=words_of(row["accepted"]),
        judged=row["judged"],
        unattended=bool(row["unattended"]),
        provider=row["provider"],
        account=row["account"],
        purpose=row["purpose"],
        mtime_ns=_wide(row["mtime_ns"]),
        device=_wide(row["device"]),
        inode=_wide(row["inode"]),
        sha256=row["sha256"],
        sent_name=row["sent_name"],
        route_reason=row["route_reason"],
        transport=row["transport"],
        attempts=row["attempts"],
        not_before=row["not_before"],
        wait_reason=row["wait_reason"],
        cancel_requested=bool(row["cancel_requested"]),
        file_id=row["file_id"],
        twin_of=row["twin_of"],
        error=error,
        finished_at=row["finished_at"],
        file_state=file_state,
        watched=row["watched"],
        place=row["place"],
    )


def scan_of(row: Row) -> ScanResult | None:
    """What the scanner said of a job's file."""
    if row["scan_verdict"] is None:
        return None
    return ScanResult(
        ScanVerdict(row["scan_verdict"]),
        row["scan_detail"] or "",
        row["scan_engine"] or "",
        row["scan_database"] or "",
    )


def words_of(text: str) -> tuple[str, ...]:
    # The common case, ten thousand times in a long list.
    return () if text == "[]" else tuple(json.loads(text))


def _wide(text: str | None) -> int | None:
    return None if text is None else int(text)


def attempt_of(row: Row) -> Attempt:
    return Attempt(
        number=row["number"],
        transport=row["transport"],
        sent_name=row["sent_name"],
        size=row["size"],
        sha256=row["sha256"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outcome=row["outcome"],
        error_code=row["error_code"],
        detail=row["detail"],
        http_status=row["http_status"],
        request_id=row["request_id"],
        left_at=row["left_at"],
        clock_offset_s=row["clock_offset_s"],
    )


def history_entry(row: Row) -> HistoryEntry:
    old = row["old"]
    return HistoryEntry(
        row["at"], None if old is None else JobState(old), JobState(row["new"]), row["note"]
    )


def copy_of(row: Row) -> Copy:
    return Copy(
        id=row["id"],
        provider=row["provider"],
        account=row["account"],
        purpose=row["purpose"],
        sha256=row["sha256"],
        size=row["size"],
        remote_id=row["remote_id"],
        remote_name=row["remote_name"],
        state=CopyState(row["state"]),
        usable=bool(row["usable"]),
        recorded_at=row["recorded_at"],
        job_id=row["job_id"],
        verified_at=row["verified_at"],
        expires_at=row["expires_at"],
        origin=CopyOrigin(row["origin"]),
    )
