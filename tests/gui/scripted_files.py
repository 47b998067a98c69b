"""The part of the scripted service that plays the files at the providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState
from exai_desktop.core.copies.queries import (
    CopyCheck,
    FileDetail,
    FilePage,
    FileQuery,
    FileSort,
    ImportReport,
    SearchHit,
    Sight,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError


class Script(Protocol):
    """What a test has told the service to say, and what was asked of it."""

    calls: list[tuple[object, ...]]
    copies: list[Copy]

    def note(self, *call: object) -> None: ...


class ScriptedFiles:
    """Meets `FileService`."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def page(self, query: FileQuery) -> FilePage:
        found = [
            copy
            for copy in self._script.copies
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
        return FileDetail(copy, (CopyCheck(copy_id, copy.recorded_at + 60, Sight.SEEN, copy.size),))

    async def check(self, copy_id: int) -> FileDetail:
        self._script.note("files.check", copy_id)
        return await self.file(copy_id)

    async def import_foreign(
        self, account: str, remote_ids: Sequence[str] | None = None
    ) -> ImportReport:
        self._script.calls.append(("files.import_foreign", account, remote_ids))
        imported = [
            copy
            for copy in self._script.copies
            if copy.account == account
            and copy.state is CopyState.FOREIGN
            and (remote_ids is None or copy.remote_id in remote_ids)
        ]
        for copy in imported:
            self._put(replace(copy, state=CopyState.PRESENT, origin=CopyOrigin.IMPORTED))
        return ImportReport(account, tuple(imported))

    async def delete(self, copy_id: int) -> Copy:
        self._script.calls.append(("files.delete", copy_id))
        return self._put(replace(self._copy(copy_id), state=CopyState.DELETED))

    async def text(self, copy_id: int) -> str:
        self._script.calls.append(("files.text", copy_id))
        return "what the provider read"

    async def search(self, text: str) -> list[SearchHit]:
        page = await self.page(FileQuery(search=text))
        return [SearchHit(copy) for copy in page.rows]

    async def delete_of_job(self, job_id: int) -> str:
        self._script.note("files.delete_of_job", job_id)
        return "file"

    async def text_of_job(self, job_id: int) -> str:
        self._script.note("files.text_of_job", job_id)
        return "<b>what the provider read</b>"

    def _copy(self, copy_id: int) -> Copy:
        for copy in self._script.copies:
            if copy.id == copy_id:
                return copy
        raise AppError(ErrorCode.REMOTE_NOT_FOUND, str(copy_id))

    def _put(self, copy: Copy) -> Copy:
        self._script.copies = [
            copy if known.id == copy.id else known for known in self._script.copies
        ]
        return copy
