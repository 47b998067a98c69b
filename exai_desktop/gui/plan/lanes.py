"""The lanes of a plan: accounts with what would go there, and what stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QProgressBar, QVBoxLayout

from exai_desktop.core.planning.kinds import FileKind
from exai_desktop.core.planning.plan import LeftGroup, PlanLane, UploadPlan
from exai_desktop.gui.plan import words
from exai_desktop.gui.plan.groups import (
    GroupKey,
    GroupRow,
    OnMove,
    Targets,
    left_look,
    show_group,
    show_left,
)
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, Card, IconView, column, restyle, row

_KINDS: Final = list(FileKind)


class RoomBar(QProgressBar):
    """Solid is there, hatched is planned; a dashed outline means that no limit is known."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._held = self._planned = 0
        self._limit: int | None = None
        self.setTextVisible(False)
        self.setFixedHeight(8)

    def show_room(self, held: int, planned: int, limit: int | None) -> None:
        self._held, self._planned, self._limit = held, planned, limit
        self.setRange(0, max(1, limit if limit is not None else held + planned))
        self.setValue(min(held + planned, self.maximum()))
        most = "no limit known" if limit is None else f"of {limit:,}"
        self.setAccessibleName(f"{held:,} files held, {planned:,} planned, {most}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """In the colours that the theme has now."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        shape = QPainterPath()
        shape.addRoundedRect(whole, 4, 4)
        accent, track = self._theme.color("accent"), self._theme.color("track")
        if self._limit is None:
            painter.setPen(QPen(self._theme.color("outline"), 1, Qt.PenStyle.DashLine))
            painter.drawPath(shape)
        else:
            painter.fillPath(shape, track)
            painter.setClipPath(shape)
            step = whole.width() / max(1, self._limit)
            held, planned = step * self._held, step * self._planned
            solid = QRectF(whole.left(), whole.top(), held, whole.height())
            hatched = QRectF(whole.left() + held, whole.top(), planned, whole.height())
            if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
                solid.moveRight(whole.right())
                hatched.moveRight(whole.right() - held)
            painter.fillRect(solid, accent)
            painter.fillRect(hatched, self._theme.color("accent_soft"))
            painter.fillRect(hatched, QBrush(accent, Qt.BrushStyle.BDiagPattern))
            painter.setPen(QPen(accent, 1))
            if planned:
                painter.drawRoundedRect(hatched, 4, 4)
        painter.end()


class LaneCard(Card):
    """An account of the plan. One that needs the user's word says so, and has the button."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        place: str,
        company: str,
        on_move: OnMove,
        on_allow: Callable[[str], object],
    ) -> None:
        super().__init__()
        self.name = name
        self._theme = theme
        self._on_move = on_move
        self._company = company
        self._count = PlainLabel(role="heading")
        self._place = ElidedLabel(place, role="label", at_end=True)
        self.bar = RoomBar(theme)
        self._room = ElidedLabel(role="muted", at_end=True)
        self._clock = IconView(theme, "clock", "muted", 16)
        self._finish = PlainLabel()
        self._note = PlainLabel(
            f"Another company or region would get these files: {place}. This counts for this plan"
            " only.",
            role="muted",
            wrap=True,
        )
        self.allow = Button(theme, f"Allow {company} here", lambda: on_allow(name))
        self.rows: dict[FileKind, GroupRow] = {}
        told = column(ElidedLabel(name, role="heading"), self._place, gap=2)
        names = row(IconView(theme, "server", "text", 18), told, self._count, gap=8)
        names.setStretch(1, 1)
        foot = row(self._room, self._clock, self._finish, gap=8)
        foot.setStretch(0, 1)
        self._offer = QFrame()
        offer = row(self._note, self.allow, gap=16)
        offer.setStretch(0, 1)
        self._offer.setLayout(offer)
        top = column(names, self.bar, foot, self._offer, gap=8)
        top.setContentsMargins(12, 12, 12, 8)
        self._lines: QVBoxLayout = column(gap=0)
        self.setLayout(column(top, self._lines, margin=1, gap=0))

    @property
    def told(self) -> str:
        """All that it says of its account, for screen readers and tests."""
        return f"{self.name}: {self._count.text()}. {self._room.text()}. {self._finish.text()}"

    def show_lane(
        self, plan: UploadPlan, lane: PlanLane, targets: Sequence[Targets], *, is_calm: bool
    ) -> None:
        """`is_calm`: nothing is being counted or changed, so that files can be moved."""
        self._count.setText(words.lane_count(lane))
        self.bar.show_room(lane.held, lane.sums.files, words.limit_of(lane))
        self._room.setText(words.room_text(lane, is_whole=plan.is_whole))
        finish = words.finish_text(plan, lane)
        self._finish.setText(finish)
        self._finish.setVisible(bool(finish))
        self._clock.setVisible(bool(finish))
        self._offer.setVisible(not lane.is_allowed)
        self.allow.setEnabled(is_calm)
        self.allow.setAccessibleName(f"{self.allow.text()}: {self.name}")
        restyle(self, "offer", not lane.is_allowed)
        self.setAccessibleName(self.told)
        groups = {group.kind: group for group in lane.groups}
        for kind in set(self.rows) - set(groups):
            gone = self.rows.pop(kind)
            gone.hide()
            gone.deleteLater()
        for kind, group in groups.items():
            line = self.rows.get(kind) or self._made(kind)
            show_group(line, group, self.name, is_calm=is_calm)
            line.show_targets(targets)

    def _made(self, kind: FileKind) -> GroupRow:
        """In the order of the kinds, so that counting moves nothing."""
        key = GroupKey(self.name, None, kind)
        made = GroupRow(self._theme, key, self._on_move, words.ICONS[kind], "muted")
        before = sum(_KINDS.index(each) < _KINDS.index(kind) for each in self.rows)
        self.rows[kind] = made
        self._lines.insertWidget(before, made)
        return made


class LeftCard(Card):
    """What stays under one heading, the most frequent reason first."""

    def __init__(self, theme: Theme, section: str, on_move: OnMove) -> None:
        super().__init__()
        self._theme = theme
        self._section = section
        self._on_move = on_move
        self.rows: dict[str, GroupRow] = {}
        self._title = PlainLabel(section, role="heading")
        note = PlainLabel(words.section_note(section), role="muted", wrap=True)
        note.setVisible(bool(words.section_note(section)))
        head = column(self._title, note, gap=2)
        head.setContentsMargins(12, 12, 12, 4)
        self._lines: QVBoxLayout = column(gap=0)
        self.setLayout(column(head, self._lines, margin=1, gap=0))
        self.hide()

    def show_groups(
        self, groups: Sequence[LeftGroup], targets: Sequence[Targets], *, is_calm: bool
    ) -> None:
        self.setVisible(bool(groups))
        total = sum(group.files for group in groups)
        self._title.setText(f"{self._section}: {words.files_text(total)}")
        self.setAccessibleName(self._title.text())
        for code in set(self.rows) - {group.code for group in groups}:
            gone = self.rows.pop(code)
            gone.hide()
            gone.deleteLater()
        for group in groups:
            line = self.rows.get(group.code)
            if line is None:
                key = GroupKey(None, group.code, None)
                line = GroupRow(self._theme, key, self._on_move, *left_look(group))
                self.rows[group.code] = line
                self._lines.addWidget(line)
            show_left(line, group, is_calm=is_calm)
            line.show_targets(targets)


def all_rows(lanes: Mapping[str, LaneCard], left: Mapping[str, LeftCard]) -> list[GroupRow]:
    """From the top, accounts first."""
    found = [line for card in lanes.values() for line in card.rows.values()]
    return found + [line for card in left.values() for line in card.rows.values()]
