"""The script in the .tar.xz: it installs for one user, updates, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINUX = Path(__file__).resolve().parents[2] / "packaging" / "linux"
ID = "io.github.exai_desktop.ExaiDesktop"
ENTRY = f"share/applications/{ID}.desktop"
UNIT = "share/systemd/user/exai-desktop-upload@.service"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script is for Linux")


class Unpacked:
    """The archive as it is when unpacked, with a program that only tells its version."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.prefix = home / ".local"

    def make(self, version: str, *more: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        program = self.folder / "app" / "exai-desktop"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho exai-desktop {version}\n")
        program.chmod(0o755)
        (self.folder / "app" / version).touch()
        (self.folder / "app" / "build-name").write_text(f"{version}-0123456789ab\n")
        for name in (ENTRY, UNIT, *more):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(LINUX / f"{ID}.desktop", self.folder / ENTRY)
        shutil.copy(LINUX / "systemd" / Path(UNIT).name, self.folder / UNIT)
        for name in more:
            (self.folder / name).write_text(version)
        for script in ("install.sh", "switch-version"):
            shutil.copy(LINUX / script, self.folder / script)

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "install.sh", *words],
            env={"HOME": str(self.home), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )

    def installed(self) -> str:
        """What the user gets who types the name."""
        program = self.prefix / "bin" / "exai-desktop"
        return subprocess.run([program], capture_output=True, text=True, check=True).stdout

    def files(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.prefix))
            for path in self.prefix.rglob("*")
            if not path.is_dir()
        )


@pytest.fixture
def unpacked(tmp_path: Path) -> Unpacked:
    home = tmp_path / "a home"
    home.mkdir()
    made = Unpacked(tmp_path / "exai desktop", home)
    made.make("1.0")
    return made


def test_it_installs_and_names_the_program_by_its_whole_path(unpacked: Unpacked) -> None:
    ended = unpacked.run()
    assert ended.returncode == 0, ended.stderr
    assert "exai-desktop 1.0" in ended.stdout
    assert unpacked.installed() == "exai-desktop 1.0\n"
    program = unpacked.prefix / "bin" / "exai-desktop"
    entry = (unpacked.prefix / ENTRY).read_text("utf-8").splitlines()
    starts = [line for line in entry if line.startswith("Exec=")]
    assert len(starts) == 4
    assert all(line.startswith(f'Exec="{program}"') for line in starts)
    assert f'ExecStart="{program}" upload' in (unpacked.prefix / UNIT).read_text("utf-8")


def test_an_update_replaces_everything_and_takes_away_what_is_no_more(unpacked: Unpacked) -> None:
    unpacked.make("1.0", "share/man/man1/old.1")
    assert unpacked.run().returncode == 0
    unpacked.make("2.0", "share/man/man1/new.1")
    assert unpacked.run().returncode == 0
    assert unpacked.installed() == "exai-desktop 2.0\n"
    found = unpacked.files()
    assert not [name for name in found if "old.1" in name or name.endswith("/1.0")]
    assert "share/man/man1/new.1" in found


def test_a_version_that_runs_stays_until_it_has_ended(unpacked: Unpacked) -> None:
    program = unpacked.folder / "app" / "exai-desktop"
    shutil.copy("/bin/sleep", program)
    assert unpacked.run().returncode == 0
    with subprocess.Popen([unpacked.prefix / "bin" / "exai-desktop", "600"]) as running:
        try:
            unpacked.make("2.0")
            assert unpacked.run().returncode == 0
            versions = unpacked.prefix / "lib" / "exai-desktop" / "versions"
            assert sorted(path.name[:3] for path in versions.iterdir()) == ["1.0", "2.0"]
            assert unpacked.installed() == "exai-desktop 2.0\n"
        finally:
            running.kill()
    assert unpacked.run().returncode == 0
    assert [path.name[:3] for path in versions.iterdir()] == ["2.0"]


def test_removal_leaves_the_data_and_what_others_have_put_there(unpacked: Unpacked) -> None:
    theirs = ["share/exai-desktop/exai-desktop.db", "share/applications/other.desktop", "bin/other"]
    for name in theirs:
        (unpacked.prefix / name).parent.mkdir(parents=True, exist_ok=True)
        (unpacked.prefix / name).write_text("theirs")
    assert unpacked.run().returncode == 0
    ended = unpacked.run("--uninstall")
    assert ended.returncode == 0, ended.stderr
    assert unpacked.files() == sorted(theirs)
    again = unpacked.run("--uninstall")
    assert again.returncode == 1
    assert "is not installed" in again.stderr


def test_removal_leaves_no_empty_folders_of_ours(unpacked: Unpacked) -> None:
    assert unpacked.run("--prefix", unpacked.home / "elsewhere").returncode == 0
    assert not unpacked.prefix.exists()
    assert unpacked.run("--uninstall", "--prefix", unpacked.home / "elsewhere").returncode == 0
    elsewhere = unpacked.home / "elsewhere"
    assert not elsewhere.exists() or not list(elsewhere.rglob("*"))


def test_a_program_that_does_not_start_here_replaces_nothing(unpacked: Unpacked) -> None:
    assert unpacked.run().returncode == 0
    unpacked.make("2.0")
    (unpacked.folder / "app" / "exai-desktop").write_text("#!/bin/sh\nexit 127\n")
    ended = unpacked.run()
    assert ended.returncode == 1
    assert "nothing was installed" in ended.stderr
    assert unpacked.installed() == "exai-desktop 1.0\n"


@pytest.mark.parametrize("words", [["--wrong"], ["--prefix"]], ids=" ".join)
def test_what_it_does_not_know_is_refused(unpacked: Unpacked, words: list[str]) -> None:
    ended = unpacked.run(*words)
    assert ended.returncode == 2
    assert not unpacked.prefix.exists()
