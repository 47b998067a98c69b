"""How a row of a long table is drawn: its ground, and the parts a cell is made of."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import ROW_HEIGHT

PAD: Final = 12.0
ICON: Final = 18.0
TILE: Final = 36.0
_BAR = 4.0

LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MIDDLE = Qt.TextElideMode.ElideMiddle
_END = Qt.TextElideMode.ElideRight

Index = QModelIndex | QPersistentModelIndex


class CellPainter(QStyledItemDelegate):
    """Draws every cell; what is in it is told by `paint_cell`."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """All rows are alike; the widths come from the header."""
        return QSize(80, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Ground, then what the column shows."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, index)
        self.paint_cell(Cell(painter, self._theme, QRectF(option.rect), option.font), index)
        painter.restore()

    def paint_cell(self, cell: Cell, index: Index) -> None:
        """What the column shows."""
        raise NotImplementedError

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect = option.rect
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_selected:
            painter.fillRect(rect, self._theme.color("selection"))
        line = QRect(rect.left(), rect.bottom(), rect.width(), 1)
        painter.fillRect(line, self._theme.color("border"))
        view = option.widget
        if not isinstance(view, QTableView) or not view.hasFocus():
            return
        if view.currentIndex().row() == index.row():
            self._paint_focus(painter, option, index)

    def _paint_focus(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One ring around the whole row, drawn cell by cell."""
        ring = QRectF(option.rect).adjusted(0, 1, 0, -2)
        painter.setPen(QPen(self._theme.color("accent"), 2))
        painter.drawLine(ring.topLeft(), ring.topRight())
        painter.drawLine(ring.bottomLeft(), ring.bottomRight())
        if index.column() == 0:
            ring.adjust(1, 0, 0, 0)
            painter.drawLine(ring.topLeft(), ring.bottomLeft())
        if index.column() == _last_shown(option.widget):
            ring.adjust(0, 0, -1, 0)
            painter.drawLine(ring.topRight(), ring.bottomRight())


def _last_shown(view: QWidget) -> int:
    """In a narrow window the last columns are hidden."""
    assert isinstance(view, QTableView)
    count = view.model().columnCount()
    return max((c for c in range(count) if not view.isColumnHidden(c)), default=0)


class Cell:
    """One cell being drawn: an upper and a lower line, or one in the middle."""

    def __init__(self, painter: QPainter, theme: Theme, rect: QRectF, font: QFont) -> None:
        self._painter = painter
        self._theme = theme
        self._rect = rect
        self._font = QFont(font)
        self._small = QFont(font)
        self._small.setPointSizeF(font.pointSizeF() * 0.9)
        self._code = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self._code.setPointSizeF(font.pointSizeF() * 0.95)
        middle = rect.center().y()
        self._upper = QRectF(rect.left(), middle - 20, rect.width(), 20)
        self._lower = QRectF(rect.left(), middle + 1, rect.width(), 18)

    def lines(
        self,
        first: str,
        second: str,
        *,
        x: float = PAD,
        align: Qt.AlignmentFlag = LEFT,
        is_code: bool = False,
        role: str = "text",
    ) -> None:
        """One or two lines of text; names and ids give way in the middle."""
        font = self._code if is_code else self._font
        if not second:
            self._text(self._rect, x, first, font, role, align)
            return
        self._text(self._upper, x, first, font, role, align)
        self._text(self._lower, x, second, self._small, "muted", align)

    def upper(self, word: str, figures: str, x: float) -> None:
        """A word at the left and figures at the right of the upper line."""
        self._text(self._upper, x, word, self._font, "text", LEFT)
        taken = x + QFontMetrics(self._font).horizontalAdvance(word) + 8
        self._text(self._upper, taken, figures, self._small, "muted", RIGHT)

    def bar(self, part: float, x: float) -> None:
        """The share that is through."""
        top = self._lower.center().y() - _BAR / 2
        width = self._rect.width() - x - PAD
        track = QRectF(self._rect.left() + x, top, width, _BAR)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(self._theme.color("track"))
        self._painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        track.setWidth(max(_BAR, width * min(1.0, part)))
        self._painter.setBrush(self._theme.color("accent"))
        self._painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)

    def tile(self, icon: str) -> None:
        """A file's picture on a soft ground."""
        top = self._rect.center().y() - TILE / 2
        tile = QRectF(self._rect.left() + PAD, top, TILE, TILE)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(self._theme.color("hover"))
        self._painter.drawRoundedRect(tile, 8, 8)
        inner = tile.adjusted(8, 8, -8, -8)
        color = self._theme.color("muted").name()
        self._theme.icons.paint(self._painter, icon, color, inner)

    def icon(self, name: str, role: str, *, is_upper: bool) -> None:
        """The state's picture, beside its word."""
        middle = (self._upper if is_upper else self._rect).center().y()
        place = QRectF(self._rect.left() + PAD, middle - ICON / 2, ICON, ICON)
        self._theme.icons.paint(self._painter, name, self._theme.color(role).name(), place)

    def _text(
        self, line: QRectF, x: float, text: str, font: QFont, role: str, align: Qt.AlignmentFlag
    ) -> None:
        place = line.adjusted(x, 0, -PAD, 0)
        mode = _END if role == "muted" and align == LEFT else _MIDDLE
        shown = QFontMetrics(font).elidedText(text, mode, int(place.width()))
        self._painter.setFont(font)
        self._painter.setPen(QColor(self._theme.color(role)))
        self._painter.drawText(place, align, shown)
