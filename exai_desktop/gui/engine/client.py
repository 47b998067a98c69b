"""Commands of the window to the engine, as awaitables of the window's own loop."""

from __future__ import annotations

from collections.abc import Sequence

from exai_desktop.core.accounts.accounts import AccountDraft, AccountStatus, ConnectionReport
from exai_desktop.core.accounts.health import HealthSample
from exai_desktop.core.copies.models import Copy, RemoteListing
from exai_desktop.core.copies.queries import FileDetail, FilePage, FileQuery, ImportReport
from exai_desktop.core.jobs.models import AddOptions, JobDetail, JobPage, JobQuery, QueueSummary
from exai_desktop.core.planning import UploadPlan
from exai_desktop.core.settings import Settings
from exai_desktop.gui.engine.thread import EngineStoppedError, EngineThread


class EngineLink:
    """The thread behind the window; it can be exchanged (sandbox and back)."""

    def __init__(self) -> None:
        self._thread: EngineThread | None = None

    def use(self, thread: EngineThread | None) -> None:
        """Talk to this engine from now on; None: to none."""
        self._thread = thread

    @property
    def _engine(self) -> EngineThread:
        if self._thread is None:
            raise EngineStoppedError
        return self._thread


class AccountOrders(EngineLink):
    """Accounts and settings."""

    async def settings(self) -> Settings:
        return await self._engine.submit(lambda s: s.settings())

    async def change_setting(self, name: str, value: str) -> Settings:
        return await self._engine.submit(lambda s: s.change_setting(name, value))

    async def accounts(self) -> list[AccountStatus]:
        return await self._engine.submit(lambda s: s.accounts())

    async def add_account(self, draft: AccountDraft, key: str) -> AccountStatus:
        return await self._engine.submit(lambda s: s.add_account(draft, key))

    async def remove_account(self, name: str) -> None:
        await self._engine.submit(lambda s: s.remove_account(name))

    async def test_account(self, name: str) -> ConnectionReport:
        return await self._engine.submit(lambda s: s.test_account(name))

    async def health(self, account: str | None, limit: int) -> list[HealthSample]:
        return await self._engine.submit(lambda s: s.health(account, limit))

    async def test_draft(self, draft: AccountDraft, key: str) -> ConnectionReport:
        return await self._engine.submit(lambda s: s.test_draft(draft, key))


class FileOrders(AccountOrders):
    """What lies at the providers."""

    async def reconcile(self, name: str) -> list[RemoteListing]:
        return await self._engine.submit(lambda s: s.reconcile(name))

    async def files(self, query: FileQuery) -> FilePage:
        return await self._engine.submit(lambda s: s.files(query))

    async def file(self, copy_id: int) -> FileDetail:
        return await self._engine.submit(lambda s: s.file(copy_id))

    async def import_files(self, account: str, remote_ids: Sequence[str]) -> ImportReport:
        return await self._engine.submit(lambda s: s.import_files(account, remote_ids))

    async def delete_file(self, copy_id: int) -> Copy:
        return await self._engine.submit(lambda s: s.delete_file(copy_id))

    async def file_text(self, copy_id: int) -> str:
        return await self._engine.submit(lambda s: s.file_text(copy_id))


class EngineClient(FileOrders):
    """Mirrors `UploadService`."""

    async def add_paths(self, paths: Sequence[str], options: AddOptions) -> int:
        return await self._engine.submit(lambda s: s.add_paths(paths, options))

    async def plan(self, paths: Sequence[str], options: AddOptions) -> UploadPlan:
        return await self._engine.submit(lambda s: s.plan(paths, options))

    async def jobs(self, query: JobQuery) -> JobPage:
        return await self._engine.submit(lambda s: s.jobs(query))

    async def job(self, job_id: int) -> JobDetail:
        return await self._engine.submit(lambda s: s.job(job_id))

    async def summary(self) -> QueueSummary:
        return await self._engine.submit(lambda s: s.summary())

    async def pause(self, job_ids: Sequence[int] | None = None, for_s: float | None = None) -> None:
        await self._engine.submit(lambda s: s.pause(job_ids, for_s))

    async def resume(self, job_ids: Sequence[int] | None = None) -> None:
        await self._engine.submit(lambda s: s.resume(job_ids))

    async def cancel(self, job_ids: Sequence[int]) -> list[int]:
        return await self._engine.submit(lambda s: s.cancel(job_ids))

    async def retry(
        self,
        job_ids: Sequence[int] | None,
        *,
        allow_fallback: bool = False,
        accepted: Sequence[str] = (),
    ) -> list[int]:
        return await self._engine.submit(
            lambda s: s.retry(job_ids, allow_fallback=allow_fallback, accepted=accepted)
        )

    async def settle(self, job_id: int, remote_id: str | None) -> None:
        await self._engine.submit(lambda s: s.settle(job_id, remote_id))

    async def remove(self, job_ids: Sequence[int] | None) -> int:
        return await self._engine.submit(lambda s: s.remove(job_ids))

    async def delete_remote(self, job_id: int) -> str:
        return await self._engine.submit(lambda s: s.delete_remote(job_id))

    async def content(self, job_id: int) -> str:
        return await self._engine.submit(lambda s: s.content(job_id))

    async def facts(self) -> dict[str, str]:
        return await self._engine.submit(lambda s: s.facts())
