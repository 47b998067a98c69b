"""Copies of files in Storage, as the verbs print them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from exai_desktop.cli.output import Output
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.mirror.storage_copies import StorageCopy, StorageState, StorageStatus
from exai_desktop.core.service import UploadService

_SHOWN: Final = 20
_AT_ONCE: Final = 200


async def copy_rows(service: UploadService, hashes: Iterable[str]) -> dict[str, StorageCopy]:
    wanted = list(dict.fromkeys(hashes))
    found: dict[str, StorageCopy] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = tuple(wanted[start : start + _AT_ONCE])
        rows = await service.storage.rows(sha256=part, limit=len(part))
        found |= {row.sha256: row for row in rows}
    return found


async def copy_objects(
    service: UploadService, hashes: Iterable[str | None]
) -> dict[str, dict[str, Any]]:
    """For lists in JSON, by content."""
    rows = await copy_rows(service, [each for each in hashes if each])
    return {sha256: copy_object(row) for sha256, row in rows.items()}


def copy_object(row: StorageCopy) -> dict[str, Any]:
    """With the field names scripts rely on."""
    return {
        "sha256": row.sha256,
        "name": row.name or None,
        "bytes": row.size,
        "state": row.state.value,
        "percent": row.percent,
        "code": row.code or None,
        "detail": row.detail or None,
    }


def copy_words(row: StorageCopy) -> str:
    """The state, and the reason of a refusal."""
    if not row.code:
        return row.words
    error = ErrorView.of_code(row.code, row.detail)
    why = f", {plain_text(error.detail)}" if error.detail else ""
    return f"{row.words}: {error.title}{why} ({error.code})"


async def copy_line(service: UploadService, sha256: str | None, width: int) -> list[str]:
    """For the facts of one file: nothing where no copy is wanted."""
    rows = await service.storage.rows(sha256=(sha256,)) if sha256 else []
    return [f"  {'copy':{width}} {copy_words(row)}" for row in rows]


async def told(service: UploadService, status: StorageStatus, output: Output) -> None:
    """How the copies stand, for `sync`."""
    if not status.is_on and not status.copied:
        return
    waiting = f", {status.waiting:,} waiting" if status.waiting else ""
    off = "" if status.is_on else "; new files are not copied"
    output.line(f"Copies of files: {status.copied:,} copied{waiting}{off}")
    if status.code:
        error = ErrorView.of_code(status.code, status.detail)
        why = f": {plain_text(error.detail)}" if error.detail else ""
        for line in (f"{error.title} ({error.code}){why}", error.hint, *error.commands()):
            output.line(f"  {line}")
    if status.refused:
        output.line(f"{status.refused:,} copies were refused:")
        for row in await service.storage.rows((StorageState.REFUSED,), limit=_SHOWN):
            output.line(f"  {plain_text(row.name or row.sha256)}  {copy_words(row)}")
        output.line("To try them again: exai-desktop sync --retry-refused")


def told_if_left(rows: dict[str, dict[str, Any]], output: Output) -> None:
    """After a deletion at the provider: what still lies in the project."""
    left = [row for row in rows.values() if row["state"] == StorageState.COPIED]
    for row in left:
        name = plain_text(row["name"] or row["sha256"])
        output.notice(
            f"The copy of {name} in your Supabase project stays. To delete it:"
            f" exai-desktop sync delete-copy {row['sha256']}"
        )
