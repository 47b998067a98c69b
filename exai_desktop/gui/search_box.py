"""A line for what is searched for; it says so when one has stopped typing."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit

from exai_desktop.gui.theme import Theme

# Long enough for the next letter, short enough to feel at once.
_TYPING_PAUSE_MS = 200
_WIDTH = 264


class SearchBox(QLineEdit):
    """`changed`: another text is searched for."""

    changed = Signal()

    def __init__(self, theme: Theme, name: str, hint: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setProperty("quiet", True)
        self.setClearButtonEnabled(True)
        self.setAcceptDrops(False)
        self.setMinimumWidth(_WIDTH // 2)
        self.setMaximumWidth(_WIDTH)
        self._glass = QAction(self)
        theme.dress(self._glass, "search", "muted")
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self.changed)
        self.textChanged.connect(lambda _text: self._pause.start())
        self.returnPressed.connect(self.changed)
