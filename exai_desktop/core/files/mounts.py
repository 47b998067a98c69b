"""Which file system holds a folder, by the table of mounts that Linux has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Folders of other computers.
NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre"),
        *("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs", "fuse.davfs", "davfs"),
        *("fuse.gvfsd-fuse", "fuse.smbnetfs", "fuse.curlftpfs", "fuse.google-drive-ocamlfuse"),
    }
)
# Folders of the computer that this one is a guest of: changes made there are not announced.
OF_HOST: Final = frozenset({"9p", "drvfs", "vboxsf", "virtiofs", "prl_fs", "fuse.vmhgfs-fuse"})
# Files get another inode with each mount.
WITHOUT_INODES: Final = frozenset(
    {"vfat", "msdos", "exfat", "fuse.exfat", "fuse.sshfs", "fuse.rclone", "fuse.gvfsd-fuse"}
)
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """`source`: a device, or the address of a network drive."""

    source: str
    place: str
    kind: str

    def holds(self, folder: str) -> bool:
        return folder == self.place or folder.startswith(self.place.rstrip("/") + "/")


def _mounts(table: str) -> Iterator[Mount]:
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) >= 3:
            yield Mount(_plain(fields[0]), _plain(fields[1]), fields[2])


def _plain(field: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), field)


def mount_of(folder: str, table: str) -> Mount | None:
    """The mount that holds the folder, given by its real path: the longest, of equal ones the
    last. `table`: what is in /proc/self/mounts."""
    best: Mount | None = None
    for mount in _mounts(table):
        if mount.holds(folder) and (best is None or len(mount.place) >= len(best.place)):
            best = mount
    return best
