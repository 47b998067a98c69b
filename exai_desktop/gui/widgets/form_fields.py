"""The fields of forms: plain lines, and one for a key that forgets it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme

MOST_PER_MINUTE: Final = 60_000


class LineField(QLineEdit):
    """One line; nothing can be dropped on it."""

    def __init__(self, name: str, placeholder: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setAcceptDrops(False)


class KeyField(LineField):
    """Shows dots unless the eye is chosen."""

    def __init__(self, theme: Theme, name: str = "API key") -> None:
        super().__init__(name, "")
        self._theme = theme
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.eye = QAction("Show the key", self)
        self.eye.setCheckable(True)
        self.eye.toggled.connect(self._show_key)
        theme.set_icon(self.eye, "eye", "muted")
        self.addAction(self.eye, QLineEdit.ActionPosition.TrailingPosition)

    @property
    def key(self) -> str:
        return self.text().strip()

    def forget(self) -> None:
        """Empty the field and its undo history."""
        # setText, unlike clear, leaves nothing to undo.
        self.setText("")
        self.eye.setChecked(False)

    def _show_key(self, wanted: bool) -> None:
        mode = QLineEdit.EchoMode
        self.setEchoMode(mode.Normal if wanted else mode.Password)
        self._theme.set_icon(self.eye, "eye-off" if wanted else "eye", "muted")


class NumberField(QSpinBox):
    """`nothing` is what 0 means, where 0 is allowed."""

    def __init__(self, name: str, least: int, most: int, nothing: str = "", unit: str = "") -> None:
        super().__init__()
        self.setRange(least, most)
        self.setAccessibleName(name)
        self.setGroupSeparatorShown(True)
        if nothing:
            self.setSpecialValueText(nothing)
        if unit:
            self.setSuffix(f" {unit}")
        # The style sheet's padding does not reach the field inside.
        self.lineEdit().setTextMargins(8, 0, 0, 0)


def choice(name: str) -> QComboBox:
    """A list to choose from, named for screen readers."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.view().setAccessibleName(name)
    return box


def field_label(text: str, buddy: QWidget) -> PlainLabel:
    """The words before a field; their key goes to it."""
    label = PlainLabel(text, role="muted")
    label.setBuddy(buddy)
    return label


def form_layout() -> QFormLayout:
    """Two columns, the fields as wide as there is room."""
    fields = QFormLayout()
    fields.setContentsMargins(0, 0, 0, 0)
    fields.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    fields.setHorizontalSpacing(16)
    fields.setVerticalSpacing(10)
    fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return fields
