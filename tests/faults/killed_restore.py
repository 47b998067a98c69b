"""A restore that is killed at each change of the disk, one after the other.

    python -m tests.faults.killed_restore BACKUP PROFILE FOLDER

For each number a copy of the profile is made in the folder, and a child of this process restores
the backup into it; at that many changes of the disk the child is gone, as by kill -9. Prints how
many there were. The program knows nothing of it: Python tells of each file that is opened,
renamed or deleted.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from exai_desktop.bootstrap import restore_backup

_CHANGES: Final = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "open", "sqlite3.connect"}


def strike_at(number: int, home: Path) -> None:
    """From now on this process ends at that change below the folder."""
    left = number

    def seen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event not in _CHANGES or not arguments or not _is_below(arguments[0], home):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        left -= 1
        if left == 0:
            os._exit(9)

    sys.addaudithook(seen)


def _is_below(path: object, home: Path) -> bool:
    return isinstance(path, str | bytes | os.PathLike) and str(home) in os.fsdecode(path)


def main(backup: Path, profile: Path, folder: Path) -> int:
    number = 0
    while True:
        number += 1
        home = folder / str(number)
        shutil.copytree(profile, home)
        os.environ["EXAI_DESKTOP_HOME"] = str(home)
        child = os.fork()
        if child == 0:
            strike_at(number, home)
            restore_backup(backup, "", None)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return number
        assert code == 9, f"restore {number} ended with {code}"


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:4])))
