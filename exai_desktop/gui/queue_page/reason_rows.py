"""Files that were not sent, as groups: how many, why, and what can be done with all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from exai_desktop.core.errors.codes import ErrorCode, Retry
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.files.files import can_be_accepted
from exai_desktop.core.jobs.jobs import FINAL, JobState
from exai_desktop.core.jobs.ranges import RangeOrder
from exai_desktop.core.jobs.reasons import GroupKey, ReasonGroup
from exai_desktop.gui.queue_page.state_look import LOOKS
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import count_text
from exai_desktop.gui.widgets.card_list import scrolled
from exai_desktop.gui.widgets.controls import Button, Card, IconView, clear_layout, column, row

S = JobState
OnAction = Callable[[ReasonGroup, "GroupAction"], object]

ROW_HEIGHT: Final = 40
# More groups than these scroll, so that the list of files keeps its place.
_MOST_SEEN: Final = 4


class GroupAction(StrEnum):
    """The words are those of buttons and menus."""

    RETRY = "Retry all"
    RESUME = "Resume all"
    ALLOW_FALLBACK = "Allow another provider"
    SEND_ANYWAY = "Send anyway…"
    REMOVE = "Remove from list"
    EXPLAIN = "Explain…"


GROUP_ORDERS: Final = {
    GroupAction.RETRY: RangeOrder.RETRY,
    GroupAction.RESUME: RangeOrder.RESUME,
    GroupAction.ALLOW_FALLBACK: RangeOrder.ALLOW_FALLBACK,
    GroupAction.SEND_ANYWAY: RangeOrder.SEND_ANYWAY,
    GroupAction.REMOVE: RangeOrder.REMOVE,
}


def actions_of(group: ReasonGroup) -> tuple[GroupAction, ...]:
    """What can be done with all files of a group; the first one is the usual one."""
    code = group.code
    if group.state is S.HELD:
        return GroupAction.RESUME, GroupAction.EXPLAIN
    if code == ErrorCode.CONSENT_NEEDED:
        first = [GroupAction.ALLOW_FALLBACK, GroupAction.RETRY]
    elif group.is_skipped or _is_final(code):
        first = [GroupAction.REMOVE, GroupAction.RETRY]
    else:
        first = [GroupAction.RETRY]
    if can_be_accepted(code) and group.state is S.REFUSED:
        first.append(GroupAction.SEND_ANYWAY)
    if group.state in FINAL and GroupAction.REMOVE not in first:
        first.append(GroupAction.REMOVE)
    return (*first, GroupAction.EXPLAIN) if code else tuple(first)


def _is_final(code: str) -> bool:
    """Whether to try the same file again changes nothing."""
    try:
        return CODES[ErrorCode(code)].retry is Retry.NEVER
    except ValueError:
        return False


def title_of(group: ReasonGroup) -> str:
    """How many, and why."""
    return f"{count_text(group.files, 'file', 'files')}: {group.title}"


def explanation_of(group: ReasonGroup) -> str:
    """Everything that is known of the reason, for a dialog."""
    lines = [group.title, "", group.hint]
    error = group.error
    if error is not None:
        lines += ["", f"Code: {error.code}", *error.commands()]
    if group.example:
        lines += ["", f"One of these files: {group.example}"]
    return "\n".join(lines)


class ReasonLine(QWidget):
    """Tells of one group, with what to do."""

    def __init__(self, theme: Theme, group: ReasonGroup) -> None:
        super().__init__()
        self.setAccessibleName(title_of(group))
        words = column(
            PlainLabel(title_of(group), role="heading", wrap=True),
            PlainLabel(group.hint, role="muted", wrap=True),
            gap=2,
        )
        line = row(_icon(theme, group), words, gap=12)
        line.setStretch(1, 1)
        self.setLayout(line)


def _icon(theme: Theme, group: ReasonGroup) -> IconView:
    look = LOOKS[group.state]
    return IconView(theme, look.icon, Tone.NEUTRAL if group.is_skipped else look.tone)


class ReasonRow(QWidget):
    """One group with its usual command, the others behind "⋯"; `open` shows its files alone."""

    def __init__(
        self, theme: Theme, group: ReasonGroup, on_action: OnAction, on_open: Callable[[], object]
    ) -> None:
        super().__init__()
        self.group = group
        self._on_action = on_action
        self._title = PlainLabel(role="heading")
        self._hint = ElidedLabel(group.hint, role="muted", at_end=True)
        self.open = Button(theme, "Show", on_open, kind="ghost")
        self.open.setCheckable(True)
        usual, *others = actions_of(group)
        self.usual = Button(theme, usual, partial(self._act, usual))
        self.usual.setMinimumWidth(152)
        self.more = Button(theme, "⋯", self._show_menu, kind="ghost")
        self.menu = QMenu(self.more)
        for action in others:
            made = self.menu.addAction(action.value)
            made.triggered.connect(lambda _checked=False, action=action: self._act(action))
        line = row(
            _icon(theme, group), self._title, self._hint, self.open, self.usual, self.more, gap=8
        )
        line.setContentsMargins(12, 4, 8, 4)
        line.setStretch(2, 1)
        self.setLayout(line)
        self.setFixedHeight(ROW_HEIGHT)
        self.show_group(group)

    def show_group(self, group: ReasonGroup) -> None:
        """The same reason with another count."""
        self.group = group
        title = title_of(group)
        self._title.setText(title)
        self.setAccessibleName(title)
        self.open.setAccessibleName(f"Show the files: {title}")
        self.usual.setAccessibleName(f"{self.usual.text()}: {title}")
        self.more.setAccessibleName(f"More: {title}")
        self.menu.setAccessibleName(f"More: {title}")

    def _act(self, action: GroupAction) -> None:
        self._on_action(self.group, action)

    def _show_menu(self) -> None:
        self.menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))


class ReasonPanel(Card):
    """The groups above the list, hidden while there is none. `opened`: another group is shown
    alone, or none."""

    opened = Signal()

    def __init__(self, theme: Theme, on_action: OnAction) -> None:
        super().__init__("quiet")
        self._theme = theme
        self._on_action = on_action
        self._most_seen = _MOST_SEEN
        self.rows: dict[GroupKey, ReasonRow] = {}
        self.open_key: GroupKey | None = None
        self.setAccessibleName("Files that were not sent, by reason")
        self._lines = column(gap=0)
        self._area = scrolled(self._lines, "Reasons")
        self.setLayout(column(self._area, margin=1))
        self.hide()

    def show_groups(self, groups: Sequence[ReasonGroup]) -> bool:
        """Whether other groups are shown than before; else only their counts have changed."""
        keys = [group.key for group in groups]
        if keys == list(self.rows):
            for group in groups:
                self.rows[group.key].show_group(group)
            return False
        if self.open_key not in keys:
            self.open_key = None
        focus = self._focused()
        clear_layout(self._lines)
        self.rows = {group.key: self._row(group) for group in groups}
        for line in self.rows.values():
            self._lines.addWidget(line)
        if focus in self.rows:
            self.rows[focus].usual.setFocus()
        self._fit()
        return True

    def show_at_most(self, rows: int) -> None:
        """In a low window the list of files comes first."""
        self._most_seen = rows
        self._fit()

    def _focused(self) -> GroupKey | None:
        return next((k for k, line in self.rows.items() if line.usual.hasFocus()), None)

    def _row(self, group: ReasonGroup) -> ReasonRow:
        made = ReasonRow(self._theme, group, self._on_action, partial(self._toggle, group.key))
        made.open.setChecked(group.key == self.open_key)
        return made

    def _toggle(self, key: GroupKey) -> None:
        self.open_key = None if self.open_key == key else key
        for each, line in self.rows.items():
            line.open.setChecked(each == self.open_key)
        self.opened.emit()

    def _fit(self) -> None:
        self.setFixedHeight(ROW_HEIGHT * min(self._most_seen, len(self.rows)) + 4)
