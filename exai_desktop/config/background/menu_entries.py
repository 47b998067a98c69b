"""Entries in the menus of the file managers: *Upload with EXAI Desktop* on selected files.

For the user alone, below the folders that the XDG specification names, and only for managers that
are installed. Each entry is a file of its own, which bears our name; nothing else is touched.
Thunar keeps the actions of all programs in one file: there one element is added or taken out, as
text, and every other byte stays. The former file is kept beside it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.background.login_start import APP_ID, start_command
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import FileManagerEntry

_TITLE: Final = "Upload with EXAI Desktop"
_UNIQUE_ID: Final = "exai-desktop-upload"
# Ours and no other's: what bears it may be replaced and removed.
_MARK: Final = "Made by EXAI Desktop"
_SAFE: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def file_managers(change: str = "look") -> list[FileManagerEntry]:
    """Blocks. `install` or `remove` our entries, and tell what was changed; `look`: of each
    manager that the program knows. Raises FILE_MANAGERS_NOT_CHANGED."""
    managers = FileManagers()
    match change:
        case "install":
            return managers.install()
        case "remove":
            return managers.remove()
    return managers.entries()


class FileManagers:
    """Of the user whose folders these are. All raise FILE_MANAGERS_NOT_CHANGED."""

    def __init__(self, command: Sequence[str] = (), platform: str = sys.platform) -> None:
        self._command = list(command or start_command())
        self._platform = platform
        data, config = _base("XDG_DATA_HOME", ".local/share"), _base("XDG_CONFIG_HOME", ".config")
        self._paths = {
            "Nautilus": data / "nautilus" / "scripts" / _TITLE,
            "Nemo": data / "nemo" / "actions" / f"{APP_ID}.nemo_action",
            "Dolphin": data / "kio" / "servicemenus" / f"{APP_ID}.desktop",
            "Thunar": config / "Thunar" / "uca.xml",
        }

    def entries(self) -> list[FileManagerEntry]:
        """Of each manager that the program knows."""
        found = []
        for name, path in self._paths.items():
            is_there = self._platform == "linux" and shutil.which(name.lower()) is not None
            found.append(FileManagerEntry(name, str(path), is_there, self._is_set(name, path)))
        return found

    def _is_set(self, name: str, path: Path) -> bool:
        content = _content(path)
        if name == "Thunar":
            return _element(content) is not None
        return _MARK in content

    def install(self) -> list[FileManagerEntry]:
        """For each manager that is installed; returns these. An entry of ours is replaced."""
        wanted = [entry for entry in self.entries() if entry.is_there]
        for entry in wanted:
            self._write(entry)
        return wanted

    def remove(self) -> list[FileManagerEntry]:
        """All of our entries, also those of managers that are gone; returns what was removed."""
        there = [entry for entry in self.entries() if entry.is_set]
        for entry in there:
            path = Path(entry.path)
            try:
                if entry.name == "Thunar":
                    _change_actions(path, "")
                else:
                    path.unlink()
            except OSError as error:
                raise _failure(path, error.strerror or str(error)) from error
        return there

    def _write(self, entry: FileManagerEntry) -> None:
        path = Path(entry.path)
        if entry.name != "Thunar" and os.path.lexists(path) and not entry.is_set:
            raise _failure(path, "another program has a file of this name there")
        text = {
            "Nautilus": self._script,
            "Nemo": self._nemo,
            "Dolphin": self._dolphin,
            "Thunar": self._thunar,
        }[entry.name]()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.name == "Thunar":
                _change_actions(path, text)
                return
            write_file(path, text.encode())
            if entry.name in ("Nautilus", "Dolphin"):
                # KDE runs service menus of a user only if they are marked as programs.
                path.chmod(0o755)
        except OSError as error:
            raise _failure(path, error.strerror or str(error)) from error

    def _script(self) -> str:
        """Nautilus names the files as arguments of the script."""
        words = " ".join(_shell_word(word) for word in self._command)
        return f'#!/bin/sh\n# {_MARK}\nexec {words} "$@"\n'

    def _nemo(self) -> str:
        return _entry(
            "[Nemo Action]",
            f"Name={_TITLE}",
            "Comment=Upload %N",
            f"Exec={_command_line(self._command)} %F",
            f"Icon-Name={APP_ID}",
            "Selection=NotNone",
            "Extensions=any;",
            "Quote=double",
        )

    def _dolphin(self) -> str:
        return _entry(
            "[Desktop Entry]",
            "Type=Service",
            "X-KDE-ServiceTypes=KonqPopupMenu/Plugin",
            f"Name={_TITLE}",
            "MimeType=application/octet-stream;inode/directory;",
            "Actions=upload;",
            "",
            "[Desktop Action upload]",
            f"Name={_TITLE}",
            f"Icon={APP_ID}",
            f"Exec={_command_line(self._command)} %F",
        )

    def _thunar(self) -> str:
        command = escape(f"{_command_line(self._command)} %F")
        kinds = ("directories", "audio-files", "image-files", "other-files", "text-files")
        return "\n".join(
            (
                "<action>",
                f"\t<icon>{APP_ID}</icon>",
                f"\t<name>{_TITLE}</name>",
                f"\t<unique-id>{_UNIQUE_ID}</unique-id>",
                f"\t<command>{command}</command>",
                f"\t<description>{_MARK}</description>",
                "\t<patterns>*</patterns>",
                *(f"\t<{kind}/>" for kind in (*kinds, "video-files")),
                "</action>",
            )
        )


_NO_ACTIONS: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<actions>\n</actions>\n'
_ACTION: Final = re.compile(r"[ \t]*<action>(?:(?!</action>).)*</action>[ \t]*\n?", re.DOTALL)


def _element(text: str) -> re.Match[str] | None:
    """Our element in Thunar's file."""
    wanted = f"<unique-id>{_UNIQUE_ID}</unique-id>"
    return next((found for found in _ACTION.finditer(text) if wanted in found[0]), None)


