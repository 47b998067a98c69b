"""News of changes by the system, its limits, and how a folder is told from another."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exai_desktop.engine.files import folder_mark
from exai_desktop.engine.files.folder_events import FolderEvents, NoEventsError
from exai_desktop.engine.files.folder_mark import has_inodes, mark_of, why_no_events
from tests.e2e.processes import eventually

# In a user namespace of its own a program may have limits of its own.
_LIMITED = """
import sys
from exai_desktop.engine.files.folder_events import FolderEvents, NoEventsError
try:
    FolderEvents(sys.argv[1:])
except NoEventsError as error:
    print(error)
"""


def test_changes_are_told_and_only_those_of_the_folders_given(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    events = FolderEvents([str(tmp_path)])
    seen: set[str] = set()
    (tmp_path / "below" / "b.txt").write_text("words")
    (tmp_path / "a.txt").write_text("words")

    def is_told() -> bool:
        seen.update(events.take() or ())
        return str(tmp_path / "a.txt") in seen

    assert eventually(is_told)
    assert not any(path.endswith("b.txt") for path in seen)
    events.close()


@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_a_reached_limit_is_said(tmp_path: Path, limit: str) -> None:
    folders = [tmp_path / str(number) for number in range(20)]
    for folder in folders:
        folder.mkdir()
    most = 5 if limit.endswith("watches") else 0
    script = f'echo {most} > /proc/sys/user/{limit} && exec "$@"'
    unshare = shutil.which("unshare")
    assert unshare is not None, "unshare (util-linux) is needed"
    done = subprocess.run(
        [unshare, "-Ur", "sh", "-c", script, "sh", sys.executable, "-c", _LIMITED, *folders],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("the system's limit of watche"), done.stderr


def test_a_name_that_is_not_utf8_has_no_events(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    Path(folder).mkdir()
    with pytest.raises(NoEventsError, match="not UTF-8"):
        FolderEvents([folder])


def test_a_folder_is_told_from_another_in_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    mark = mark_of(str(folder))
    assert mark is not None and mark_of(str(folder)) == mark
    folder.rename(tmp_path / "b")
    assert mark_of(str(folder)) is None
    folder.symlink_to(tmp_path / "b")
    assert mark_of(str(folder)) is None
    folder.unlink()
    folder.mkdir()
    assert mark_of(str(folder)) not in (None, mark)
    assert mark_of(str(tmp_path / "b")) == mark


def test_disks_and_drives_are_told_by_what_does_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    monkeypatch.setattr(folder_mark, "_MOUNTS", table)
    table.write_text(f"nas:/data {tmp_path} nfs4 rw 0 0\n")
    mark = mark_of(str(tmp_path))
    assert mark is not None and mark.file_system == "drive nas:/data"
    assert why_no_events(str(tmp_path)) == "a network drive (nfs4) announces no changes"
    table.write_text(f"C: {tmp_path} 9p rw 0 0\n")
    assert why_no_events(str(tmp_path)) == "a shared folder (9p) announces no changes"
    table.write_text(f"/dev/sdb1 {tmp_path} vfat rw 0 0\n")
    assert not has_inodes(str(tmp_path)) and not why_no_events(str(tmp_path))
    table.unlink()
    assert has_inodes(str(tmp_path)) and not why_no_events(str(tmp_path))
