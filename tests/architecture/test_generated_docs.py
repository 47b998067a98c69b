"""The documents made from tables say what the tables say."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.settings import Settings

from .source_tree import ROOT

NAMES = ("architecture.md", "errors.md", "settings.md")


def _make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", str(ROOT / "packaging" / "make_docs.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def test_the_documents_are_up_to_date() -> None:
    done = _make("--check")
    assert done.returncode == 0, done.stderr


def test_they_are_made_anew_with_the_same_bytes(tmp_path: Path) -> None:
    assert _make("--folder", str(tmp_path)).returncode == 0
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (ROOT / "docs" / name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_stale_or_missing_one_is_named_and_left_as_it_is(tmp_path: Path, name: str) -> None:
    for other in NAMES:
        shutil.copy(ROOT / "docs" / other, tmp_path)
    stale = tmp_path / name
    stale.write_text(stale.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
    before = stale.read_bytes()
    done = _make("--check", "--folder", str(tmp_path))
    assert (done.returncode, stale.read_bytes()) == (1, before)
    assert f"stale: {name}." in done.stderr
    stale.unlink()
    assert _make("--check", "--folder", str(tmp_path)).returncode == 1
    assert not stale.exists()


def test_every_code_and_every_setting_has_its_section() -> None:
    errors = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert all(errors.count(f" {code}\n") == 1 for code in ErrorCode)
    assert all(settings.count(f"## {name}\n") == 1 for name in Settings.model_fields)
