"""The page of a plan: counts while folders are read, then lanes that the user can change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QWidget

from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.planning.plan import PlanMove, UploadPlan
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.plan import words
from exai_desktop.gui.plan.groups import GroupKey, GroupRow, Targets
from exai_desktop.gui.plan.lanes import LaneCard, LeftCard, all_rows
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import place_text
from exai_desktop.gui.widgets.card_list import scrolled
from exai_desktop.gui.widgets.controls import Button, clear_layout, column, row
from exai_desktop.gui.widgets.result_line import ResultLine

# A narrower page has what stays below the accounts.
_ROOM_FOR_TWO: Final = 900


class PlanPage(QWidget):
    """Shows one plan at a time. `moved`: what the user wants elsewhere, and where (a list of
    `PlanMove`). `allowed`: an account. `stopped`: what was counted is enough."""

    moved = Signal(object)
    allowed = Signal(str)
    stopped = Signal()
    renewed = Signal()
    sent = Signal()
    cancelled = Signal()

    def __init__(self, theme: Theme, table: ProviderTable) -> None:
        super().__init__()
        self._theme = theme
        self._table = table
        self._is_busy = False
        self.plan = UploadPlan(0, 0, (), (), None, is_whole=False)
        self._title = PlainLabel(role="page", wrap=True)
        self._note = ElidedLabel(role="muted", at_end=True)
        self.lanes: dict[str, LaneCard] = {}
        self.left: dict[str, LeftCard] = {}
        self._goes = PlainLabel(role="title")
        self._stays = PlainLabel(role="title")
        self._lane_column = column(gap=16)
        self._left_column = column(gap=16)
        goes = column(self._goes, self._lane_column, 0, gap=8)
        stays = column(self._stays, self._left_column, 0, gap=8)
        self._sides = QHBoxLayout()
        self._sides.setSpacing(24)
        self._sides.addLayout(goes, 3)
        self._sides.addLayout(stays, 2)
        self._sides.setContentsMargins(0, 0, 4, 0)
        self.area = scrolled(self._sides, "Plan")
        self.result = ResultLine(theme)
        self.cancel = Button(theme, "&Cancel", self.cancelled.emit)
        self.stop = Button(theme, "S&top counting, use these", self.stopped.emit, icon="pause")
        self.again = Button(theme, "Check &again", self.renewed.emit, icon="retry")
        self.send = Button(theme, "&Send", self.sent.emit, kind="primary", icon="send")
        self._sum = PlainLabel(role="heading")
        self._rest = ElidedLabel(role="muted", at_end=True)
        self._assemble()

    def _assemble(self) -> None:
        for section in words.SECTIONS:
            self.left[section] = LeftCard(self._theme, section, self._move)
            self._left_column.addWidget(self.left[section])
        foot = QFrame()
        foot.setProperty("strip", True)
        line = row(self._sum, self._rest, self.cancel, self.stop, self.again, self.send, gap=12)
        line.setContentsMargins(24, 10, 24, 10)
        line.setStretch(1, 1)
        foot.setLayout(line)
        body = column(column(self._title, self._note, gap=4), self.area, self.result, gap=12)
        body.setContentsMargins(24, 16, 24, 12)
        body.setStretch(1, 1)
        whole = column(body, foot, gap=0)
        whole.setStretch(0, 1)
        self.setLayout(whole)

    def minimumSizeHint(self) -> QSize:
        """Small enough for half a laptop's screen."""
        return QSize(640, 420)

    @property
    def title(self) -> str:
        """What it says at the top."""
        return self._title.text()

    @property
    def summary(self) -> str:
        """What it says at the bottom."""
        return f"{self._sum.text()}. {self._rest.text()}"

    def begin(self, plan: UploadPlan) -> None:
        """Another plan: nothing of the last one is left."""
        clear_layout(self._lane_column)
        self.lanes = {}
        self.result.hide()
        self.again.hide()
        self._is_busy = False
        for line in self._rows():
            line.choose.setChecked(False)
        self.show_plan(plan)
        self.cancel.setFocus()

    def show_plan(self, plan: UploadPlan) -> None:
        """As far as it has come."""
        was_counting = not self.plan.is_whole
        self.plan = plan
        self._title.setText(words.title_of(plan))
        self._note.setText(words.note_of(plan))
        self._goes.setText(f"Goes now: {words.files_text(plan.fitting)}")
        rest = plan.files - plan.fitting
        self._stays.setText(f"Stays here: {words.files_text(rest)}" if rest else "")
        self._stays.setVisible(bool(rest))
        self._sum.setText(words.sum_text(plan))
        self._rest.setText(words.rest_text(plan))
        self._show_lanes()
        self._enable()
        if was_counting and plan.is_whole and self.cancel.hasFocus():
            (self.send if self.send.isEnabled() else self.cancel).setFocus()

    def _show_lanes(self) -> None:
        plan, is_calm = self.plan, self._is_calm
        targets = [Targets(lane.name, lane.is_allowed) for lane in plan.lanes]
        for lane in plan.lanes:
            card = self.lanes.get(lane.name)
            if card is None:
                place = place_text(self._table, lane.provider, lane.region)
                provider = self._table.provider(lane.provider)
                company = provider.title if provider else lane.provider
                given = (lane.name, place, company, self._move, self.allowed.emit)
                card = self.lanes[lane.name] = LaneCard(self._theme, *given)
                self._lane_column.addWidget(card)
            card.show_lane(plan, lane, targets, is_calm=is_calm)
        for section, left in self.left.items():
            groups = [group for group in plan.left if words.section_of(group) == section]
            left.show_groups(groups, targets, is_calm=is_calm)

    @property
    def _is_calm(self) -> bool:
        return self.plan.is_whole and not self._is_busy

    def _enable(self) -> None:
        plan = self.plan
        is_outdated = not self.again.isHidden()
        self.stop.setVisible(not plan.is_whole)
        self.send.setVisible(plan.is_whole and not is_outdated)
        self.send.setEnabled(self._is_calm and bool(plan.files))
        self.send.setText(
            f"&Send {words.files_text(plan.fitting)}" if plan.fitting else "&Keep all"
        )
        self.send.setAccessibleName(self.send.text().replace("&", ""))

    def set_busy(self, is_busy: bool) -> None:
        """The engine works on a change: what is on show is not what would be sent."""
        self._is_busy = is_busy
        self._show_lanes()
        self._enable()

    def tell(self, text: str, target: str | None) -> None:
        """What came of a change; the focus goes where the files went."""
        self.result.show_good(text)
        card = self.lanes.get(target or "")
        lines = list(card.rows.values()) if card is not None else []
        (lines[0].move_to if lines else self.send).setFocus()

    def tell_error(self, error: AppError, *, is_outdated: bool = False) -> None:
        """It was not done, and why."""
        self.result.show_error(ErrorView.of(error))
        if is_outdated:
            self.again.show()
            self.again.setFocus()
            self._enable()

    def _rows(self) -> list[GroupRow]:
        return all_rows(self.lanes, self.left)

    def _move(self, key: GroupKey, target: str | None) -> None:
        """The group, together with all that are chosen if it is one of them."""
        chosen = [line.key for line in self._rows() if line.choose.isChecked()]
        keys = chosen if key in chosen else [key]
        moves = [
            PlanMove(target, each.account, each.reason, (each.kind,) if each.kind else ())
            for each in keys
            if each.account is None or each.account != target
        ]
        for line in self._rows():
            line.choose.setChecked(False)
        if moves:
            self.moved.emit(moves)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window one column: accounts first."""
        is_wide = event.size().width() >= _ROOM_FOR_TWO
        way = QBoxLayout.Direction
        self._sides.setDirection(way.LeftToRight if is_wide else way.TopToBottom)
        super().resizeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc gives the plan up; Enter presses the button that has the focus."""
        button = self.focusWidget()
        keys: dict[int, Callable[[], object]] = {Qt.Key.Key_Escape: self.cancel.click}
        if isinstance(button, Button):
            keys |= {Qt.Key.Key_Return: button.click, Qt.Key.Key_Enter: button.click}
        act = keys.get(event.key())
        if act is None:
            super().keyPressEvent(event)
        else:
            act()
