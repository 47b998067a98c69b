"""How a row of the queue is drawn: two lines a cell, the bar while bytes move."""

from __future__ import annotations

from pathlib import PurePath

from exai_desktop.core.events import Progressed
from exai_desktop.core.models import JobView
from exai_desktop.core.names import extension, plain_text
from exai_desktop.core.states import JobState
from exai_desktop.gui.cells import ICON, PAD, RIGHT, TILE, Cell, CellPainter, Index
from exai_desktop.gui.icons import file_icon
from exai_desktop.gui.queue_columns import Column, account_text, result_text
from exai_desktop.gui.queue_model import JOB_ROLE, PROGRESS_ROLE
from exai_desktop.gui.state_look import look_of, moving, second_line, speed_and_eta
from exai_desktop.gui.wording import percent, size_text


class RowPainter(CellPainter):
    """Knows nothing but the job and its progress."""

    def paint_cell(self, cell: Cell, index: Index) -> None:
        """A row that is not loaded yet shows that there is one."""
        job = index.data(JOB_ROLE)
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
