"""The line above a list: a chip for each group of states, and a search box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.controls import Button, SearchBox, row

State = TypeVar("State")


class StateGroup(NamedTuple, Generic[State]):
    """States that are shown together; no states means all that is listed.

    `hide_when_empty`: with counts, the chip is shown only while the group has rows or is chosen.
    """

    title: str
    states: tuple[State, ...]
    hide_when_empty: bool = False


class ChipFilter(QWidget, Generic[State]):
    """Says which states and which text are wanted; SQL does the work."""

    changed = Signal()

    def __init__(
        self, theme: Theme, groups: Sequence[StateGroup[State]], name: str, hint: str
    ) -> None:
        super().__init__()
        self._groups = groups
        self._chosen = groups[0]
        self._counts: tuple[Mapping[State, int], int] | None = None
        self.chips: dict[str, Button] = {}
        self._exclusive = QButtonGroup(self)
        for group in groups:
            self._add_chip(group, theme)
        self.search = SearchBox(theme, name, hint)
        self.search.changed.connect(self.changed)
        layout = row(*self.chips.values(), 0, self.search, gap=4)
        layout.setStretchFactor(self.search, 100)
        self.setLayout(layout)

    @property
    def states(self) -> tuple[State, ...]:
        return self._chosen.states

    @property
    def text(self) -> str:
        return self.search.text().strip()

    def reset(self) -> None:
        """Show everything again."""
        self.search.clear()
        self.choose(self._groups[0].title)

    def choose(self, title: str) -> None:
        """Switch to the group of this title."""
        self.chips[title].click()

    def start_search(self) -> None:
        """Put the cursor into the search box."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def show_counts(self, counts: Mapping[State, int], total: int) -> None:
        """Show after each title how many rows the group has."""
        self._counts = counts, total
        for group in self._groups:
            count = sum(counts.get(state, 0) for state in group.states) if group.states else total
            chip = self.chips[group.title]
            chip.setText(f"{group.title}  {count:,}")
            chip.setAccessibleName(f"{group.title}, {count_text(count, 'file', 'files')}")
            chip.setVisible(not group.hide_when_empty or bool(count) or group is self._chosen)

    def _add_chip(self, group: StateGroup[State], theme: Theme) -> None:
        chip = Button(theme, group.title, lambda: self._on_chip(group), kind="chip")
        chip.setCheckable(True)
        chip.setAutoExclusive(True)  # a screen reader says: one of several
        chip.setChecked(group is self._chosen)
        self._exclusive.addButton(chip)
        self.chips[group.title] = chip

    def _on_chip(self, group: StateGroup[State]) -> None:
        if group is self._chosen:
            return
        self._chosen = group
        if self._counts is not None:
            # An empty group that was shown because it was chosen disappears now.
            self.show_counts(*self._counts)
        self.changed.emit()
