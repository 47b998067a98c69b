"""The files at the providers as a Qt table."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.queries import LISTED, FileQuery, FileSort
from exai_desktop.gui.engine.client import EngineClient
from exai_desktop.gui.engine.slot_tasks import SlotTasks
from exai_desktop.gui.files_page.columns import HEADINGS, FileColumn, cell_text
from exai_desktop.gui.style.plain_text import tip
from exai_desktop.gui.widgets.page_cache import PAGE
from exai_desktop.gui.widgets.paged_model import Index, PagedRows

COPY_ROLE: Final = Qt.ItemDataRole.UserRole + 1
_TEXT_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)


class FilesModel(PagedRows[Copy, FileQuery]):
    """Rows come from the record; only a refresh of the page asks the providers."""

    def __init__(self, client: EngineClient, tasks: SlotTasks, parent: QObject) -> None:
        super().__init__(client.files.page, FileQuery(limit=PAGE), len(HEADINGS), tasks, parent)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Titles; numbers stand right."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[FileColumn(section)].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            is_number = section == FileColumn.SIZE
            side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text for every reader; the copy itself for the painter."""
        copy = self._rows.at(index.row())
        if copy is None:
            self.want(index.row())
            is_name = index.column() == FileColumn.NAME and role == Qt.ItemDataRole.DisplayRole
            return "…" if is_name else None
        if role == COPY_ROLE:
            return copy
        if role in _TEXT_ROLES:
            return cell_text(copy, FileColumn(index.column()), time.time())
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(cell_text(copy, FileColumn(index.column()), time.time()))
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column that can be sorted; otherwise the newest first."""
        key = HEADINGS[FileColumn(column)].sort if column >= 0 else None
        descending = order == Qt.SortOrder.DescendingOrder or key is None
        self.ask(replace(self._query, sort=key or FileSort.STORED, descending=descending))

    def filter(self, account: str | None, states: tuple[CopyState, ...], search: str) -> None:
        """Show only this account, these states (none: all) and what matches the text."""
        wanted = replace(self._query, account=account, states=states or LISTED, search=search)
        if wanted != self._query:
            self.ask(wanted)

    def restart(self) -> None:
        """Another engine is behind the client: forget all, read again."""
        self.forget()
        self.ask(self._query)
