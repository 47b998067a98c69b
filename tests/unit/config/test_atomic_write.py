"""Replacing a file: whole or not at all, for its owner only, and on disk when it returns."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exai_desktop.config.atomic_write import write_file

OLD, NEW = b"old" * 100, b"new" * 200


def test_it_replaces_and_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_file(path, OLD)
    write_file(path, NEW)
    assert path.read_bytes() == NEW
    assert list(path.parent.iterdir()) == [path]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_that_was_open_to_others_is_not_any_more(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(0o644)
    write_file(path, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """What is forced to disk: (number of the file, whether it is a folder)."""
    found: list[tuple[int, bool]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        found.append((status.st_ino, stat.S_ISDIR(status.st_mode)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be forced to disk there")
def test_the_file_is_on_disk_before_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = _synced(monkeypatch)
    path = tmp_path / "file"
    write_file(path, NEW)
    assert synced == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_where_it_may_be_lost_nothing_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = _synced(monkeypatch)
    write_file(tmp_path / "file", NEW, to_disk=False)
    assert (tmp_path / "file").read_bytes() == NEW
    assert synced == []


def test_a_failure_leaves_the_old_content_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_file(path, OLD)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_file(path, NEW)
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from exai_desktop.config.atomic_write import write_file
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        write_file(Path(sys.argv[1]), letter * 1_000_000, to_disk=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_kill_leaves_one_whole_content(tmp_path: Path) -> None:
    dice = random.Random(20261127)
    path = tmp_path / "file"
    write_file(path, b"a" * 1_000_000)
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(dice.uniform(0.0, 0.1))
            writer.kill()
        assert path.read_bytes() in (b"a" * 1_000_000, b"b" * 1_000_000)
