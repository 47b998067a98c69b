"""The verbs about what lies at the providers, as the engine offers them."""

from __future__ import annotations

from collections.abc import Sequence

from exai_desktop.core.copies.models import Copy
from exai_desktop.core.copies.queries import (
    FileDetail,
    FilePage,
    FileQuery,
    ImportReport,
    SearchHit,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.engine.provider_files import remote_files, remote_lists, texts
from exai_desktop.engine.service.accounts import AccountVerbs


class FileVerbs(AccountVerbs):
    async def files(self, query: FileQuery) -> FilePage:
        """A search looks into the kept texts too."""
        return await self._ctx.copies.page(await texts.with_texts(self._ctx, query))

    async def file(self, copy_id: int) -> FileDetail:
        copy = await self._copy(copy_id)
        return FileDetail(copy, tuple(await self._ctx.copies.looks(copy_id)))

    async def import_files(
        self, account: str, remote_ids: Sequence[str] | None = None
    ) -> ImportReport:
        found = self._ctx.accounts.get(account)
        report = await remote_lists.import_foreign(self._ctx, found, remote_ids)
        await self._announce_accounts()
        return report

    async def delete_file(self, copy_id: int) -> Copy:
        return await self._deleted(await self._copy(copy_id))

    async def delete_remote(self, job_id: int) -> str:
        copy = await remote_files.copy_of_job(self._ctx, job_id)
        return (await self._deleted(copy)).remote_id

    async def content(self, job_id: int) -> str:
        return await texts.text_of(self._ctx, await remote_files.copy_of_job(self._ctx, job_id))

    async def file_text(self, copy_id: int) -> str:
        return await texts.text_of(self._ctx, await self._copy(copy_id))

    async def search_files(self, text: str) -> list[SearchHit]:
        return await texts.search(self._ctx, text)

    async def _copy(self, copy_id: int) -> Copy:
        copy = await self._ctx.copies.get(copy_id)
        if copy is None:
            raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"no file {copy_id} on record")
        return copy

    async def _deleted(self, copy: Copy) -> Copy:
        copy = await remote_files.delete(self._ctx, copy)
        self._ctx.metrics.deleted(copy.provider)
        await self._commands.resume_full(copy.account)
        await self._announce_accounts()
        return copy
