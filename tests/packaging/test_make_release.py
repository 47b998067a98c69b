"""What a release needs besides its packages: the program believes the list that is signed here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exai_desktop import __version__
from exai_desktop.config.installation.release_feed import ReleasePlace, SignedReleases

ROOT = Path(__file__).resolve().parents[2]
WHEN = 1_800_000_000


class Checkout:
    """What the script reads, without the rest."""

    def __init__(self, root: Path) -> None:
        self.root, self.dist = root, root / "dist"
        shutil.copytree(ROOT / "packaging", root / "packaging")
        shutil.copytree(ROOT / "exai_desktop", root / "exai_desktop")
        (root / "resources").mkdir()
        (root / "resources" / "releases.json").write_text('{"address": "", "keys": []}')
        (root / "CHANGELOG.md").write_text(
            f"# Changes\n\n## Unreleased\n\n- later\n\n## {__version__} - today\n\n- faster\n"
        )
        self.dist.mkdir()
        self.package = self.dist / f"exai-desktop_{__version__}_amd64.deb"
        self.package.write_bytes(b"a package")
        self.key = root / "release.key"

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "packaging/make_release.py", *words],
            cwd=self.root,
            env=os.environ | {"SOURCE_DATE_EPOCH": str(WHEN)} | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def make_key(self) -> subprocess.CompletedProcess[str]:
        return self.run("new-key", str(self.key), "--address", "https://downloads.example/l.json")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_program_believes_what_is_signed(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.make_key().returncode == 0
    assert checkout.key.stat().st_mode & 0o077 == 0
    words = ("files", __version__, "--page", "https://downloads.example/")
    ended = checkout.run(*words, EXAI_RELEASE_KEY_FILE=str(checkout.key))
    assert ended.returncode == 0, ended.stderr
    assert checkout.key.read_text().strip() not in ended.stdout + ended.stderr
    place = json.loads((checkout.root / "resources" / "releases.json").read_text())
    book = SignedReleases(tmp_path / "seen", ReleasePlace(place["address"], tuple(place["keys"])))
    found = book.take((checkout.dist / "releases.json").read_bytes(), WHEN)
    assert found.version == __version__
    assert (checkout.dist / "RELEASE-NOTES.md").read_text() == "- faster\n"
    total = hashlib.sha256(b"a package").hexdigest()
    assert (checkout.dist / "SHA256SUMS").read_text() == f"{total}  {checkout.package.name}\n"


def test_without_a_key_everything_else_is_made(checkout: Checkout) -> None:
    ended = checkout.run("files", __version__)
    assert ended.returncode == 0, ended.stderr
    assert "EXAI_RELEASE_KEY_FILE" in ended.stdout
    assert (checkout.dist / "SHA256SUMS").exists()
    assert not (checkout.dist / "releases.json").exists()


def test_a_key_that_others_can_read_or_that_no_build_knows_signs_nothing(
    checkout: Checkout,
) -> None:
    assert checkout.make_key().returncode == 0
    words = ("files", __version__, "--page", "https://downloads.example/")
    checkout.key.chmod(0o644)
    ended = checkout.run(*words, EXAI_RELEASE_KEY_FILE=str(checkout.key))
    assert ended.returncode == 1
    assert "chmod 600" in ended.stderr
    ended = checkout.run(*words, EXAI_RELEASE_KEY="00" * 32)
    assert ended.returncode == 1
    assert "does not have the public half" in ended.stderr
    # Nor is a key that is in use replaced.
    assert checkout.make_key().returncode == 1


def test_a_version_without_notes_is_no_release(checkout: Checkout) -> None:
    assert "says" in checkout.run("check", "9.9.9").stderr
    (checkout.root / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n")
    assert "no section" in checkout.run("check", __version__).stderr
