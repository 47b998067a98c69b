"""The entries of the menu bar about what the program does while its window is closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:  # to load the settings takes longer than to make the window
    from exai_desktop.core.settings import Settings

Change = Callable[[str, str], object]

TITLE: Final = "&Tray and notifications"

_CHECKS: Final = {
    "start_at_login": "&Start at login",
    "notify_file_names": "Show &file names",
}
_CHOICES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "on_close": (
        "When the &window is closed",
        {"ask": "&Ask", "keep_running": "&Keep running", "quit": "&Quit"},
    ),
    "tray_icon": (
        "&Icon in the tray",
        {
            "auto": "&Automatic",
            "light": "For a &light panel",
            "dark": "For a &dark panel",
            "off": "&None",
        },
    ),
    "notifications": (
        "&Notifications",
        {"all": "Finished uploads and &problems", "problems": "&Only problems", "off": "&None"},
    ),
    "quiet_hours": (
        "&Quiet hours",
        {"": "&None", "18:00-09:00": "1&8:00 to 09:00", "22:00-07:00": "2&2:00 to 07:00"},
    ),
}


# The entry of hours that were set elsewhere: to choose it again changes nothing.
_OWN: Final = "own"


class BackgroundMenu(QObject):
    """Each entry is a setting; `change` gets its name and its new value as text."""

    def __init__(self, parent: QObject, change: Change) -> None:
        super().__init__(parent)
        self._change = change
        self.checks = {name: self._check(name, text) for name, text in _CHECKS.items()}
        self.choices = {name: self._group(name) for name in _CHOICES}
        self._own_hours = self._add_own_hours()

    def fill(self, parent: QMenu) -> None:
        """One menu below this one."""
        menu = parent.addMenu(TITLE)
        menu.setAccessibleName(TITLE.replace("&", ""))
        menu.addAction(self.checks["start_at_login"])
        for name, (title, _) in _CHOICES.items():
            below = menu.addMenu(title)
            below.setAccessibleName(title.replace("&", ""))
            below.addActions(self.choices[name].actions())
        menu.addAction(self.checks["notify_file_names"])

    def _check(self, name: str, text: str) -> QAction:
        action = QAction(text, self)
        action.setCheckable(True)
        action.triggered.connect(
            lambda wanted, name=name: self._change(name, "true" if wanted else "false")
        )
        return action

    def _group(self, name: str) -> QActionGroup:
        group = QActionGroup(self)
        for value, text in _CHOICES[name][1].items():
            self._add(group, name, value, text)
        return group

    def _add_own_hours(self) -> QAction:
        """Other ones than the usual, while they are set."""
        action = self._add(self.choices["quiet_hours"], "quiet_hours", _OWN, "")
        action.setVisible(False)
        return action

    def _add(self, group: QActionGroup, name: str, value: str, text: str) -> QAction:
        action = group.addAction(text)
        action.setCheckable(True)
        action.setData(value)
        if value != _OWN:
            action.triggered.connect(lambda _checked=False: self._change(name, value))
        return action

    def show_settings(self, settings: Settings) -> None:
        """What holds now."""
        for name, check in self.checks.items():
            check.setChecked(bool(getattr(settings, name)))
        for name, group in self.choices.items():
            value = str(getattr(settings, name))
            for action in group.actions():
                action.setChecked(action.data() == value)
        hours = settings.quiet_hours
        is_own = hours not in _CHOICES["quiet_hours"][1]
        self._own_hours.setVisible(is_own)
        self._own_hours.setText(hours.replace("-", " to "))
        self._own_hours.setChecked(is_own)
