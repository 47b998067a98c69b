"""Settings that an administrator has fixed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import SettingsFile
from exai_desktop.config.settings.policy import Policy, policy_file
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.settings.table import BY_POLICY

OWNER = os.getuid() if sys.platform != "win32" else 0


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "policy.json"


def write(place: Path, content: object, mode: int = 0o644) -> None:
    place.write_text(content if isinstance(content, str) else json.dumps(content))
    place.chmod(mode)


def settings_file(place: Path, environment: dict[str, str] | None = None) -> SettingsFile:
    document = SettingsDocument(place.parent / "settings.json")
    return SettingsFile(document, environment or {}, Policy(place, OWNER))


def test_without_a_policy_nothing_is_fixed(place: Path) -> None:
    assert Policy(place, OWNER).read() == ({}, "")
    assert settings_file(place).fixed() == {}


def test_it_decides_before_file_and_environment(place: Path) -> None:
    write(place, {"settings": {"proxy": "http://proxy.invalid:3128", "readers": 3}})
    (place.parent / "settings.json").write_text(json.dumps({"settings": {"readers": 7}}))
    environment = {
        "EXAI_DESKTOP_PROXY": "http://other.invalid:1",
        "EXAI_DESKTOP_MAX_IN_FLIGHT": "4",
        # What does not hold needs not be right.
        "EXAI_DESKTOP_READERS": "many",
    }
    file = settings_file(place, environment)
    loaded = file.load()
    assert not loaded.problems
    assert loaded.settings.proxy == "http://proxy.invalid:3128"
    assert (loaded.settings.readers, loaded.settings.max_in_flight) == (3, 4)
    assert file.fixed() == {
        "proxy": BY_POLICY,
        "readers": BY_POLICY,
        "max_in_flight": "EXAI_DESKTOP_MAX_IN_FLIGHT",
    }


def test_what_it_says_is_not_written_into_the_users_file(place: Path) -> None:
    write(place, {"settings": {"readers": 3}})
    file = settings_file(place)
    settings = file.load().settings
    file.save(settings.model_copy(update={"theme": "dark"}), "theme")
    assert json.loads((place.parent / "settings.json").read_text())["settings"] == {"theme": "dark"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ([], "not an object"),
        ({"rules": []}, "not an object"),
        ({"settings": []}, "not an object"),
        ({"settings": {"no_such": 1}}, "no_such"),
        ({"settings": {"readers": 99}}, "readers"),
        ({"settings": {"proxy": "http://me:hunter2@proxy.invalid:1"}}, "proxy"),
    ],
)
def test_one_that_cannot_be_used_stops_sending(place: Path, content: object, reason: str) -> None:
    write(place, content)
    loaded = settings_file(place).load()
    assert [problem.code for problem in loaded.problems] == [ErrorCode.UNUSABLE_SETTING]
    assert reason in loaded.refusals[0]
    assert "hunter2" not in loaded.refusals[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_one_that_others_may_write_is_not_believed(place: Path) -> None:
    write(place, {"settings": {"allow_fallback": True}}, 0o666)
    loaded = settings_file(place).load()
    assert not loaded.settings.allow_fallback
    assert "administrator" in loaded.refusals[0]
    place.chmod(0o644)
    assert "administrator" in Policy(place, OWNER + 1).read()[1]


def test_a_link_to_a_disk_that_is_away_stops_sending(place: Path) -> None:
    place.symlink_to(place.parent / "away" / "policy.json")
    assert "target of this link" in settings_file(place).load().refusals[0]


def test_nothing_of_the_user_moves_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = policy_file()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "EXAI_DESKTOP_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert policy_file() == before
    assert policy_file().is_absolute()
