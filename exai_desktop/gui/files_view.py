"""The table of the page *Files*."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.models import Copy
from exai_desktop.core.names import extension, plain_text
from exai_desktop.gui.cells import ICON, PAD, RIGHT, TILE, Cell, CellPainter, Index
from exai_desktop.gui.files_columns import LOOKS, FileColumn, cell_text, countdown, state_note
from exai_desktop.gui.files_model import COPY_ROLE, FilesModel
from exai_desktop.gui.icons import file_icon
from exai_desktop.gui.row_table import RowTable, TableWords, Widths
from exai_desktop.gui.theme import Theme
from exai_desktop.gui.wording import size_text

_WORDS: Final = TableWords(
    "Files at the providers", "Columns of the files", "No file matches this filter"
)
_WIDTHS: Final = Widths(
    {
        FileColumn.STATE: 192,
        FileColumn.SIZE: 80,
        FileColumn.ACCOUNT: 136,
        FileColumn.STORED: 144,
        FileColumn.EXPIRES: 144,
        FileColumn.FILE_ID: 160,
    },
    (FileColumn.FILE_ID, FileColumn.STORED, FileColumn.SIZE, FileColumn.ACCOUNT),
)


class FilePainter(CellPainter):
    """Knows nothing but the copy."""

    def paint_cell(self, cell: Cell, index: Index) -> None:
        """A row that is not loaded yet shows that there is one."""
        copy = index.data(COPY_ROLE)
        if isinstance(copy, Copy):
            _paint_copy(cell, copy, FileColumn(index.column()))
        elif index.column() == FileColumn.NAME:
            cell.lines("…", "", x=PAD + TILE + 12)


def _paint_copy(cell: Cell, copy: Copy, column: FileColumn) -> None:
    now = time.time()
    text = cell_text(copy, column, now)
    match column:
        case FileColumn.NAME:
            cell.tile(file_icon(extension(copy.remote_name)))
            cell.lines(text, plain_text(copy.purpose), x=PAD + TILE + 12)
        case FileColumn.STATE:
            look, note = LOOKS[copy.state], state_note(copy)
            cell.icon(look.icon, look.tone.value, is_upper=bool(note))
            cell.lines(look.word, note, x=PAD + ICON + 8)
        case FileColumn.SIZE:
            cell.lines(size_text(copy.size), "", align=RIGHT)
        case FileColumn.EXPIRES:
            ends = countdown(copy, now)
            cell.lines(ends.text, ends.date, role=ends.tone.value if ends.tone else "text")
        case FileColumn.FILE_ID:
            cell.lines(text, "", is_code=True)
        case _:
            cell.lines(text, "")


class FilesView(RowTable):
    """Rows are copies."""

    def __init__(self, model: FilesModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, _WORDS, _WIDTHS, parent)
        self.setItemDelegate(FilePainter(theme, self))

    def loaded_selection(self) -> list[Copy]:
        """Some of the selected files, enough to know which commands fit."""
        return self.loaded_rows()

    async def selected_files(self) -> list[Copy]:
        """All selected files; those never looked at are read from the database."""
        return await self.selected_rows()
