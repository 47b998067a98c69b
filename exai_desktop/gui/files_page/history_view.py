"""The table of the history: its rows and how they are drawn."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from exai_desktop.core.files.names import extension, plain_text
from exai_desktop.core.jobs.history import HistoryKind, HistoryQuery, HistorySort, PastFile
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.files_page.history_columns import (
    HISTORY_HEADINGS,
    HistoryColumn,
    batch_text,
    history_text,
    look_of,
    note_of,
)
from exai_desktop.gui.style.icons import file_icon
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import size_text
from exai_desktop.gui.widgets.cells import ICON, PAD, RIGHT, TILE, Cell, CellPainter, Index
from exai_desktop.gui.widgets.page_cache import PAGE
from exai_desktop.gui.widgets.paged_model import ROW_ROLE, PagedRows
from exai_desktop.gui.widgets.row_table import RowTable, TableWords, Widths
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

C = HistoryColumn

_WORDS: Final = TableWords(
    "Files that were sent or tried", "Columns of the history", "No file matches this filter"
)
_WIDTHS: Final = Widths(
    {
        C.STATE: 264,
        C.ACCOUNT: 128,
        C.SIZE: 80,
        C.ENDED: 152,
        C.ADDED: 152,
        C.BATCH: 184,
        C.FILE_ID: 160,
    },
    (C.FILE_ID, C.ADDED, C.SIZE, C.ACCOUNT, C.ENDED),
)
# As long as nobody chooses others.
USUAL_UNWANTED: Final = frozenset({C.ADDED, C.BATCH, C.FILE_ID})


class HistoryModel(PagedRows[PastFile, HistoryQuery]):
    """Rows come from the record; nobody is asked for them."""

    def __init__(self, client: EngineClient, tasks: SlotTasks, parent: QObject) -> None:
        super().__init__(
            client.history.page, HistoryQuery(limit=PAGE), HISTORY_HEADINGS, tasks, parent
        )

    def text_of(self, row: PastFile, column: int) -> str:
        """What the cell says."""
        return history_text(row, HistoryColumn(column))

    def tip_of(self, row: PastFile, column: int) -> str:
        """The whole of what a narrow column cuts off."""
        if column == C.NAME:
            return f"{plain_text(row.name)}\n{row.folder}"
        return self.text_of(row, column)

    @property
    def is_by_batch(self) -> bool:
        return self.query.sort is HistorySort.BATCH

    def begins_batch(self, row: int) -> bool:
        """Whether the row is the first one of its batch, in the list by batch."""
        file, before = self.row_at(row), self.row_at(row - 1)
        return file is not None and (before is None or before.batch_id != file.batch_id)

    def filter(
        self,
        kinds: tuple[HistoryKind, ...],
        search: str,
        account: str | None,
        batch: int | None,
    ) -> None:
        """Show only these kinds (none: all), this account, this batch and what matches."""
        wanted = replace(self.query, kinds=kinds, search=search, account=account, batch=batch)
        if wanted != self.query:
            self.ask(wanted)


class HistoryPainter(CellPainter):
    """By batch, the batch is told once, in its first row."""

    def paint_cell(self, cell: Cell, index: Index) -> None:
        """A row that is not loaded yet shows that there is one."""
        file = index.data(ROW_ROLE)
        if not isinstance(file, PastFile):
            if index.column() == C.NAME:
                cell.lines("…", "", x=PAD + TILE + 12)
            return
        model = index.model()
        column = HistoryColumn(index.column())
        if column is C.BATCH and isinstance(model, HistoryModel) and model.is_by_batch:
            if model.begins_batch(index.row()):
                number, _, day = batch_text(file).partition(", ")
                cell.lines(f"Batch {number}", day)
            return
        _paint(cell, file, column)


def _paint(cell: Cell, file: PastFile, column: HistoryColumn) -> None:
    text = history_text(file, column)
    match column:
        case HistoryColumn.NAME:
            cell.tile(file_icon(extension(file.name)))
            cell.lines(text, file.folder, x=PAD + TILE + 12)
        case HistoryColumn.STATE:
            now = time.time()
            look, note = look_of(file, now), note_of(file, now)
            cell.icon(look.icon, look.tone.value, is_upper=bool(note))
            role = "text" if file.id_facts else look.tone.value
            cell.lines(look.word, note, x=PAD + ICON + 8, role=role)
        case HistoryColumn.SIZE:
            cell.lines(size_text(file.size), "", align=RIGHT)
        case HistoryColumn.FILE_ID:
            cell.lines(text, "", is_code=True)
        case _:
            cell.lines(text, "")


class HistoryView(RowTable):
    """Rows are files that came to an end."""

    def __init__(self, model: HistoryModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, _WORDS, _WIDTHS, parent)
        self.setItemDelegate(HistoryPainter(theme, self))
        self.leave_out(USUAL_UNWANTED)

    def loaded_selection(self) -> list[PastFile]:
        """Some of the selected files, enough to know which commands fit."""
        return self.loaded_rows()

    async def selected_files(self) -> list[PastFile]:
        """All selected files; those never looked at are read from the database."""
        return await self.selected_rows()
