"""When the queue waits by itself: two ticks of the menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from exai_desktop.core.settings import Settings

_WORDS: Final = {"on_battery": "Wait on &battery", "on_metered": "Wait on a &metered connection"}


class WaitingRules(QObject):
    def __init__(self, parent: QObject, on_change: Callable[[str, bool], object]) -> None:
        super().__init__(parent)
        self.actions = {name: self._make(name, on_change) for name in _WORDS}

    def _make(self, name: str, on_change: Callable[[str, bool], object]) -> QAction:
        action = QAction(_WORDS[name], self)
        action.setCheckable(True)
        action.triggered.connect(lambda wanted: on_change(name, wanted))
        return action

    def show_settings(self, settings: Settings) -> None:
        """What holds now."""
        for name, action in self.actions.items():
            action.setChecked(getattr(settings, name) == "wait")
