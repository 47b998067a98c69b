"""Start at login: an entry of the desktop (Linux), the registry (Windows) or launchd (Mac).

The entry belongs to the user, who may switch it off in the settings of the system as well: it is
written only when the setting changes, never behind the user's back.
"""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.installation.program import lasting_program, own_folder
from exai_desktop.config.profile_socket import HOME_VARIABLE
from exai_desktop.config.settings.file import SettingsFile
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.settings import Settings

APP_ID: Final = "io.github.exai_desktop.ExaiDesktop"
_RUN_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Run"
_RUN_NAME: Final = "EXAI Desktop"
# Signs that mean something in a quoted part of a desktop entry's Exec; %% is one %.
_ESCAPED: Final = '"`$\\'


def start_command() -> list[str]:
    """How this installation is started, whatever the PATH of the session will be."""
    folder = own_folder()
    if folder is not None:
        return [_own_appimage() or lasting_program(folder)]
    return [sys.executable, "-m", "exai_desktop"]


def _own_appimage() -> str:
    """The file of an AppImage, not the place where it is unpacked this time. Whatever is started by
    another program's AppImage inherits that one's variables."""
    file, unpacked = os.environ.get("APPIMAGE", ""), os.environ.get("APPDIR", "")
    if not file or not unpacked:
        return ""
    is_own = Path(sys.executable).resolve().is_relative_to(Path(unpacked).resolve())
    return file if is_own else ""


class SystemLoginStart:
    """Of the system that this is. `set` raises LOGIN_START_NOT_CHANGED."""

    def __init__(self, platform: str = sys.platform, command: Sequence[str] = ()) -> None:
        self._platform = platform
        self._command = [*(command or start_command()), "--minimized"]
        self._home = os.environ.get(HOME_VARIABLE, "")

    def set(self, wanted: bool) -> None:
        try:
            if self._platform == "win32":
                self._set_registry(wanted)
            elif self._platform == "darwin":
                _replace(_agent(), self._plist() if wanted else None)
            else:
                _replace(_autostart(), self._entry().encode() if wanted else None)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise EngineError(ErrorCode.LOGIN_START_NOT_CHANGED, reason) from error

    def _entry(self) -> str:
        command = self._command
        if self._home:
            command = ["env", f"{HOME_VARIABLE}={Path(self._home).absolute()}", *command]
        lines = (
            "[Desktop Entry]",
            "Type=Application",
            "Name=EXAI Desktop",
            "Comment=Upload files to Kimi and GLM",
            f"Exec={' '.join(map(_quoted, command))}",
            f"Icon={APP_ID}",
            "Terminal=false",
            "X-GNOME-Autostart-enabled=true",
        )
        return "\n".join(lines) + "\n"

    def _plist(self) -> bytes:
        content: dict[str, Any] = {
            "Label": APP_ID,
            "ProgramArguments": self._command,
            "RunAtLoad": True,
            "ProcessType": "Interactive",
        }
        if self._home:
            content["EnvironmentVariables"] = {HOME_VARIABLE: str(Path(self._home).absolute())}
        return plistlib.dumps(content)

    def _set_registry(self, wanted: bool) -> None:
        # Late: Windows only, and mypy knows it there only.
        import winreg

        registry: Any = winreg
        if wanted and self._home:
            raise OSError(0, f"a program of the registry cannot be given {HOME_VARIABLE}")
        with registry.CreateKey(registry.HKEY_CURRENT_USER, _RUN_KEY) as key:
            if wanted:
                line = subprocess.list2cmdline(self._command)
                registry.SetValueEx(key, _RUN_NAME, 0, registry.REG_SZ, line)
                return
            try:
                registry.DeleteValue(key, _RUN_NAME)
            except FileNotFoundError:
                return  # the user has removed it


class BookWithLogin:
    """The settings file. The start at login is changed before it is written: a setting that the
    system does not carry out would be a wrong promise."""

    def __init__(self, file: SettingsFile, *, is_sandbox: bool) -> None:
        self._file = file
        self._is_sandbox = is_sandbox

    def fixed(self) -> dict[str, str]:
        return self._file.fixed()

    def save(self, settings: Settings, *changed: str) -> None:
        """Blocks. Raises INVALID_SETTING, LOGIN_START_NOT_CHANGED."""
        if "start_at_login" in changed:
            if self._is_sandbox:
                reason = "the sandbox does not start at login"
                raise EngineError(ErrorCode.LOGIN_START_NOT_CHANGED, reason)
            start = SystemLoginStart()
            start.set(settings.start_at_login)
            try:
                self._file.save(settings, *changed)
            except Exception:
                with suppress(EngineError):
                    start.set(not settings.start_at_login)
                raise
            return
        self._file.save(settings, *changed)


def _autostart() -> Path:
    """By the specification of the desktops: a folder that is not absolute is not meant."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if Path(given).is_absolute() else Path.home() / ".config"
    return base / "autostart" / f"{APP_ID}.desktop"


def _agent() -> Path:
    return Path.home() / "Library" / "LaunchAgents" / f"{APP_ID}.plist"


def _replace(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        write_file(path, content)


def _quoted(word: str) -> str:
    """As the specification of desktop entries wants it: quoted for Exec, then once more escaped
    as every string of the file is."""
    if "\n" in word:
        raise OSError(0, "a line break in the path of the program")
    inner = "".join(f"\\{sign}" if sign in _ESCAPED else sign for sign in word)
    return f'"{inner}"'.replace("\\", "\\\\").replace("%", "%%")
