"""Mounts, and what is told of watched folders."""

import pytest

from exai_desktop.core.files.files import FileId
from exai_desktop.core.files.mounts import NETWORK, Mount, mount_of
from exai_desktop.core.jobs.watched_folders import (
    SKIP_WORDS,
    STATE_WORDS,
    FolderMark,
    FoundFile,
    SkippedFiles,
    SkipReason,
    WatchCounts,
    WatchedFolder,
    WatchOptions,
    WatchState,
    WatchStatus,
    counts_text,
)

TABLE = """\
overlay / overlay rw 0 0
/dev/sda1 /home ext4 rw 0 0
server:/export /home/me/my\\040drive nfs4 rw 0 0
tmpfs /home/me/over tmpfs rw 0 0
//nas/share /home/me/over cifs rw 0 0
short line
"""


@pytest.mark.parametrize(
    ("folder", "source", "kind"),
    [
        ("/home/me", "/dev/sda1", "ext4"),
        ("/home", "/dev/sda1", "ext4"),
        ("/homeless", "overlay", "overlay"),
        ("/home/me/my drive/scans", "server:/export", "nfs4"),
        ("/home/me/over", "//nas/share", "cifs"),
    ],
)
def test_a_folder_is_on_the_innermost_and_last_mount(folder: str, source: str, kind: str) -> None:
    found = mount_of(folder, TABLE)
    assert found is not None
    assert (found.source, found.kind) == (source, kind)
    assert found.holds(folder)


def test_without_a_mount_there_is_none() -> None:
    assert mount_of("/home", "") is None
    assert not Mount("a", "/data", "ext4").holds("/database")
    assert "nfs" in NETWORK


def test_a_file_is_remembered_by_size_time_and_inode() -> None:
    known = FoundFile("a.txt", FileId(5, 1_000, 7, 9), 0.0)
    assert known.memory == "5 1000 9"
    assert FoundFile("a.txt", known.id, 0.0, has_inode=False).memory == "5 1000 0"


def test_every_state_and_reason_has_its_words() -> None:
    assert set(STATE_WORDS) == set(WatchState)
    assert set(SKIP_WORDS) == set(SkipReason)


def test_what_is_told_of_a_folder() -> None:
    folder = WatchedFolder(1, "/data/in", FolderMark(2, "disk x"), WatchOptions(), 0.0)
    assert WatchStatus(folder, WatchState.PAUSED).words == "Paused"
    polled = WatchStatus(folder, WatchState.POLLING, "a network drive announces no changes")
    assert polled.words == "Looking regularly: a network drive announces no changes"
    assert counts_text(WatchCounts()) == "no files yet"
    counts = WatchCounts(taken=1_300, done=1_234, asking=1, skipped=3)
    assert counts_text(counts) == "1,234 sent, 1 waiting for your answer, 3 skipped"


def test_skipped_files_are_counted_as_a_whole() -> None:
    assert SkippedFiles({SkipReason.KIND: 2, SkipReason.LINK: 1}).total == 3
