"""What lies in SQLite's write-ahead log, read before SQLite does.

SQLite takes the log up to the first frame that does not hold, and says nothing of those behind:
after a crash that is right, after a damaged byte it silently forgets commits. So the commits are
counted here, and compared with what SQLite then finds.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

_MAGIC: Final = (0x377F0682, 0x377F0683)
_HEAD: Final = 32
_FRAME_HEAD: Final = 24
# Of the index that readers share: frames in the log and frames moved into the database.
_INDEX_FRAMES: Final = 16
_INDEX_SALT: Final = 32
_INDEX_MOVED: Final = 96


def log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def index_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-shm")


def committed_frames(database: Path) -> int:
    """The number of the last frame that ends a commit, as far as heads can tell."""
    log = _read(log_of(database))
    in_log = _from_log(log)
    moved, in_index = _from_index(_read(index_of(database)), log)
    # What was moved into the database is not missed with the log.
    return max(in_log, in_index if in_index > moved else 0)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _from_log(log: bytes) -> int:
    if len(log) <= _HEAD:
        return 0
    magic, _, page, _, salt = struct.unpack(">IIII8s", log[:24])
    step = _FRAME_HEAD + page
    if magic not in _MAGIC or page < 512 or page & (page - 1) or page > 65_536:
        return _unreadable(log)
    last = matching = 0
    for number, start in enumerate(range(_HEAD, len(log) - step + 1, step), 1):
        _, size, frame_salt = struct.unpack(">II8s", log[start : start + 16])
        if frame_salt == salt:
            matching += 1
            if size:
                last = number
    if not matching and len(log) > _HEAD + step:
        return _unreadable(log)
    return last


def _unreadable(log: bytes) -> int:
    """A head that makes no sense before frames: at least one commit was there."""
    return 1 if any(log[_HEAD:]) else 0


def _from_index(index: bytes, log: bytes) -> tuple[int, int]:
    """(frames moved into the database, frames in the log) as the readers' index has it."""
    if len(index) < _INDEX_MOVED + 4:
        return 0, 0
    (frames,) = struct.unpack_from("=I", index, _INDEX_FRAMES)
    (moved,) = struct.unpack_from("=I", index, _INDEX_MOVED)
    # Another log's index, left by a copy of one file without the other.
    same = len(log) < _HEAD or index[_INDEX_SALT : _INDEX_SALT + 8] == log[16:24]
    return (moved, frames) if same else (0, 0)
