"""A long table of two-line rows: widths, keys and which rows are meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QMimeData,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QDrag,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QTableView,
    QWidget,
)

from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import ROW_HEIGHT
from exai_desktop.gui.widgets.paged_model import Index, PagedRows

_FIRST_AT_LEAST = 250
# More selected rows than this keep their places when the rows move: see `PagedRows`.
_FOLLOWED: Final = 1_000
# The rows of a larger selection are not listed in the window: the engine gets its ends.
MOST_LISTED: Final = 5_000


@dataclass(frozen=True, slots=True)
class TableWords:
    """What a table is called, and what it says when there is nothing in it."""

    name: str
    columns: str
    nothing: str


@dataclass(frozen=True, slots=True)
class Widths:
    """Of all columns but the first, which takes the rest; `give_way` go first, in this order."""

    columns: Mapping[int, int]
    give_way: Sequence[int] = field(default=())


class RowTable(QTableView):
    """Selecting, sorting and opening rows; what happens then is the window's matter."""

    selection_moved = Signal()
    opened = Signal()
    menu_wanted = Signal(QPoint)

    def __init__(
        self,
        model: PagedRows[Any, Any],
        theme: Theme,
        words: TableWords,
        widths: Widths,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        # What a drag of these rows gives to other programs; nothing: it does not begin.
        self.drag_text: Callable[[Sequence[Any]], str] = lambda _rows: ""
        self._pressed: QPoint | None = None
        self._rows = model
        self._theme = theme
        self._words = words
        self._widths = widths
        self._unwanted: frozenset[int] = frozenset()
        self.setModel(model)
        self.setAccessibleName(words.name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask_menu)
        self._set_up_headers()
        model.visible_rows = self.visible_rows
        model.has_many_selected = lambda: self.selected_count() > _FOLLOWED

    def _set_up_headers(self) -> None:
        rows = self.verticalHeader()
        rows.hide()
        for header in (rows, self.horizontalHeader()):
            # With the table's own model a header asks about every selected row, ten seconds long
            # at 1,000,000; it shows no selection anyway.
            header.setSelectionModel(QItemSelectionModel(self._rows, header))
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(ROW_HEIGHT)
        rows.setDefaultSectionSize(ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setAccessibleName(self._words.columns)
        columns.setHighlightSections(False)
        columns.setMinimumHeight(36)
        columns.setSortIndicatorClearable(True)
        columns.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        columns.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in self._widths.columns.items():
            self.setColumnWidth(column, width)
        self.setSortingEnabled(True)

    def visible_rows(self) -> tuple[int, int]:
        """First and last row in sight."""
        bottom = self.viewport().height()
        first = self.rowAt(0)
        last = self.rowAt(bottom - 1)
        return max(0, first), last if last >= 0 else max(0, self._rows.rowCount() - 1)

    def spans(self) -> list[tuple[int, int]]:
        """The selected rows as ranges, without asking for each of 100,000."""
        selection = self.selectionModel().selection()
        parts = (selection.at(i) for i in range(selection.count()))
        return sorted({(part.top(), part.bottom()) for part in parts})

    def selected_count(self) -> int:
        """How many rows are selected, loaded or not."""
        return sum(last - first + 1 for first, last in self.spans())

    def loaded_rows(self, limit: int = 500) -> list[Any]:
        """Some of the selected rows, enough to know which commands fit."""
        found: list[Any] = []
        for first, last in self.spans():
            for row in range(first, min(last, first + limit) + 1):
                one = self._rows.row_at(row)
                if one is not None:
                    found.append(one)
            if len(found) >= limit:
                break
        return found

    async def selected_rows(self) -> list[Any]:
        """All selected rows; those never looked at are read from the database."""
        found: list[Any] = []
        for first, last in self.spans():
            found.extend(await self._rows.rows_in(first, last))
        return found

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Tell the window once per change."""
        # Qt draws these anew and, for a screen reader, lists every cell of them.
        super().selectionChanged(self._in_sight(selected), self._in_sight(deselected))
        self.selection_moved.emit()

    def _in_sight(self, selection: QItemSelection) -> QItemSelection:
        """What can be seen of it, or its first row when nothing can."""
        first, last = self.visible_rows()
        seen = QItemSelection()
        for number in range(selection.count()):
            part = selection.at(number)
            top, bottom = max(part.top(), first), min(part.bottom(), last)
            if top <= bottom:
                seen.append(self._whole_rows(top, bottom))
        if seen.isEmpty() and selection.count():
            top = selection.at(0).top()
            seen.append(self._whole_rows(top, top))
        return seen

    def _whole_rows(self, top: int, bottom: int) -> QItemSelectionRange:
        last_column = self._rows.columnCount() - 1
        return QItemSelectionRange(self._rows.index(top, 0), self._rows.index(bottom, last_column))

    def currentChanged(self, current: Index, previous: Index) -> None:
        """The focus frame moves to another row: repaint both rows."""
        super().currentChanged(current, previous)
        for index in (current, previous):
            if index.isValid():
                top = self.rowViewportPosition(index.row())
                self.viewport().update(QRect(0, top, self.viewport().width(), ROW_HEIGHT))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Coming by keyboard selects a row: where there is only one, no arrow key would."""
        super().focusInEvent(event)
        selection = self.selectionModel()
        if not selection.hasSelection() and self._rows.rowCount():
            how = QItemSelectionModel.SelectionFlag
            index = self._rows.index(max(0, self.currentIndex().row()), 0)
            selection.setCurrentIndex(index, how.ClearAndSelect | how.Rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens the details; everything else is Qt's or an action's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """On a selected row it may begin a drag of all of them: they stay selected for now.

        Not by Qt's own drags: these ask about every selected row, a million of them.
        """
        at = event.position().toPoint()
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        self._pressed = None
        if event.button() == Qt.MouseButton.LeftButton and plain:
            index = self.indexAt(at)
            if index.isValid() and self.selectionModel().isSelected(index):
                self._pressed = at
                return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Far enough from where it began, it is a drag."""
        if self._pressed is None:
            super().mouseMoveEvent(event)
            return
        way = event.position().toPoint() - self._pressed
        if way.manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            if content := self.drag_content():
                self.carry_out_drag(content)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on a selected row, after all: it alone is selected."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None:
            how = QItemSelectionModel.SelectionFlag
            index = self.indexAt(pressed)
            self.selectionModel().setCurrentIndex(index, how.ClearAndSelect | how.Rows)
            return
        super().mouseReleaseEvent(event)

    def drag_content(self) -> QMimeData | None:
        """What a drag of the selection carries: of all its rows, or of none."""
        rows = self.loaded_rows(MOST_LISTED)
        text = self.drag_text(rows) if len(rows) == self.selected_count() else ""
        if not text:
            return None
        content = QMimeData()
        content.setText(text)
        return content

    def carry_out_drag(self, content: QMimeData) -> None:
        """Until it is dropped."""
        drag = QDrag(self)
        drag.setMimeData(content)
        drag.exec(Qt.DropAction.CopyAction | Qt.DropAction.MoveAction, Qt.DropAction.CopyAction)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """As Return."""
        super().mouseDoubleClickEvent(event)
        if self.indexAt(event.position().toPoint()).isValid():
            self.opened.emit()

    @property
    def unwanted(self) -> frozenset[int]:
        """Columns that the user does not want to see."""
        return self._unwanted

    def leave_out(self, columns: Collection[int]) -> None:
        """Show all other columns, as far as there is room."""
        self._unwanted = frozenset(columns)
        self._fit_columns()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide what no longer fits beside a readable name."""
        self._fit_columns()
        super().resizeEvent(event)

    def _fit_columns(self) -> None:
        wanted = {c: w for c, w in self._widths.columns.items() if c not in self._unwanted}
        room = self.viewport().width() - _FIRST_AT_LEAST - sum(wanted.values())
        for column in self._unwanted:
            self.setColumnHidden(column, True)
        for column in wanted:
            if column not in self._widths.give_way:
                self.setColumnHidden(column, False)
        # In their order; what is left of the room decides about the next one.
        for column in self._widths.give_way:
            if column in wanted:
                self.setColumnHidden(column, room < 0)
                room += wanted[column] if room < 0 else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        """The arrow of the sorted column is drawn by the header; nothing found is said here."""
        super().paintEvent(event)
        if self._rows.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(self._theme.color("muted"))
            place = self.viewport().rect()
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self._words.nothing)
            painter.end()

    def _ask_menu(self, at: QPoint) -> None:
        self.menu_wanted.emit(self.viewport().mapToGlobal(at))