def _change_actions(path: Path, action: str) -> None:
    """Put this action in the place of ours; empty: none. All else stays as it is, byte by byte.

    A file that is not what Thunar writes is not touched.
    """
    # The user may keep it elsewhere and link to it: the link stays.
    path = Path(os.path.realpath(path))
    before = _content(path)
    text = before or _NO_ACTIONS
    others = _others(path, text)
    if found := _element(text):
        text = text[: found.start()] + text[found.end() :]
    if action:
        end = text.rfind("</actions>")
        if end < 0:  # <actions/>
            text = re.sub(r"<actions\s*/>", "<actions>\n</actions>", text)
            end = text.rfind("</actions>")
        text = f"{text[:end]}{action}\n{text[end:]}"
    if _others(path, text) != others:
        raise _failure(path, "another action would change")
    if text == before:
        return
    if before:
        write_file(path.with_name(f"{path.name}.exai-backup"), before.encode())
    write_file(path, text.encode())


def _others(path: Path, text: str) -> list[bytes]:
    """All actions but ours, as an XML parser sees them."""
    try:
        root = ET.fromstring(text.encode())  # noqa: S314 - a file of the user, who may harm himself
    except ET.ParseError as error:
        raise _failure(path, f"not XML: {error}") from error
    if root.tag != "actions":
        raise _failure(path, "not a file with Thunar's actions")
    for one in root:
        one.tail = ""
    return [ET.tostring(one) for one in root if one.findtext("unique-id") != _UNIQUE_ID]


def _content(path: Path) -> str:
    """Empty where there is nothing."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _failure(path, getattr(error, "strerror", None) or "not UTF-8") from error


def _failure(path: Path, reason: str) -> EngineError:
    return EngineError(ErrorCode.FILE_MANAGERS_NOT_CHANGED, f"{path}: {reason}")


def _entry(*lines: str) -> str:
    return "\n".join((f"# {_MARK}", *lines)) + "\n"


def _shell_word(word: str) -> str:
    return word if _SAFE.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"


def _command_line(command: Sequence[str]) -> str:
    """Each manager reads it its own way: only words that mean the same to all of them."""
    for word in command:
        if not re.fullmatch(r"[A-Za-z0-9_@+=:,./ -]+", word):
            raise EngineError(
                ErrorCode.FILE_MANAGERS_NOT_CHANGED,
                f"{word}: a path with such a sign cannot be written into an entry",
            )
    return " ".join(f'"{word}"' if " " in word else word for word in command)


def _base(variable: str, usual: str) -> Path:
    given = os.environ.get(variable, "")
    return Path(given) if Path(given).is_absolute() else Path.home() / usual
