"""Files at the providers, as the engine shows and changes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

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
from exai_desktop.engine.context import Context
from exai_desktop.engine.provider_files import remote_files, remote_lists, texts
from exai_desktop.engine.service.job_commands import Commands


class ProviderFiles:
    """Meets `core.service.FileService`. `changed` announces the accounts anew."""

    def __init__(
        self, ctx: Context, commands: Commands, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self._ctx = ctx
        self._commands = commands
        self._changed = changed

    async def page(self, query: FileQuery) -> FilePage:
        """A search looks into the kept texts too."""
        return await self._ctx.copies.page(await texts.with_texts(self._ctx, query))

    async def file(self, copy_id: int) -> FileDetail:
        copy = await self._copy(copy_id)
        return FileDetail(copy, tuple(await self._ctx.copies.looks(copy_id)))

    async def import_foreign(
        self, account: str, remote_ids: Sequence[str] | None = None
    ) -> ImportReport:
        found = self._ctx.accounts.get(account)
        report = await remote_lists.import_foreign(self._ctx, found, remote_ids)
        await self._changed()
        return report

    async def delete(self, copy_id: int) -> Copy:
        return await self._deleted(await self._copy(copy_id))

    async def delete_of_job(self, job_id: int) -> str:
        copy = await remote_files.copy_of_job(self._ctx, job_id)
        return (await self._deleted(copy)).remote_id

    async def text_of_job(self, job_id: int) -> str:
        return await texts.text_of(self._ctx, await remote_files.copy_of_job(self._ctx, job_id))

    async def text(self, copy_id: int) -> str:
        return await texts.text_of(self._ctx, await self._copy(copy_id))

    async def search(self, text: str) -> list[SearchHit]:
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
        await self._changed()
        return copy
