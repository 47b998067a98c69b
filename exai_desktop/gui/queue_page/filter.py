"""The line above the queue: filter chips with counts, and the search."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from exai_desktop.core.jobs.models import QueueSummary
from exai_desktop.core.jobs.states import JobState
from exai_desktop.gui.queue_page.state_look import GROUPS, Group
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, SearchBox, row


def count_of(group: Group, summary: QueueSummary) -> int:
    """How many jobs the group holds."""
    if not group.states:
        return summary.total
    return sum(summary.counts.get(state, 0) for state in group.states)


class QueueFilter(QWidget):
    """Says which states and which text are wanted; SQL does the work."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._group = GROUPS[0]
        self._summary = QueueSummary()
        self._chips: dict[str, Button] = {}
        self._exclusive = QButtonGroup(self)
        for group in GROUPS:
            self._add_chip(group, theme)
        self.search = SearchBox(theme, "Search the queue", "Search name, path, ID or hash")
        self.search.changed.connect(self.changed)
        layout = row(*self._chips.values(), 0, self.search, gap=4)
        layout.setStretchFactor(self.search, 100)
        self.setLayout(layout)
        self.show_counts(self._summary)

    @property
    def states(self) -> tuple[JobState, ...]:
        return self._group.states

    @property
    def text(self) -> str:
        return self.search.text().strip()

    def reset(self) -> None:
        """Show everything again."""
        self.search.clear()
        self.choose(GROUPS[0].title)

    def choose(self, title: str) -> None:
        """Switch to the group of this title."""
        self._chips[title].click()

    def show_counts(self, summary: QueueSummary) -> None:
        """Numbers behind the titles; a group that is rarely filled appears when it is."""
        self._summary = summary
        for group in GROUPS:
            count = count_of(group, summary)
            chip = self._chips[group.title]
            chip.setText(f"{group.title}  {count:,}")
            chip.setAccessibleName(f"{group.title}, {count:,} files")
            is_rare = group.states == (JobState.CANCELLED,)
            chip.setVisible(not is_rare or bool(count) or group is self._group)

    def _add_chip(self, group: Group, theme: Theme) -> None:
        chip = Button(theme, group.title, lambda: self._on_chip(group), kind="chip")
        chip.setCheckable(True)
        chip.setChecked(group is self._group)
        self._exclusive.addButton(chip)
        self._chips[group.title] = chip

    def _on_chip(self, group: Group) -> None:
        if group is not self._group:
            self._group = group
            self.show_counts(self._summary)
            self.changed.emit()
