"""The line above the files: filter chips and the search."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from exai_desktop.core.copies.models import CopyState
from exai_desktop.gui.files_page.columns import GROUPS, FileGroup
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, SearchBox, row


class FilesFilter(QWidget):
    """Says which states and which text are wanted; SQL does the work."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._group = GROUPS[0]
        self.chips: dict[str, Button] = {}
        self._exclusive = QButtonGroup(self)
        for group in GROUPS:
            self._add_chip(group, theme)
        self.search = SearchBox(theme, "Search the files", "Search name, ID, hash or text")
        self.search.changed.connect(self.changed)
        layout = row(*self.chips.values(), 0, self.search, gap=4)
        layout.setStretchFactor(self.search, 100)
        self.setLayout(layout)

    @property
    def states(self) -> tuple[CopyState, ...]:
        return self._group.states

    @property
    def text(self) -> str:
        return self.search.text().strip()

    def reset(self) -> None:
        """Show everything again."""
        self.search.clear()
        self.chips[GROUPS[0].title].click()

    def _add_chip(self, group: FileGroup, theme: Theme) -> None:
        chip = Button(theme, group.title, lambda: self._on_chip(group), kind="chip")
        chip.setCheckable(True)
        chip.setChecked(group is self._group)
        self._exclusive.addButton(chip)
        self.chips[group.title] = chip

    def _on_chip(self, group: FileGroup) -> None:
        if group is not self._group:
            self._group = group
            self.changed.emit()
