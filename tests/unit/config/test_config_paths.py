"""Where a profile lives."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import platformdirs
import pytest

from exai_desktop.config import resources
from exai_desktop.config.paths import places
from exai_desktop.config.resources import load_provider_table, resource_path
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes and sockets")


def test_one_folder_holds_everything(profile_home: Path) -> None:
    found = places()
    for path in (
        found.data,
        found.settings_file,
        found.database,
        found.locks,
        found.logs,
        found.sandbox,
    ):
        assert path == profile_home or profile_home in path.parents
    assert found == places(profile_home)


def test_without_a_home_the_usual_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXAI_DESKTOP_HOME")
    found = places()
    assert found.data.name == "exai-desktop"
    if sys.platform == "linux":
        assert found.data.parent == Path(os.environ["XDG_DATA_HOME"])
        assert found.settings_file.parent.parent == Path(os.environ["XDG_CONFIG_HOME"])
        assert Path(os.environ["XDG_STATE_HOME"]) in found.logs.parents


@pytest.mark.parametrize("portable", [True, False])
def test_rehearsal_never_mixes_with_real_records(
    monkeypatch: pytest.MonkeyPatch, portable: bool
) -> None:
    if not portable:
        monkeypatch.delenv("EXAI_DESKTOP_HOME")
    real, rehearsal = places(), places(sandbox=True)
    assert rehearsal.data == real.sandbox == rehearsal.sandbox
    assert not {*rehearsal.former_ids} & {*real.former_ids}
    shared = {
        name
        for name in ("settings_file", "database", "locks", "logs", "socket")
        if getattr(real, name) == getattr(rehearsal, name)
    }
    assert not shared
    assert rehearsal.data in rehearsal.settings_file.parents


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places(Path("profile")).data == tmp_path / "profile"


@pytest.mark.parametrize("home", ["~", "~nouser/x", "~/x", "~root"])
def test_a_home_is_taken_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """The shell has replaced what was meant; what is left could only become a folder called ~."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXAI_DESKTOP_HOME", home)
    with pytest.raises(EngineError, match="EXAI_DESKTOP_HOME") as caught:
        places()
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("EXAI_DESKTOP_HOME", "./~x")
    assert places().data == tmp_path / "~x"


def test_without_a_known_home_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EXAI_DESKTOP_HOME")
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda *_, **__: "~/.local/share/x")
    with pytest.raises(EngineError, match="set EXAI_DESKTOP_HOME"):
        places()
    assert list(tmp_path.iterdir()) == []


@posix
def test_folders_are_their_owners_alone(profile_home: Path) -> None:
    old = os.umask(0)
    try:
        found = places()
    finally:
        os.umask(old)
    for folder in (found.data, found.locks, found.logs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


@posix
def test_all_spellings_of_a_folder_are_one_profile(tmp_path: Path) -> None:
    real = places(tmp_path / "profile")
    (tmp_path / "link").symlink_to("profile")
    (tmp_path / "other").mkdir()
    for spelling in ("link", "other/../profile", "link/../profile"):
        found = places(Path(f"{tmp_path}/{spelling}"))
        assert (found.data, found.socket, found.settings_file) == (
            real.data,
            real.socket,
            real.settings_file,
        )
        # Earlier versions went by the spelling: its keys are looked for under both.
        assert {*real.former_ids} <= {*found.former_ids}
    assert len(places(tmp_path / "link").former_ids) == 2


def test_a_user_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAI_DESKTOP_HOME", "~nobody-of-this-name/profile")
    with pytest.raises(EngineError) as caught:
        places()
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert "nobody-of-this-name" in caught.value.detail


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_folder_that_others_can_change_is_refused(profile_home: Path, mode: int) -> None:
    places()
    profile_home.chmod(mode)
    with pytest.raises(EngineError) as caught:
        places()
    assert caught.value.code is ErrorCode.PROFILE_NOT_PRIVATE
    assert f"chmod 700 {profile_home}" in caught.value.detail
    profile_home.chmod(0o700)
    places()


@posix
@pytest.mark.parametrize("name", ["settings.json", "exai-desktop.db", "profile.json", "vault"])
def test_a_file_that_others_can_change_is_refused(profile_home: Path, name: str) -> None:
    places()
    (profile_home / name).write_text("{}")
    (profile_home / name).chmod(0o666)
    with pytest.raises(EngineError) as caught:
        places()
    assert caught.value.code is ErrorCode.PROFILE_NOT_PRIVATE
    assert f"chmod 600 {profile_home / name}" in caught.value.detail


@posix
@pytest.mark.parametrize("mode", [0o755, 0o777, 0o1777])
def test_what_others_could_not_change_is_closed(profile_home: Path, mode: int) -> None:
    """Nobody can have changed anything: an empty folder, and a profile that was one before."""
    profile_home.mkdir()
    profile_home.chmod(mode)
    settings = places().settings_file
    assert stat.S_IMODE(profile_home.stat().st_mode) == 0o700
    settings.write_text("{}")
    profile_home.chmod(0o755)
    places()
    assert stat.S_IMODE(profile_home.stat().st_mode) == 0o700


@posix
def test_a_folder_of_somebody_elses_files_is_not_closed(profile_home: Path) -> None:
    profile_home.mkdir()
    (profile_home / "thesis.txt").write_text("not of this program")
    profile_home.chmod(0o755)
    with pytest.raises(EngineError) as caught:
        places()
    assert caught.value.code is ErrorCode.PROFILE_NOT_PRIVATE
    assert [path.name for path in profile_home.iterdir()] == ["thesis.txt"]
    assert stat.S_IMODE(profile_home.stat().st_mode) == 0o755


@posix
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)
@pytest.mark.parametrize("name", [".", "settings.json"])
def test_what_belongs_to_another_user_is_refused(profile_home: Path, name: str) -> None:
    places().settings_file.write_text("{}")
    os.chown(profile_home / name, 12_345, -1)
    with pytest.raises(EngineError) as caught:
        places()
    assert caught.value.code is ErrorCode.PROFILE_NOT_PRIVATE
    assert "12345" in caught.value.detail
    assert f"sudo chown -R 0 {profile_home}" in caught.value.detail


