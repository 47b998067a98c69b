"""Which folder on which disk a path leads to, and whether changes below it are announced.

A disk is told by the id of its file system, a network drive by its address: the numbers that the
system gives to devices change with each start. Everything here blocks, and each look is a new one.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from exai_desktop.core.files.mounts import NETWORK, OF_HOST, WITHOUT_INODES, Mount, mount_of
from exai_desktop.core.jobs.watched_folders import FolderMark

_MOUNTS: Final = Path("/proc/self/mounts")
_DISKS: Final = Path("/dev/disk/by-uuid")


def mark_of(folder: str) -> FolderMark | None:
    """None: there is no folder, only a link to one, or the system does not tell folders apart."""
    try:
        found = Path(folder).lstat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISDIR(found.st_mode) or not found.st_ino:
        return None
    return FolderMark(found.st_ino, _file_system(folder, found.st_dev))


def _file_system(folder: str, device: int) -> str:
    mount = _mount(folder)
    if mount is not None and mount.kind in NETWORK:
        return f"drive {mount.source}"
    disk = _disk(device)
    if disk:
        return f"disk {disk}"
    if hasattr(os, "statvfs"):
        try:
            number = os.statvfs(folder).f_fsid
        except OSError:
            number = 0
        if number:
            return f"file system {number}"
    return f"device {device}"


def _disk(device: int) -> str:
    """The id of the file system on this device, "" when the system does not tell."""
    try:
        links = sorted(_DISKS.iterdir())
    except OSError:
        return ""
    for link in links:
        try:
            if link.stat().st_rdev == device:
                return link.name
        except OSError:
            continue
    return ""


def drive_of(path: str) -> str:
    """The network drive that a path names, else its folder. By its text alone: no question to a
    drive that may hang."""
    try:
        mount = mount_of(path, os.fsdecode(_MOUNTS.read_bytes()))
    except OSError:
        mount = None
    return mount.place if mount is not None and mount.kind in NETWORK else os.path.dirname(path)  # noqa: PTH120 - as it is written


def _mount(folder: str) -> Mount | None:
    try:
        table = os.fsdecode(_MOUNTS.read_bytes())
    except OSError:
        return None
    return mount_of(os.path.realpath(folder), table)


def why_no_events(folder: str) -> str:
    """Why nobody tells of changes in this folder, for people; "" where the system does."""
    mount = _mount(folder)
    if mount is None:
        return ""
    if mount.kind in NETWORK:
        return f"a network drive ({mount.kind}) announces no changes"
    if mount.kind in OF_HOST:
        return f"a shared folder ({mount.kind}) announces no changes"
    return ""


def has_inodes(folder: str) -> bool:
    """Whether a file keeps its inode while its disk is away."""
    mount = _mount(folder)
    return mount is None or mount.kind not in WITHOUT_INODES
