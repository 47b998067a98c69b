"""How a row of the queue is drawn: two lines a cell, the bar while bytes move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Final

from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCursor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget

from exai_desktop.core.events import Progressed
from exai_desktop.core.files.names import extension, plain_text
from exai_desktop.core.jobs.jobs import IN_FLIGHT, JobState, JobView, SortKey
from exai_desktop.core.jobs.line import IN_LINE, MOVABLE, LinePlace, Spot
from exai_desktop.core.jobs.ranges import JobRange
from exai_desktop.gui.queue_page.columns import Column, account_text, result_text
from exai_desktop.gui.queue_page.model import PROGRESS_ROLE, QueueModel
from exai_desktop.gui.queue_page.state_look import look_of, moving, second_line, speed_and_eta
from exai_desktop.gui.style.icons import file_icon
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import ROW_HEIGHT
from exai_desktop.gui.style.wording import percent, size_text
from exai_desktop.gui.widgets.cells import ICON, PAD, RIGHT, TILE, Cell, CellPainter, Index
from exai_desktop.gui.widgets.controls import Button, IconView, centred, column, row
from exai_desktop.gui.widgets.paged_model import ROW_ROLE
from exai_desktop.gui.widgets.row_table import MOST_LISTED, RowTable, TableWords, Widths


class RowPainter(CellPainter):
    """Knows nothing but the job and its progress."""

    def paint_cell(self, cell: Cell, index: Index) -> None:
        """A row that is not loaded yet shows that there is one."""
        job = index.data(ROW_ROLE)
        if isinstance(job, JobView):
            self._paint_job(cell, job, index.data(PROGRESS_ROLE), Column(index.column()))
        elif index.column() == Column.NAME:
            cell.lines("…", "", x=PAD + TILE + 12)

    def _paint_job(
        self, cell: Cell, job: JobView, progress: Progressed | None, column: Column
    ) -> None:
        match column:
            case Column.NAME:
                cell.tile(file_icon(extension(job.name)))
                folder = plain_text(str(PurePath(job.path).parent))
                cell.lines(plain_text(job.name), folder, x=PAD + TILE + 12)
            case Column.STATE:
                _paint_state(cell, job, progress)
            case Column.SIZE:
                cell.lines(size_text(job.size), "", align=RIGHT)
            case Column.ACCOUNT:
                cell.lines(account_text(job), plain_text(job.purpose or ""))
            case Column.RESULT:
                note = "existing file" if job.state is JobState.DUPLICATE else ""
                cell.lines(result_text(job), note, is_code=True)


def _paint_state(cell: Cell, job: JobView, progress: Progressed | None) -> None:
    look = look_of(job, progress)
    bar = moving(job, progress)
    cell.icon(look.icon, look.tone.value, is_upper=bool(bar) or bool(second_line(job, progress)))
    x = PAD + ICON + 8
    if bar is None:
        cell.lines(look.word, plain_text(second_line(job, progress)), x=x)
        return
    done = percent(bar.done, bar.total)
    cell.upper(f"{look.word} {done} %", speed_and_eta(bar), x=x)
    cell.bar(bar.done / bar.total if bar.total else 0.0, x=x)


_WORDS: Final = TableWords("Upload queue", "Columns of the queue", "No file matches this filter")
# Those that give way in a narrow window stand in the details.
_WIDTHS: Final = Widths(
    {Column.STATE: 280, Column.SIZE: 80, Column.ACCOUNT: 132, Column.RESULT: 160},
    (Column.ACCOUNT, Column.SIZE, Column.RESULT),
)


# In a drag of rows that can be moved in the list.
_MOVED: Final = "application/x-exai-desktop-jobs"
# So near to its edge the list scrolls while rows are dragged.
_EDGE: Final = 24


def _ids_of(jobs: Sequence[JobView]) -> str:
    """One a line; an id that works no more is not given out."""
    return "\n".join(job.file_id for job in jobs if job.file_id and job.file_state is None)


class QueueView(RowTable):
    """Rows are jobs. `moved`: the selected ones were dropped at another place of the line."""

    moved = Signal(object)

    def __init__(self, model: QueueModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, _WORDS, _WIDTHS, parent)
        self._queue = model
        # Of a large selection when it was made: the jobs at both ends of each span, 0 where one is
        # not loaded; None: all. And the newest job there was.
        self._ends: list[tuple[int, int]] | None = []
        self._newest = 0
        self.setItemDelegate(RowPainter(theme, self))
        self.drag_text = _ids_of
        # Where the dragged rows would come: the upper edge of this row.
        self._drop_row: int | None = None
        self.viewport().setAcceptDrops(True)
        self._scrolling = QTimer(self)
        self._scrolling.setInterval(60)
        self._scrolling.timeout.connect(self._scroll_on)
        self.selection_moved.connect(self._note_ends)

    def loaded_selection(self) -> list[JobView]:
        """Some of the selected jobs, enough to know which commands fit."""
        return self.loaded_rows()

    async def selected_jobs(self) -> list[JobView]:
        """All selected jobs; those never looked at are read from the database."""
        return await self.selected_rows()

    async def selected_range(self) -> JobRange | None:
        """A selection that is too large to be listed, as it was made; None: it is not."""
        spans = self.spans()
        if self.selected_count() <= MOST_LISTED:
            return None
        if self._ends is None:
            return JobRange(self._queue.query, ((None, None),), self._newest)
        noted = self._ends if len(self._ends) == len(spans) else [(0, 0)] * len(spans)
        ends = [
            (first_id or await self._id_at(first), last_id or await self._id_at(last))
            for (first, last), (first_id, last_id) in zip(spans, noted, strict=True)
        ]
        return JobRange(self._queue.query, tuple(ends), self._newest)

    @property
    def _shows_line(self) -> bool:
        query = self._queue.query
        return query.sort is SortKey.LINE and not query.descending

    def drag_content(self) -> QMimeData | None:
        """Ids for other programs; in the order of the line also what can be moved here."""
        content = super().drag_content()
        if self._shows_line and any(job.state in MOVABLE for job in self.loaded_selection()):
            content = content or QMimeData()
            content.setData(_MOVED, b"")
        return content

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Only rows of this list; files are the window's matter."""
        self._take_or_leave(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """The line shows where they would come."""
        self._take_or_leave(event)
        y = event.position().toPoint().y()
        if y < _EDGE or y > self.viewport().height() - _EDGE:
            self._scrolling.start()
        else:
            self._scrolling.stop()

    def _take_or_leave(self, event: QDropEvent) -> None:
        if event.source() is not self or not event.mimeData().hasFormat(_MOVED):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.MoveAction)
        event.accept()
        self._point_at(self._row_edge(event.position().toPoint()))

    def _row_edge(self, at: QPoint) -> int:
        row = self.rowAt(at.y())
        if row < 0:
            return self._queue.rowCount()
        return row + (at.y() - self.rowViewportPosition(row) > self.rowHeight(row) // 2)

    def _point_at(self, row: int | None) -> None:
        if row != self._drop_row:
            self._drop_row = row
            self.viewport().update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Elsewhere."""
        self._scrolling.stop()
        self._point_at(None)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """There."""
        self._take_or_leave(event)
        self._scrolling.stop()
        edge = self._drop_row
        self._point_at(None)
        if event.isAccepted() and edge is not None and (to := self.place_at(edge)) is not None:
            self.moved.emit(to)

    def place_at(self, edge: int) -> LinePlace | None:
        """What the upper edge of this row means; None: within the selection, nothing moves."""
        selected = {row for first, last in self.spans() for row in range(first, last + 1)}
        below = edge
        while below in selected:
            below += 1
        above = edge - 1
        while above in selected:
            above -= 1
        for place, spot in ((below, Spot.BEFORE), (above, Spot.AFTER)):
            job = self._queue.row_at(place) if 0 <= place < self._queue.rowCount() else None
            if job is not None and job.state in IN_LINE:
                return LinePlace(spot, job.id)
        # Above the line is what is being sent, below it what stands still or has ended.
        job = self._queue.row_at(below) if below < self._queue.rowCount() else None
        if job is None:
            return LinePlace(Spot.LAST)
        return LinePlace(Spot.FIRST if job.state in IN_FLIGHT else Spot.LAST)

    def _scroll_on(self) -> None:
        bar, y = self.verticalScrollBar(), self.viewport().mapFromGlobal(QCursor.pos()).y()
        step = -ROW_HEIGHT if y < _EDGE else ROW_HEIGHT
        bar.setValue(bar.value() + step // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """With the line where dragged rows would come."""
        super().paintEvent(event)
        if self._drop_row is None:
            return
        last = self._queue.rowCount() - 1
        top = self.rowViewportPosition(min(self._drop_row, last))
        y = top + (ROW_HEIGHT if self._drop_row > last else 0)
        painter = QPainter(self.viewport())
        painter.fillRect(0, max(0, y - 1), self.viewport().width(), 3, self._theme.color("accent"))
        painter.end()

    def _note_ends(self) -> None:
        """Rows may come and go before the command; it is for the files that were selected."""
        if self._queue.is_moving_rows:
            return  # Qt says that the selection changes, but nobody has selected anything
        self._newest = self._queue.newest
        spans = self.spans() if self.selected_count() > MOST_LISTED else []
        self._ends = [(self._loaded_id(first), self._loaded_id(last)) for first, last in spans]
        if spans == [(0, self._queue.rowCount() - 1)]:
            self._ends = None

    def _loaded_id(self, row: int) -> int:
        job = self._queue.row_at(row)
        return 0 if job is None else job.id

    async def _id_at(self, row: int) -> int:
        [job] = await self._queue.rows_in(row, row)
        return job.id


class EmptyQueue(QWidget):
    """Nothing to show yet: says what to do, in the place where the files will be."""

    def __init__(
        self, theme: Theme, on_files: Callable[[], object], on_folder: Callable[[], object]
    ) -> None:
        super().__init__()
        self._theme = theme
        icon = IconView(theme, "upload", "accent", 48)
        title = centred(PlainLabel("Drop files or folders anywhere in this window", role="title"))
        text = centred(
            PlainLabel("You can also paste them, or choose them here.", role="muted", wrap=True)
        )
        self.files = Button(theme, "Choose files…", on_files, kind="primary", icon="plus")
        self.folder = Button(theme, "Choose a folder…", on_folder, icon="folder")
        buttons = row(0, self.files, self.folder, 0, gap=12)
        self.setLayout(
            column(0, row(0, icon, 0), 16, title, 4, text, 24, buttons, 0, gap=0, margin=32)
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A dashed frame: files belong here."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = painter.pen()
        pen.setColor(self._theme.color("outline"))
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(self._theme.color("surface"))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 10, 10)
        painter.end()