def test_a_home_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError) as caught:
        places(tmp_path / "file" / "profile")
    assert caught.value.code is ErrorCode.INVALID_SETTING


@posix
@pytest.mark.parametrize("has_runtime", [True, False])
def test_a_socket_path_always_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_runtime: bool
) -> None:
    long = tmp_path / ("deep" * 20) / "profile"
    if not has_runtime:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    found = places(long)
    assert len(os.fsencode(found.socket)) < 100
    assert found.socket == places(long).socket != places(tmp_path / ("deeq" * 20)).socket
    assert stat.S_IMODE(found.socket.parent.stat().st_mode) == 0o700
    if has_runtime:
        assert found.socket.parent == Path(os.environ["XDG_RUNTIME_DIR"])
    else:
        found.socket.parent.rmdir()
        places(tmp_path / ("deeq" * 20)).socket.parent.rmdir()


@posix
def test_a_short_home_holds_its_socket(short_home: Path) -> None:
    assert places(short_home).socket == short_home / "engine.sock"


@pytest.fixture
def short_home() -> Path:
    return Path(os.environ["XDG_DATA_HOME"]) / "p"


@posix
def test_a_folder_somebody_else_can_enter_holds_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    long = tmp_path / ("deep" * 20)
    folder = places(long).socket.parent
    folder.chmod(0o755)
    try:
        with pytest.raises(EngineError):
            places(long)
    finally:
        folder.rmdir()


def test_resources_of_a_source_checkout() -> None:
    assert resource_path("providers.toml").is_file()
    assert resource_path("icons").is_dir()


def test_resources_of_a_frozen_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    resources._root.cache_clear()
    try:
        assert resource_path("icons", "a.svg") == tmp_path / "resources" / "icons" / "a.svg"
    finally:
        resources._root.cache_clear()


def test_the_table_of_providers_is_sound() -> None:
    table = load_provider_table()
    assert [provider.name for provider in table.providers][:2] == ["kimi", "glm"]
    assert load_provider_table() is table


TROUBLE = {
    "EROFS": ErrorCode.PROFILE_READ_ONLY,
    "EACCES": ErrorCode.PROFILE_FORBIDDEN,
    "EPERM": ErrorCode.PROFILE_FORBIDDEN,
    "ENAMETOOLONG": ErrorCode.PROFILE_PATH_TOO_LONG,
    "ENOSPC": ErrorCode.DISK_FULL,
    "EDQUOT": ErrorCode.DISK_FULL,
    "EIO": ErrorCode.INVALID_SETTING,
}


@pytest.mark.parametrize("name", TROUBLE)
def test_what_the_system_says_of_the_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    number = getattr(errno, name)

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(EngineError) as caught:
        places(tmp_path / "profile")
    monkeypatch.undo()
    assert caught.value.code is TROUBLE[name]
    assert f"({name})" in caught.value.detail
