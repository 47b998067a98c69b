"""What a page with a list is made of: the list, the details of its selected row, its margins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from exai_desktop.gui.style.tokens import PANE_WIDTH
from exai_desktop.gui.widgets.controls import Card, column

# A narrower page shows the list alone.
ROOM_FOR_DETAILS: Final = 960
# Rows change, and selections move, several times a second; the detail is read less often.
_READ_AFTER_MS: Final = 150


class RecordArea(QStackedWidget):
    """The list with the details beside it; `empty` stands in their place when there are no rows.

    `read_detail` is called a moment after `read_detail_soon`, once for all calls until then.
    """

    def __init__(
        self,
        name: str,
        view: QWidget,
        details: QWidget,
        empty: QWidget,
        read_detail: Callable[[], object],
    ) -> None:
        super().__init__()
        self._empty = empty
        card = Card()
        card.setLayout(column(view, margin=1))
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setAccessibleName(name)
        self._split.setHandleWidth(16)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(card)
        self._split.addWidget(details)
        self._split.setStretchFactor(0, 1)
        self._split.setSizes([10_000, PANE_WIDTH])
        self.addWidget(self._split)
        self.addWidget(empty)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_READ_AFTER_MS)
        self._timer.timeout.connect(read_detail)

    def show_empty(self, is_empty: bool) -> None:
        """Show the empty page, or the list again."""
        self.setCurrentWidget(self._empty if is_empty else self._split)

    def read_detail_soon(self) -> None:
        """The shown row changed, or another one is shown."""
        if not self._timer.isActive():
            self._timer.start()


class RecordPage(QWidget):
    """The outer shape that pages with a list have in common."""

    def minimumSizeHint(self) -> QSize:
        """Small enough for half a laptop's screen."""
        return QSize(640, 420)

    def body(self, head: QHBoxLayout, filters: QWidget, area: RecordArea) -> QVBoxLayout:
        """Buttons above, then the filter, then the list, which takes the rest."""
        layout = column(head, filters, area, gap=12)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setStretch(2, 1)
        return layout
