"""A small picture of the last days: one bar a day, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from exai_desktop.core.audit.activity import DaySum
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Card, column, row

_HEIGHT: Final = 48
_GAP: Final = 4.0
# A day with little is not one with nothing.
_LEAST: Final = 2.0

Value = Callable[[DaySum], float | None]
Words = Callable[[DaySum], str]


def day_name(one: DaySum) -> str:
    day = datetime.fromisoformat(one.day)
    return f"{day:%a} {day.day} {day:%b}"


class Bars(QWidget):
    """`value` of a day gives the height of its bar; None: nothing can be said of it."""

    def __init__(self, theme: Theme, value: Value, words: Words) -> None:
        super().__init__()
        self._theme = theme
        self._value = value
        self._words = words
        self._days: Sequence[DaySum] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(160, _HEIGHT)

    def show_days(self, days: Sequence[DaySum]) -> None:
        """Draw these, the last one at the end."""
        self._days = tuple(days)
        self.update()

    @property
    def spoken(self) -> str:
        """Every value, the newest first."""
        return ", ".join(f"{day_name(one)}: {self._words(one)}" for one in reversed(self._days))

    def event(self, event: object) -> bool:
        """The values of the bar under the pointer."""
        if isinstance(event, QHelpEvent):
            place = int(event.pos().x() // self._step()) if self._days else -1
            if self.isRightToLeft():
                place = len(self._days) - 1 - place
            if 0 <= place < len(self._days):
                one = self._days[place]
                QToolTip.showText(event.globalPos(), f"{day_name(one)}: {self._words(one)}", self)
            return True
        return super().event(event)  # type: ignore[arg-type]

    def _step(self) -> float:
        return max(1.0, (self.width() + _GAP) / max(1, len(self._days)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Bars on a line; the newest at the end of the line of writing."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        values = [self._value(one) for one in self._days]
        most = max((value for value in values if value), default=0.0)
        floor = self.height() - 1.0
        painter.fillRect(QRectF(0, floor, self.width(), 1), self._theme.color("border"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("accent"))
        step = self._step()
        for number, value in enumerate(values):
            if not value:
                continue
            place = len(values) - 1 - number if self.isRightToLeft() else number
            height = max(_LEAST, (floor - 1) * value / most)
            bar = QRectF(place * step, floor - height, max(1.0, step - _GAP), height)
            painter.drawRoundedRect(bar, 1.5, 1.5)
        painter.end()


class DayChart(Card):
    """Title, the value of today, and a bar for each day."""

    def __init__(self, theme: Theme, title: str, value: Value, words: Words) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self.bars = Bars(theme, value, words)
        self._today = PlainLabel(role="muted")
        head = row(PlainLabel(title, role="heading"), 0, self._today, gap=8)
        self.setLayout(column(head, self.bars, margin=12, gap=8))
        self.show_days(())

    def show_days(self, days: Sequence[DaySum]) -> None:
        """The last one is today."""
        self.bars.show_days(days)
        self._today.setText(f"today {self._words(days[-1])}" if days else "")
        spoken = self.bars.spoken or "nothing yet"
        self.setAccessibleName(f"{self._title} a day")
        self.setAccessibleDescription(spoken)
        self.bars.setAccessibleName(f"{self._title} a day: {spoken}")
