"""The start at login: the real file on Linux; the edge of the other systems is played."""

from __future__ import annotations

import plistlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest

from exai_desktop.config.background.login_start import (
    APP_ID,
    BookWithLogin,
    SystemLoginStart,
    start_command,
)
from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import SettingsFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.settings import Settings


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("EXAI_DESKTOP_HOME")
    return tmp_path


def entry_of(user: Path) -> Path:
    return user / "config" / "autostart" / f"{APP_ID}.desktop"


def unescaped(line: str) -> list[str]:
    """The words of Exec, as a desktop reads them: the file's escapes, then the quotes."""
    value = line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%")
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    assert " ".join(f'"{word}"' for word in words) == value
    return [re.sub(r"\\(.)", r"\1", word) for word in words]


def test_on_linux_an_entry_comes_and_goes(user: Path) -> None:
    SystemLoginStart("linux").set(True)
    lines = entry_of(user).read_text("utf-8").splitlines()
    assert lines[0] == "[Desktop Entry]"
    [command] = [line for line in lines if line.startswith("Exec=")]
    assert unescaped(command) == [sys.executable, "-m", "exai_desktop", "--minimized"]
    SystemLoginStart("linux").set(True)
    SystemLoginStart("linux").set(False)
    assert not entry_of(user).exists()
    SystemLoginStart("linux").set(False)


@pytest.mark.parametrize("name", ["with space", 'quo"te', "do$llar", "ba\\ck", "`tick`", "100%"])
def test_every_path_survives_the_quotes_of_the_entry(user: Path, name: str) -> None:
    SystemLoginStart("linux", [f"/opt/{name}/exai-desktop"]).set(True)
    [line] = [
        line for line in entry_of(user).read_text("utf-8").splitlines() if line.startswith("Exec=")
    ]
    assert unescaped(line) == [f"/opt/{name}/exai-desktop", "--minimized"]


def test_a_portable_profile_is_the_one_that_starts(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAI_DESKTOP_HOME", "/media/stick/my profile")
    SystemLoginStart("linux", ["/bin/exai-desktop"]).set(True)
    text = entry_of(user).read_text("utf-8")
    assert 'Exec="env" "EXAI_DESKTOP_HOME=/media/stick/my profile" "/bin/exai-desktop"' in text


def test_a_folder_of_settings_that_is_not_whole_is_not_meant(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    SystemLoginStart("linux").set(True)
    assert (user / ".config" / "autostart" / f"{APP_ID}.desktop").exists()


def test_a_folder_that_cannot_be_written_is_told(user: Path) -> None:
    (user / "config").write_text("no folder")
    with pytest.raises(EngineError) as caught:
        SystemLoginStart("linux").set(True)
    assert caught.value.code is ErrorCode.LOGIN_START_NOT_CHANGED
    assert caught.value.detail


def test_a_path_with_a_line_break_is_refused(user: Path) -> None:
    with pytest.raises(EngineError):
        SystemLoginStart("linux", ["/opt/a\nExec=evil"]).set(True)
    assert not entry_of(user).exists()


def test_on_a_mac_an_agent_comes_and_goes(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAI_DESKTOP_HOME", "/Volumes/stick/profile")
    SystemLoginStart("darwin", ["/Applications/EXAI Desktop.app/x"]).set(True)
    agent = user / "Library" / "LaunchAgents" / f"{APP_ID}.plist"
    content = plistlib.loads(agent.read_bytes())
    assert content["ProgramArguments"] == ["/Applications/EXAI Desktop.app/x", "--minimized"]
    assert content["EnvironmentVariables"] == {"EXAI_DESKTOP_HOME": "/Volumes/stick/profile"}
    assert content["RunAtLoad"] is True
    SystemLoginStart("darwin").set(False)
    assert not agent.exists()


class Registry(ModuleType):
    """The four calls of `winreg` that are used, over a dictionary."""

    HKEY_CURRENT_USER, REG_SZ = 1, 1

    def __init__(self) -> None:
        super().__init__("winreg")
        self.values: dict[str, str] = {}
        self.keys: list[str] = []

    def CreateKey(self, _root: int, path: str) -> Self:
        self.keys.append(path)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def SetValueEx(self, _key: Any, name: str, _reserved: int, _kind: int, value: str) -> None:
        self.values[name] = value

    def DeleteValue(self, _key: Any, name: str) -> None:
        if name not in self.values:
            raise FileNotFoundError(name)
        del self.values[name]


def test_on_windows_a_value_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    monkeypatch.setitem(sys.modules, "winreg", registry)
    start = SystemLoginStart("win32", [r"C:\Program Files\EXAI\exai-desktop.exe"])
    start.set(True)
    [value] = registry.values.values()
    assert value == r'"C:\Program Files\EXAI\exai-desktop.exe" --minimized'
    assert registry.keys == [r"Software\Microsoft\Windows\CurrentVersion\Run"]
    start.set(False)
    start.set(False)
    assert not registry.values


def test_on_windows_a_portable_profile_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "winreg", Registry())
    monkeypatch.setenv("EXAI_DESKTOP_HOME", r"E:\profile")
    with pytest.raises(EngineError):
        SystemLoginStart("win32").set(True)


def test_an_installed_program_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/exai/exai-desktop")
    assert start_command() == ["/opt/exai/exai-desktop"]
    monkeypatch.setenv("APPIMAGE", "/home/me/EXAI.AppImage")
    monkeypatch.setenv("APPDIR", "/opt/exai")
    assert start_command() == ["/home/me/EXAI.AppImage"]


def test_the_appimage_of_another_program_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/exai/exai-desktop")
    monkeypatch.setenv("APPIMAGE", "/home/me/Terminal.AppImage")
    assert start_command() == ["/opt/exai/exai-desktop"]
    monkeypatch.setenv("APPDIR", "/tmp/.mount_Terminal")
    assert start_command() == ["/opt/exai/exai-desktop"]


def test_the_setting_is_saved_after_the_system_has_done_it(user: Path) -> None:
    file = SettingsFile(SettingsDocument(user / "settings.json"))
    file.load()
    book = BookWithLogin(file, is_sandbox=False)
    book.save(Settings(start_at_login=True), "start_at_login")
    assert entry_of(user).exists()
    entry_of(user).unlink()
    # Switched off in the settings of the desktop: another setting does not bring it back.
    book.save(Settings(start_at_login=True, theme="dark"), "theme")
    assert not entry_of(user).exists()


def test_a_setting_that_is_not_saved_leaves_no_entry(user: Path) -> None:
    file = SettingsFile(SettingsDocument(user / "settings.json"))
    file.load()
    (user / "settings.json").mkdir()
    with pytest.raises((OSError, EngineError)):
        BookWithLogin(file, is_sandbox=False).save(Settings(start_at_login=True), "start_at_login")
    assert not entry_of(user).exists()


def test_the_sandbox_never_starts_at_login(user: Path) -> None:
    book = BookWithLogin(SettingsFile(SettingsDocument(user / "s.json")), is_sandbox=True)
    with pytest.raises(EngineError) as caught:
        book.save(Settings(start_at_login=True), "start_at_login")
    assert caught.value.code is ErrorCode.LOGIN_START_NOT_CHANGED
    assert not entry_of(user).exists()
