"""The table of the page *Files*: its rows and how they are drawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from exai_desktop.core.copies.models import VALID_STATES, Copy, CopyState
from exai_desktop.core.copies.queries import LISTED, FileQuery
from exai_desktop.core.files.names import extension, plain_text
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.files_page.columns import (
    HEADINGS,
    LOOKS,
    FileColumn,
    cell_text,
    countdown,
    state_note,
)
from exai_desktop.gui.style.icons import file_icon
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.wording import size_text
from exai_desktop.gui.widgets.cells import ICON, PAD, RIGHT, TILE, Cell, CellPainter, Index
from exai_desktop.gui.widgets.controls import Button, IconView, centred, column, row
from exai_desktop.gui.widgets.page_cache import PAGE
from exai_desktop.gui.widgets.paged_model import ROW_ROLE, PagedRows
from exai_desktop.gui.widgets.row_table import RowTable, TableWords, Widths
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_WORDS: Final = TableWords(
    "Files at the providers", "Columns of the files", "No file matches this filter"
)
_WIDTHS: Final = Widths(
    {
        FileColumn.STATE: 224,
        FileColumn.SIZE: 80,
        FileColumn.ACCOUNT: 136,
        FileColumn.STORED: 144,
        FileColumn.EXPIRES: 144,
        FileColumn.FILE_ID: 160,
    },
    (FileColumn.FILE_ID, FileColumn.STORED, FileColumn.SIZE, FileColumn.ACCOUNT),
)


class FilesModel(PagedRows[Copy, FileQuery]):
    """Rows come from the record; only a refresh of the page asks the providers."""

    def __init__(self, client: EngineClient, tasks: SlotTasks, parent: QObject) -> None:
        super().__init__(client.files.page, FileQuery(limit=PAGE), HEADINGS, tasks, parent)

    def text_of(self, row: Copy, column: int) -> str:
        """What the cell says."""
        return cell_text(row, FileColumn(column), time.time())

    def tip_of(self, row: Copy, column: int) -> str:
        """The whole of what a narrow column cuts off."""
        return self.text_of(row, column)

    def filter(self, account: str | None, states: tuple[CopyState, ...], search: str) -> None:
        """Show only this account, these states (none: all) and what matches the text."""
        wanted = replace(self._query, account=account, states=states or LISTED, search=search)
        if wanted != self._query:
            self.ask(wanted)


class FilePainter(CellPainter):
    """Knows nothing but the copy."""

    def paint_cell(self, cell: Cell, index: Index) -> None:
        """A row that is not loaded yet shows that there is one."""
        copy = index.data(ROW_ROLE)
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


def _ids_of(copies: Sequence[Copy]) -> str:
    """One a line; an id that works no more is not given out."""
    return "\n".join(copy.remote_id for copy in copies if copy.state in VALID_STATES)


class FilesView(RowTable):
    """Rows are copies."""

    def __init__(self, model: FilesModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, _WORDS, _WIDTHS, parent)
        self.setItemDelegate(FilePainter(theme, self))
        self.drag_text = _ids_of

    def loaded_selection(self) -> list[Copy]:
        """Some of the selected files, enough to know which commands fit."""
        return self.loaded_rows()

    async def selected_files(self) -> list[Copy]:
        """All selected files; those never looked at are read from the database."""
        return await self.selected_rows()


class EmptyFiles(QWidget):
    """The record knows of no file at a provider."""

    def __init__(self, theme: Theme, on_refresh: Callable[[], object]) -> None:
        super().__init__()
        icon = IconView(theme, "cloud", "accent", 48)
        title = centred(PlainLabel("No files at the providers yet", role="title"))
        text = centred(
            PlainLabel(
                "Files you upload appear here. Refresh also shows other files at your providers.",
                role="muted",
                wrap=True,
            )
        )
        self.refresh = Button(theme, "&Refresh", on_refresh, kind="primary", icon="retry")
        button = row(0, self.refresh, 0)
        self.setLayout(
            column(0, row(0, icon, 0), 16, title, 4, text, 24, button, 0, gap=0, margin=32)
        )
