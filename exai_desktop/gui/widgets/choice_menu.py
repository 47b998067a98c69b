"""A button that shows the present choice and opens the others."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from exai_desktop.gui.style.plain_text import label_text
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button


class ChoiceMenu(Button):
    """`None`, shown as `everything`, is the first choice."""

    chosen = Signal()

    def __init__(self, theme: Theme, name: str, everything: str, icon: str) -> None:
        super().__init__(theme, "", self.showMenu, icon=icon, name=name)
        self._name = name
        self._everything = everything
        self._choices: tuple[str, ...] | None = None
        self._group = QActionGroup(self)
        self.choice: str | None = None
        menu = QMenu(self)
        menu.setAccessibleName(name)
        self.setMenu(menu)
        self.setProperty("menu", True)
        self.show_choices(())

    def show_choices(self, choices: Sequence[str]) -> None:
        """What can be chosen now; a choice that is gone falls back to everything."""
        if tuple(choices) == self._choices:
            return
        self._choices = tuple(choices)
        menu = self.menu()
        menu.clear()
        is_gone = self.choice is not None and self.choice not in choices
        for choice in (None, *choices):
            action = self._group.addAction(label_text(choice or self._everything))
            action.setCheckable(True)
            action.setChecked(choice == self.choice)
            action.triggered.connect(lambda _checked=False, choice=choice: self.choose(choice))
            menu.addAction(action)
        if is_gone:
            self.choose(None)
        else:
            self._tell()

    def choose(self, choice: str | None) -> None:
        """Take this one."""
        self.choice = choice
        self._tell()
        self.chosen.emit()

    def _tell(self) -> None:
        word = self.choice or self._everything
        self.setText(label_text(f"{self._name}: {word}"))
        self.setAccessibleName(f"{self._name}: {word}")
