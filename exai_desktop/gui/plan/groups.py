"""One group of a plan as a row: files of one kind at one account, or those with one reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtWidgets import QCheckBox, QMenu, QWidget

from exai_desktop.core.planning.kinds import FileKind
from exai_desktop.core.planning.plan import LeftGroup, PlannedGroup
from exai_desktop.gui.plan import words
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel, label_text
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.style.wording import size_text
from exai_desktop.gui.widgets.controls import Button, IconView, row

ROW_HEIGHT = 44


class GroupKey(NamedTuple):
    """`account`, or the `reason` for which files stay; of those at an account the kind."""

    account: str | None
    reason: str | None
    kind: FileKind | None


class Targets(NamedTuple):
    """An account that files can be moved to, and whether it is allowed to have them."""

    name: str
    is_allowed: bool


OnMove = Callable[[GroupKey, str | None], object]


class GroupRow(QWidget):
    """`choose` marks it to be moved together with others."""

    def __init__(self, theme: Theme, key: GroupKey, on_move: OnMove, icon: str, tone: str) -> None:
        super().__init__()
        self.key = key
        self._on_move = on_move
        self._targets: Sequence[Targets] = ()
        self.choose = QCheckBox()
        self._title = PlainLabel(role="heading", wrap=key.kind is None)
        self._more = ElidedLabel(role="muted", at_end=True)
        self.choose.setFixedWidth(24)
        # Qt opens the menu of a button by itself.
        self.move_to = Button(theme, "Move to", lambda: None)
        self.menu = QMenu(self.move_to)
        self.menu.aboutToShow.connect(self.fill)
        self.move_to.setMenu(self.menu)
        self.move_to.setProperty("menu", True)
        line = row(self.choose, IconView(theme, icon, tone, 18), self._title, self._more,
                   self.move_to, gap=8)  # fmt: skip
        line.setContentsMargins(12, 4, 12, 4)
        line.setStretch(2 if key.kind is None else 3, 1)
        self._more.setVisible(key.kind is not None)
        self.setLayout(line)
        self.setMinimumHeight(ROW_HEIGHT)

    @property
    def text(self) -> str:
        return self._title.text()

    def show_words(
        self, title: str, more: str, where: str, *, can_move: bool, is_calm: bool
    ) -> None:
        """`is_calm`: the user may move it now."""
        self._title.setText(title)
        self._more.setText(more)
        told = f"{title}, {where}"
        self.setAccessibleName(told)
        self.choose.setAccessibleName(f"Select {told}")
        self.move_to.setAccessibleName(f"Move to: {told}")
        self.menu.setAccessibleName(f"Move to: {told}")
        for part in (self.choose, self.move_to):
            part.setEnabled(is_calm)
            part.setVisible(can_move)

    def show_targets(self, targets: Sequence[Targets]) -> None:
        """The accounts of the plan; the row leaves out its own."""
        self._targets = targets

    def fill(self) -> None:
        """Set up the menu; an account without permission says so, and the engine refuses it."""
        self.menu.clear()
        for target in self._targets:
            if target.name != self.key.account:
                told = target.name if target.is_allowed else f"{target.name}: not allowed yet"
                self._entry(label_text(told), target.name)
        if self.key.reason != "LEFT_OUT":
            self.menu.addSeparator()
            self._entry("Leave out", None)

    def _entry(self, text: str, target: str | None) -> None:
        made = self.menu.addAction(text)
        made.triggered.connect(lambda _checked=False: self._on_move(self.key, target))


def show_group(line: GroupRow, group: PlannedGroup, account: str, *, is_calm: bool) -> None:
    """Files of one kind at an account."""
    endings = words.endings_text(group)
    more = f"{endings} · {size_text(group.bytes)}" if endings else size_text(group.bytes)
    title = words.group_text(group)
    line.show_words(title, more, f"at {account}", can_move=True, is_calm=is_calm)


def show_left(line: GroupRow, group: LeftGroup, *, is_calm: bool) -> None:
    """Files that stay for one reason."""
    title = f"{words.files_text(group.files)}: {group.title}"
    where = size_text(group.bytes)
    line.show_words(title, "", where, can_move=group.can_move, is_calm=is_calm)


def left_look(group: LeftGroup) -> tuple[str, str]:
    """Icon and colour of a reason."""
    section = words.section_of(group)
    looks = {
        "Does not fit": ("hourglass", Tone.CARE),
        "Waits for your word": ("help", Tone.CARE),
        "Refused": ("ban", Tone.BAD),
    }
    icon, tone = looks.get(section, ("minus", Tone.NEUTRAL))
    return icon, tone.value
