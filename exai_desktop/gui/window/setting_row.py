"""One setting: what it does, a field for its value, and what is wrong with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QLineEdit, QWidget

from exai_desktop.core.settings.table import SettingInfo, wrong_with
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, column, restyle, row
from exai_desktop.gui.widgets.form_fields import LineField, choice

_FIELD_WIDTH: Final = 264
_TOP: Final = Qt.AlignmentFlag.AlignTop


class SettingRow(QFrame):
    """`on_value` gets the name and the new value as text, once it can be one."""

    def __init__(
        self, theme: Theme, info: SettingInfo, on_value: Callable[[str, str], object]
    ) -> None:
        super().__init__()
        self.info = info
        self._on_value = on_value
        self._value = info.default
        self._fixed_by = ""
        self.field = self._make_field()
        self.field.setFixedWidth(_FIELD_WIDTH)
        self.note = PlainLabel(role="muted", wrap=True)
        self.reset = Button(theme, "Reset", self._reset, kind="link", name=f"Reset: {info.title}")
        title = PlainLabel(info.title, role="heading", wrap=True)
        title.setBuddy(self.field)  # some systems take a field's name from there only
        about = PlainLabel(info.about.replace("`", ""), role="muted", wrap=True)
        foot = row(self.note, self.reset, gap=8)
        foot.setStretch(0, 1)
        side = QWidget()
        side.setFixedWidth(_FIELD_WIDTH)
        side.setLayout(column(self.field, foot, 0, gap=4))
        whole = row(column(title, about, 0, gap=4), side, margin=16, gap=24)
        whole.setStretch(0, 1)
        self.setLayout(whole)
        self.show_value(info.default)

    def _make_field(self) -> QWidget:
        info = self.info
        if info.is_switch:
            box = QCheckBox("On")
            box.setAccessibleName(info.title)
            box.clicked.connect(lambda wanted: self._send("on" if wanted else "off"))
            return box
        if info.choices:
            several = choice(info.title)
            for value in info.choices:
                several.addItem(value.replace("_", " ").capitalize(), value)
            several.activated.connect(lambda _place: self._send(str(several.currentData())))
            return several
        line = LineField(info.title, info.default or "empty")
        line.textEdited.connect(self._look)
        line.editingFinished.connect(self._finish)
        return line

    @property
    def text(self) -> str:
        """What stands in the field."""
        if isinstance(self.field, QCheckBox):
            return "on" if self.field.isChecked() else "off"
        if isinstance(self.field, QComboBox):
            return str(self.field.currentData())
        return self.field.text() if isinstance(self.field, QLineEdit) else ""

    def show_value(self, value: str, fixed_by: str = "") -> None:
        """What is saved. `fixed_by`: who decides instead of the user, "" for nobody."""
        self._value, self._fixed_by = value, fixed_by
        if isinstance(self.field, QCheckBox):
            self.field.setChecked(value == "on")
        elif isinstance(self.field, QComboBox):
            self.field.setCurrentIndex(self.field.findData(value))
        elif isinstance(self.field, QLineEdit):
            self.field.setText(value)
        self.field.setEnabled(not fixed_by)
        self.show_problem("")

    def show_problem(self, problem: str) -> None:
        """What keeps this from being the value; "": nothing does."""
        restyle(self.field, "bad", bool(problem))
        restyle(self.note, "role", "error" if problem else "muted")
        self.note.setText(f"{problem}. {_STAYS}" if problem else self._state())
        self.reset.setVisible(not self._fixed_by and (self._value != self.info.default))

    def show_saved(self, text: str) -> None:
        """Said until something else is."""
        self.note.setText(text)

    def _state(self) -> str:
        if self._fixed_by:
            return f"Set by {self._fixed_by}"
        shown = self.info.default or "empty"
        choices = self.info.choices
        return f"Default: {shown.replace('_', ' ') if choices else shown}"

    def _look(self, text: str) -> None:
        self.show_problem(_sentence(wrong_with(self.info.name, text)))

    def _finish(self) -> None:
        if self.text != self._value and not wrong_with(self.info.name, self.text):
            self._send(self.text)

    def _send(self, value: str) -> None:
        self._on_value(self.info.name, value)

    def _reset(self) -> None:
        self.field.setFocus()
        self._send(self.info.default)


_STAYS: Final = "The last good value stays in force."


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]
