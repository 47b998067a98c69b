"""How the program came here, how it is started, and what has taken its place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from exai_desktop.config.background.login_start import start_command
from exai_desktop.config.installation.program import installed_by, lasting_program, replaced_by


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two versions beside each other, as packaging/linux/switch-version makes them."""
    for name in ("1.0-aaaaaaaaaaaa", "2.0-bbbbbbbbbbbb"):
        folder = tmp_path / "versions" / name
        folder.mkdir(parents=True)
        (folder / "exai-desktop").touch()
        (folder / "installed-by").write_text("deb\n")
    (tmp_path / "current").symlink_to("versions/1.0-aaaaaaaaaaaa")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    program = tmp_path / "versions" / "1.0-aaaaaaaaaaaa" / "exai-desktop"
    monkeypatch.setattr(sys, "executable", str(program))
    return tmp_path


def test_an_update_is_noticed_by_the_version_that_is_open(base: Path) -> None:
    own = base / "versions" / "1.0-aaaaaaaaaaaa"
    assert replaced_by(own) == ""
    (base / "current").unlink()
    assert replaced_by(own) == ""  # just being exchanged
    (base / "current").symlink_to("versions/2.0-bbbbbbbbbbbb")
    assert replaced_by(own) == "2.0"
    assert replaced_by(base / "versions" / "2.0-bbbbbbbbbbbb") == ""


def test_what_has_no_versions_is_replaced_by_none(tmp_path: Path) -> None:
    assert replaced_by(None) == ""
    assert replaced_by(tmp_path) == ""


def test_the_start_at_login_outlives_an_update(base: Path) -> None:
    assert start_command() == [str(base / "current" / "exai-desktop")]
    (base / "current").unlink()
    assert lasting_program(base / "versions" / "1.0-aaaaaaaaaaaa") == sys.executable


def test_the_kind_of_package_is_what_the_package_says(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = base / "versions" / "1.0-aaaaaaaaaaaa"
    assert installed_by(own) == "deb"
    assert installed_by(None) == "python"
    (own / "installed-by").write_bytes(b"\xff")
    assert installed_by(own) == ""
    (own / "installed-by").write_text("something")
    assert installed_by(own) == ""
    monkeypatch.setenv("APPIMAGE", "/x.AppImage")
    monkeypatch.setenv("APPDIR", "/tmp/x")
    assert installed_by(own) == "appimage"
