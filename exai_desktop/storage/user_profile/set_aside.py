"""Moving a damaged database out of the way, and a snapshot into its place."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exai_desktop.storage.sqlite.driver import open_reader
from exai_desktop.storage.user_profile.integrity import newest_record
from exai_desktop.storage.user_profile.snapshots import SnapshotFolder
from exai_desktop.storage.user_profile.wal_frames import index_of, log_of

_KEPT: Final = 3


def stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")


def set_aside(path: Path, now: float) -> str:
    """Rename the file and what belongs to it; returns the new name, empty when there was none.

    The newest three are kept: they may hold what no snapshot has.
    """
    kept = ""
    for file in (path, log_of(path), index_of(path)):
        if not file.exists():
            continue
        target = aside(file, now)
        file.replace(target)
        kept = kept or target.name
    for file in (path, log_of(path), index_of(path)):
        for old in sorted(path.parent.glob(f"{file.name}.corrupt-*"))[:-_KEPT]:
            old.unlink(missing_ok=True)
    return kept


def aside(file: Path, now: float) -> Path:
    """A name beside it that is free."""
    for number in range(1_000):
        more = f".{number:03}" if number else ""
        target = file.with_name(f"{file.name}.corrupt-{stamp(now)}{more}")
        if not target.exists():
            return target
    return target


def copy_newest_snapshot(snapshots: SnapshotFolder, draft: Path, now: float) -> float | None:
    """Copy the newest sound snapshot to `draft`; returns the time of its newest record."""
    draft.unlink(missing_ok=True)
    if snapshots.copy_newest(draft) is None:
        draft.unlink(missing_ok=True)
        return None
    with closing(open_reader(draft)) as connection:
        newest = newest_record(connection, now)
    for file in (log_of(draft), index_of(draft)):
        file.unlink(missing_ok=True)
    return newest
