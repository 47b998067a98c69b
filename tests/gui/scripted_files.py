"""The part of the scripted service that plays the files at the providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState
from exai_desktop.core.copies.queries import (
    FileDetail,
    FilePage,
    FileQuery,
    FileSort,
    ImportReport,
    Look,
    SearchHit,
    Sight,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError


@dataclass
class ScriptedFiles:
    """Meets `FileService`."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)

    async def files(self, query: FileQuery) -> FilePage:
        found = [
            copy
            for copy in self.copies
            if copy.state in query.states
            and query.account in (None, copy.account)
            and query.search.lower() in copy.remote_name.lower()
        ]
        if query.sort is FileSort.NAME:
            found.sort(key=lambda copy: copy.remote_name, reverse=query.descending)
        else:
            found.sort(key=lambda copy: copy.id, reverse=query.descending)
        page = found[query.offset : query.offset + query.limit]
        return FilePage(tuple(page), len(found))

    async def file(self, copy_id: int) -> FileDetail:
        copy = self._copy(copy_id)
        return FileDetail(copy, (Look(copy_id, copy.recorded_at + 60, Sight.SEEN, copy.size),))

    async def import_files(
        self, account: str, remote_ids: Sequence[str] | None = None
    ) -> ImportReport:
        self.calls.append(("import_files", account, remote_ids))
        imported = [
            copy
            for copy in self.copies
            if copy.account == account
            and copy.state is CopyState.FOREIGN
            and (remote_ids is None or copy.remote_id in remote_ids)
        ]
        for copy in imported:
            self._put(replace(copy, state=CopyState.PRESENT, origin=CopyOrigin.IMPORTED))
        return ImportReport(account, tuple(imported))

    async def delete_file(self, copy_id: int) -> Copy:
        self.calls.append(("delete_file", copy_id))
        return self._put(replace(self._copy(copy_id), state=CopyState.DELETED))

    async def file_text(self, copy_id: int) -> str:
        self.calls.append(("file_text", copy_id))
        return "what the provider read"

    async def search_files(self, text: str) -> list[SearchHit]:
        page = await self.files(FileQuery(search=text))
        return [SearchHit(copy) for copy in page.rows]

    def _copy(self, copy_id: int) -> Copy:
        for copy in self.copies:
            if copy.id == copy_id:
                return copy
        raise AppError(ErrorCode.REMOTE_NOT_FOUND, str(copy_id))

    def _put(self, copy: Copy) -> Copy:
        self.copies = [copy if known.id == copy.id else known for known in self.copies]
        return copy
