"""The choice of how fast files may leave, over all accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup

from exai_desktop.gui.wording import speed_text

_CHOICES: Final = (0, 100_000, 500_000, 1_000_000, 5_000_000)


class SpeedLimit(QActionGroup):
    """One of some usual limits, or the one the settings have."""

    TITLE = "&Speed limit"

    def __init__(self, parent: QObject, on_choice: Callable[[int], object]) -> None:
        super().__init__(parent)
        self._on_choice = on_choice
        for limit in _CHOICES:
            self._add(limit)
        self._own = self._add(-1)
        self.show_limit(0)

    def _add(self, limit: int) -> QAction:
        action = self.addAction(f"At most {speed_text(limit)}" if limit > 0 else "&None")
        action.setCheckable(True)
        action.setData(limit)
        action.triggered.connect(lambda _checked=False: self._on_choice(int(action.data())))
        return action

    def show_limit(self, limit: int) -> None:
        """What holds now; one that is none of the usual ones is shown, too."""
        is_usual = limit in _CHOICES
        self._own.setVisible(not is_usual)
        if not is_usual:
            self._own.setData(limit)
            self._own.setText(f"At most {speed_text(limit)}")
        for action in self.actions():
            action.setChecked(action.data() == limit)
