"""A history that a test tells of: for the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exai_desktop.core.jobs.history import (
    HistoryKind,
    HistoryPage,
    HistoryQuery,
    HistorySort,
    PastFile,
)
from exai_desktop.core.jobs.receipts import ReceiptForm, ReceiptText

if TYPE_CHECKING:
    from .scripted_service import ScriptedService


@dataclass
class ScriptedHistory:
    """Meets `HistoryService`."""

    script: ScriptedService
    files: list[PastFile] = field(default_factory=list)

    async def page(self, query: HistoryQuery) -> HistoryPage:
        found = [
            file
            for file in self.files
            if (not query.kinds or file.kind in query.kinds)
            and query.account in (None, file.account)
            and query.batch in (None, file.batch_id)
            and (query.ids is None or file.id in query.ids)
            and query.search.lower() in file.name.lower()
        ]
        if query.sort is HistorySort.NAME:
            found.sort(key=lambda file: file.name, reverse=query.descending)
        else:
            found.sort(key=lambda file: file.id, reverse=query.descending)
        return HistoryPage(tuple(found[query.offset : query.offset + query.limit]), len(found))

    async def counts(self) -> Mapping[HistoryKind, int]:
        return {kind: sum(file.kind is kind for file in self.files) for kind in HistoryKind}

    async def text(
        self,
        query: HistoryQuery,
        form: ReceiptForm,
        after: int | None = None,
        most: int | None = None,
    ) -> ReceiptText:
        self.script.note("history.text", query, form, after, most)
        files = (await self.page(query)).rows
        return ReceiptText(f"{form} {[file.id for file in files]}\n", len(files), None)

    async def save(self, query: HistoryQuery, form: ReceiptForm, file: str) -> int:
        self.script.note("history.save", query, form, file)
        return (await self.page(query)).total

    async def forget(self, ids: Sequence[int] | None = None, before: float | None = None) -> int:
        self.script.note("history.forget", ids, before)
        gone = [file for file in self.files if ids is None or file.id in ids]
        self.files = [file for file in self.files if file not in gone]
        return len(gone)
