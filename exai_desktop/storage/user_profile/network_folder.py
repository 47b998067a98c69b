"""Folders of other computers: SQLite's locks and shared memory do not hold there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

_MOUNTS: Final = Path("/proc/self/mounts")
_NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre"),
        *("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs", "fuse.davfs", "davfs"),
        *("fuse.gvfsd-fuse", "fuse.smbnetfs", "fuse.curlftpfs", "fuse.google-drive-ocamlfuse"),
    }
)
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def refuse_network_folder(folder: Path, mounts: Path = _MOUNTS) -> None:
    """Raises DATABASE_ERROR; where the system has no such list, it lets everything pass."""
    try:
        table = os.fsdecode(mounts.read_bytes())
    except OSError:
        return
    found = _mount_of(os.fspath(folder.resolve()), table)
    if found is not None and found[1] in _NETWORK:
        raise EngineError(
            ErrorCode.DATABASE_ERROR,
            f"the profile {folder} is on a network folder ({found[1]}), where a database is not"
            " safe; set EXAI_DESKTOP_HOME to a folder on this computer",
        )


def _mount_of(folder: str, table: str) -> tuple[str, str] | None:
    """(place, kind) of the mount that holds the folder: the longest, of equal ones the last."""
    best: tuple[str, str] | None = None
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[1])
        holds = folder == place or folder.startswith(place.rstrip("/") + "/")
        if holds and (best is None or len(place) >= len(best[0])):
            best = (place, fields[2])
    return best
