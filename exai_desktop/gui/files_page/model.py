"""The files at the providers as a Qt table."""

from __future__ import annotations

import time
from dataclasses import replace

from PySide6.QtCore import QObject

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.queries import LISTED, FileQuery
from exai_desktop.gui.engine.client import EngineClient
from exai_desktop.gui.engine.slot_tasks import SlotTasks
from exai_desktop.gui.files_page.columns import HEADINGS, FileColumn, cell_text
from exai_desktop.gui.widgets.page_cache import PAGE
from exai_desktop.gui.widgets.paged_model import PagedRows


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
