"""The history for users: pages of it, texts in the forms of a receipt, and forgetting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.history import (
    HistoryKind,
    HistoryPage,
    HistoryQuery,
    HistorySort,
    HistoryStore,
    PastFile,
    codes_like,
)
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.receipt_forms import written
from exai_desktop.core.jobs.receipts import (
    Receipt,
    ReceiptForm,
    ReceiptPlace,
    ReceiptRow,
    ReceiptText,
)
from exai_desktop.engine.provider_files.texts import Texts
from exai_desktop.engine.service.receipts import AT_ONCE, Receipts, whole_path


class History:
    """Meets `core.jobs.history.HistoryService`."""

    def __init__(self, store: HistoryStore, texts: Texts, receipts: Receipts) -> None:
        self._store = store
        self._texts = texts
        self._receipts = receipts

    async def page(self, query: HistoryQuery) -> HistoryPage:
        return await self._store.page(await self._searched(query))

    async def _searched(self, query: HistoryQuery) -> HistoryQuery:
        if not query.search.strip():
            return query
        also = await self._texts.ids_with(query.search)
        return replace(query, codes=codes_like(query.search), also=also)

    async def counts(self) -> Mapping[HistoryKind, int]:
        return await self._store.counts()

    async def text(
        self,
        query: HistoryQuery,
        form: ReceiptForm,
        after: int | None = None,
        most: int | None = None,
    ) -> ReceiptText:
        limit = AT_ONCE if most is None else max(1, min(most, AT_ONCE))
        # By number: what comes in meanwhile confuses nobody. One more tells if there is a next one.
        wanted = replace(
            await self._searched(query),
            before=2**62 if after is None else after,
            sort=HistorySort.NUMBER,
            descending=True,
            offset=0,
            limit=limit + 1,
        )
        files = (await self._store.page(wanted)).rows
        is_last = len(files) <= limit
        files = files[:limit]
        rows = [_row(file) for file in files if form.is_complete or file.kind is HistoryKind.SENT]
        head = await self._head() if after is None else None
        text = written(form, rows, self._receipts.addresses(), head=head, is_last=is_last)
        return ReceiptText(text, len(rows), None if is_last else files[-1].id)

    async def _head(self) -> Receipt:
        """Every account that can be written about: which ones occur is known at the end only."""
        places = [ReceiptPlace(account, "", "", 0, 0, 0) for account in self._receipts.addresses()]
        return Receipt(None, 0.0, None, 0, 0, 0, tuple(places), ())

    async def save(self, query: HistoryQuery, form: ReceiptForm, file: str) -> int:
        target = whole_path(file)
        return await self._receipts.write(target, self._pieces(query, form))

    async def _pieces(self, query: HistoryQuery, form: ReceiptForm) -> AsyncIterator[ReceiptText]:
        after: int | None = None
        while True:
            piece = await self.text(query, form, after)
            yield piece
            if piece.last is None:
                return
            after = piece.last

    async def forget(self, ids: Sequence[int] | None = None, before: float | None = None) -> int:
        return await self._store.forget(ids, before)


def _row(file: PastFile) -> ReceiptRow:
    """As in a receipt: an id that works no more is none."""
    code = None if file.error is None else file.error.code
    if file.kind is HistoryKind.GONE:
        code = ErrorCode.FILE_GONE.value
    return ReceiptRow(
        id=file.id,
        path=file.path,
        name=file.name,
        state=JobState(file.state),
        size=file.size,
        provider=file.provider,
        account=file.account,
        purpose=file.purpose,
        file_id=file.file_id if file.kind is HistoryKind.SENT else None,
        sha256=file.sha256,
        error_code=code,
        settled_at=file.ended_at,
        sharing=file.sharing,
    )
