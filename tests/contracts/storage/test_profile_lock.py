"""One process a profile, also when it dies without a word."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.user_profile.profile_lock import ProfileLock

HOLDER = """
import sys, time
from pathlib import Path
from exai_desktop.storage.user_profile.profile_lock import ProfileLock
lock = ProfileLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_the_second_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "profile.lock"
    with ProfileLock(path), pytest.raises(EngineError) as caught:
        ProfileLock(path).acquire()
    assert caught.value.code is ErrorCode.ANOTHER_INSTANCE
    assert str(os.getpid()) in caught.value.detail


def test_it_can_be_taken_again_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "profile.lock"
    with ProfileLock(path):
        inode = path.stat().st_ino
    assert path.stat().st_ino == inode
    assert ProfileLock(path).holder() is None
    with ProfileLock(path):
        assert path.stat().st_ino == inode
        if sys.platform != "win32":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_kernel_releases_it_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "profile.lock"
    for _ in range(3):
        child = hold(path)
        with child:
            assert ProfileLock(path).holder() == child.pid
            with pytest.raises(EngineError) as caught:
                ProfileLock(path).acquire()
            assert caught.value.code is ErrorCode.ANOTHER_INSTANCE
            child.kill()
    with ProfileLock(path):
        assert ProfileLock(path).holder() == os.getpid()


def test_releasing_what_is_not_held_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "profile.lock"
    holder = ProfileLock(path)
    holder.acquire()
    ProfileLock(path).release()
    assert ProfileLock(path).holder() == os.getpid()
    with pytest.raises(EngineError):
        ProfileLock(path).acquire()
    holder.release()


@pytest.mark.skipif(sys.platform == "win32", reason="a folder of this name can be locked there")
def test_a_place_that_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "profile.lock").mkdir()
    with pytest.raises(EngineError) as caught:
        ProfileLock(tmp_path / "profile.lock").acquire()
    assert caught.value.code is ErrorCode.DATABASE_ERROR
