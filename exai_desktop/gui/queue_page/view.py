"""How a row of the queue is drawn: two lines a cell, the bar while bytes move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from exai_desktop.core.events import Progressed
from exai_desktop.core.files.names import extension, plain_text
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.ranges import JobRange
from exai_desktop.gui.queue_page.columns import Column, account_text, result_text
from exai_desktop.gui.queue_page.model import PROGRESS_ROLE, QueueModel
from exai_desktop.gui.queue_page.state_look import look_of, moving, second_line, speed_and_eta
from exai_desktop.gui.style.icons import file_icon
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
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


class QueueView(RowTable):
    """Rows are jobs."""

    def __init__(self, model: QueueModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, _WORDS, _WIDTHS, parent)
        self._queue = model
        # Of a large selection when it was made: the jobs at both ends of each span, 0 where one is
        # not loaded; None: all. And the newest job there was.
        self._ends: list[tuple[int, int]] | None = []
        self._newest = 0
        self.setItemDelegate(RowPainter(theme, self))
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
