"""Trouble on this computer ends like any other: a cause, the files that wait, an exit code."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .program import Program
from .server import Server

MIB = 1024 * 1024


@pytest.fixture
def volume(profile_home: Path) -> Iterator[Path]:
    """The profile on a small file system of its own."""
    profile_home.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", "size=200m,mode=700", "tmpfs", str(profile_home))
    try:
        yield profile_home
    finally:
        subprocess.run(["umount", "--lazy", str(profile_home)], check=True)


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.fail("run these tests as root: they mount a small file system", pytrace=False)
    subprocess.run(["mount", *arguments], check=True)


def test_a_home_that_cannot_be_written_is_not_needed(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("text")
    nowhere = {"HOME": "/proc/none", "XDG_STATE_HOME": "/proc/none/state"}
    program.upload(tmp_path / "a.txt", environment=nowhere).expect(0)
    assert len(sandbox.stored()) == 1
    # The notes are in the profile then, and another place can be named.
    assert any((program.home / "contents").iterdir())
    named = nowhere | {"EXAI_DESKTOP_SHARED_FOLDER": str(tmp_path / "shared")}
    (tmp_path / "b.txt").write_text("other text")
    program.upload(tmp_path / "b.txt", environment=named).expect(0)
    assert any((tmp_path / "shared" / "contents").iterdir())


def test_a_small_disk_is_large_enough(
    volume: Path, program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("text")
    program.upload(tmp_path / "a.txt").expect(0)


def test_without_room_the_files_wait_and_the_verb_ends(
    volume: Path, program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in paths:
        path.write_text(path.name)
    free = os.statvfs(volume).f_bavail * os.statvfs(volume).f_frsize
    (volume / "taken").write_bytes(b"x" * (free - 8 * MIB))
    ended = program.upload(*paths).expect(1)
    assert {row["state"] for row in ended.rows} == {"waiting"}
    assert {row["error"]["code"] for row in ended.rows} == {"DISK_LOW"}
    assert all("MiB free" in row["error"]["detail"] for row in ended.rows)
    assert sandbox.stored() == []
    # They are in the queue: with room again they leave with the next ones.
    (volume / "taken").unlink()
    (tmp_path / "c.txt").write_text("c")
    program.upload(tmp_path / "c.txt").expect(0)


@pytest.fixture
def read_only(program: Program, sandbox: Server, tmp_path: Path) -> Iterator[Path]:
    """A profile with one upload, which nobody may write to any more; returns another file."""
    program.add_account(sandbox)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    program.upload(tmp_path / "a.txt").expect(0)
    with _only_read(program.home):
        yield tmp_path / "b.txt"


@contextmanager
def _only_read(home: Path) -> Iterator[None]:
    _mount("--bind", str(home), str(home))
    _mount("-o", "remount,bind,ro", str(home))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


@pytest.mark.parametrize("verb", ["list", "show 1", "search a.txt", "files", "audit verify"])
def test_a_profile_that_is_only_read_can_be_read(
    program: Program, read_only: Path, verb: str
) -> None:
    ended = program.run(*verb.split()).expect(0)
    assert "PROFILE_READ_ONLY" in ended.err
    assert "EROFS" in ended.err
    if verb != "audit verify":
        assert "a.txt" in ended.out


def test_nothing_is_sent_that_cannot_be_written_down(
    program: Program, sandbox: Server, read_only: Path
) -> None:
    row = program.upload(read_only).expect(1).row
    assert row["error"]["code"] == "PROFILE_READ_ONLY"
    assert "EROFS" in row["error"]["detail"]
    assert len(sandbox.stored()) == 1


@pytest.mark.parametrize("passphrase", ["", "a passphrase for tests"])
def test_a_vault_that_is_only_read(program: Program, passphrase: str) -> None:
    """Nothing is written into it, also not what a first start would."""
    given = {"EXAI_DESKTOP_PASSPHRASE": "a passphrase for tests"}
    program.run("vault", "create", environment=given).expect(0)
    given = {"EXAI_DESKTOP_PASSPHRASE": passphrase} if passphrase else {}
    with _only_read(program.home):
        for verb in ("list", "account list", "vault status"):
            ended = program.run(*verb.split(), environment=given)
            assert ended.code == (1 if verb == "vault status" and not passphrase else 0)
            assert ended.err.count("\n") == 1, ended.err
            assert "PROFILE_READ_ONLY" in ended.err


def test_a_profile_without_permission_says_so(
    program: Program, sandbox: Server, tmp_path: Path
) -> None:
    program.add_account(sandbox)
    (tmp_path / "a.txt").write_text("text")
    folders = (program.home, program.home / "locks")
    for path in (*folders, *program.home.glob("locks/*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        row = program.upload(tmp_path / "a.txt", without_privilege=True).expect(1).row
        listed = program.run("list", without_privilege=True).expect(0)
    finally:
        for path in folders:
            path.chmod(0o700)
    assert row["error"]["code"] == "PROFILE_FORBIDDEN"
    assert "EACCES" in row["error"]["detail"]
    assert "PROFILE_FORBIDDEN" in listed.err


def test_a_path_that_is_too_long_says_so(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    long = {"EXAI_DESKTOP_HOME": str(tmp_path / ("x" * 300))}
    row = program.upload(tmp_path / "a.txt", environment=long).expect(1).row
    assert row["error"]["code"] == "PROFILE_PATH_TOO_LONG"
