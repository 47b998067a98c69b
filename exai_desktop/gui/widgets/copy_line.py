"""Facts as lines of text that can be copied."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import (
    Button,
    row,
)

_COPIED_FOR_MS = 1_500
_TOP = Qt.AlignmentFlag.AlignTop


def copy_text(text: str) -> None:
    """Put text on the clipboard."""
    QGuiApplication.clipboard().setText(text)


class CopyLine(QWidget):
    """A value with a button that copies it and says so for a moment."""

    def __init__(self, theme: Theme, name: str, *, role: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._value = ElidedLabel(role=role)
        self.button = Button(theme, "", self.copy, icon="copy", kind="icon", name=f"Copy {name}")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_COPIED_FOR_MS)
        self._timer.timeout.connect(lambda: theme.set_icon(self.button, "copy"))
        layout = row(self._value, self.button, gap=4)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def show_value(self, value: str, *, can_copy: bool = True) -> None:
        """Show it whole or cut in the middle, as there is room."""
        self.button.setVisible(can_copy)
        self._value.setText(value)
        self._value.setAccessibleName(f"{self._name}: {value}")

    def copy(self) -> None:
        """To the clipboard; a tick for a moment."""
        copy_text(self._value.text())
        self._theme.set_icon(self.button, "check", "success")
        self._timer.start()


class Facts(QWidget):
    """Pairs of word and value; empty ones are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._values: dict[str, PlainLabel] = {}

    def show_facts(self, facts: dict[str, str]) -> None:
        """Exchange the values; the lines are made once."""
        for word, value in facts.items():
            if word not in self._values:
                self._add(word)
            self._values[word].setText(value)
            at = self._grid.indexOf(self._values[word])
            place = self._grid.getItemPosition(at)
            line = place[0] if isinstance(place, tuple) else 0
            for position in (0, 1):
                item = self._grid.itemAtPosition(line, position)
                widget = item.widget() if item else None
                if widget is not None:
                    widget.setVisible(bool(value))

    def _add(self, word: str) -> None:
        line = self._grid.rowCount()
        self._values[word] = PlainLabel(wrap=True, selectable=True)
        self._values[word].setAccessibleName(word)
        self._grid.addWidget(PlainLabel(word, role="muted"), line, 0, _TOP)
        self._grid.addWidget(self._values[word], line, 1, _TOP)
