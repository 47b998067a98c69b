"""The table of the queue."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.models import JobView
from exai_desktop.gui.queue_columns import Column
from exai_desktop.gui.queue_model import QueueModel
from exai_desktop.gui.row_painter import RowPainter
from exai_desktop.gui.row_table import RowTable, TableWords, Widths
from exai_desktop.gui.theme import Theme

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
        self.setItemDelegate(RowPainter(theme, self))

    def loaded_selection(self) -> list[JobView]:
        """Some of the selected jobs, enough to know which commands fit."""
        return self.loaded_rows()

    async def selected_jobs(self) -> list[JobView]:
        """All selected jobs; those never looked at are read from the database."""
        return await self.selected_rows()
