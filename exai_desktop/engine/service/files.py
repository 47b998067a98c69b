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
from exai_desktop.core.events import Metrics
from exai_desktop.engine.provider_files.remote_files import RemoteFiles
from exai_desktop.engine.provider_files.remote_lists import RemoteLists
from exai_desktop.engine.provider_files.texts import Texts
from exai_desktop.engine.service.job_commands import Commands


class ProviderFiles:
    """Meets `core.service.FileService`. `changed` announces the accounts anew."""

    def __init__(
        self,
        remote_files: RemoteFiles,
        lists: RemoteLists,
        texts: Texts,
        commands: Commands,
        metrics: Metrics,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._remote_files = remote_files
        self._lists = lists
        self._texts = texts
        self._copies = remote_files.copies
        self._commands = commands
        self._metrics = metrics
        self._changed = changed

    async def page(self, query: FileQuery) -> FilePage:
        """A search looks into the kept texts too."""
        return await self._copies.page(await self._texts.with_texts(query))

    async def file(self, copy_id: int) -> FileDetail:
        copy = await self._copy(copy_id)
        return FileDetail(copy, tuple(await self._copies.looks(copy_id)))

    async def check(self, copy_id: int) -> FileDetail:
        await self._lists.check(await self._copy(copy_id))
        return await self.file(copy_id)

    async def import_foreign(
        self, account: str, remote_ids: Sequence[str] | None = None
    ) -> ImportReport:
        found = self._lists.accounts.principal(account)
        report = await self._lists.import_foreign(found, remote_ids)
        await self._changed()
        return report

    async def delete(self, copy_id: int) -> Copy:
        return await self._deleted(await self._copy(copy_id))

    async def delete_of_job(self, job_id: int) -> str:
        copy = await self._remote_files.copy_of_job(job_id)
        return (await self._deleted(copy)).remote_id

    async def text_of_job(self, job_id: int) -> str:
        return await self._texts.text_of(await self._remote_files.copy_of_job(job_id))

    async def text(self, copy_id: int) -> str:
        return await self._texts.text_of(await self._copy(copy_id))

    async def search(self, text: str) -> list[SearchHit]:
        return await self._texts.search(text)

    async def _copy(self, copy_id: int) -> Copy:
        copy = await self._copies.get(copy_id)
        if copy is None:
            raise AppError(
                ErrorCode.REMOTE_NOT_FOUND, f"there is no file with the number {copy_id}"
            )
        return copy

    async def _deleted(self, copy: Copy) -> Copy:
        copy = await self._remote_files.delete(copy)
        self._metrics.deleted(copy.provider)
        await self._commands.resume_full(copy.account)
        await self._changed()
        return copy
