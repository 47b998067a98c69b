"""From confirming to done: the provider's own processing, the sizes compared, the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.models import RoutedJob, routed
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import IdTakenError, JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts, expiry_of
from exai_desktop.engine.scheduling.scheduler import Scheduler

S = JobState

# First look after a moment, then ever more rarely: small files are ready at once.
FIRST_POLL_S: Final = 0.2
SLOWEST_POLL_S: Final = 5.0

# A fresh file may be unknown to the provider's own index for a moment.
MISSES_ALLOWED: Final = 3


def new_copy(accounts: Accounts, job: RoutedJob, remote: RemoteFile, *, usable: bool) -> NewCopy:
    return NewCopy(
        provider=job.provider,
        account=job.account,
        purpose=job.purpose,
        sha256=job.sha256,
        size=job.size,
        remote_id=remote.id,
        remote_name=remote.name,
        usable=usable,
        expires_at=expiry_of(accounts, job.account, job.purpose, remote),
    )


@dataclass(frozen=True, slots=True)
class Confirmation:
    jobs: JobStore
    scheduler: Scheduler
    accounts: Accounts
    settings: CurrentSettings
    clock: Clock

    async def confirm(self, job: RoutedJob, remote: RemoteFile | None) -> None:
        """Settle a job whose file id is known; `remote` None: the program was restarted since."""
        assert job.file_id
        note = ""
        if remote is None or remote.status is RemoteStatus.PENDING:
            seen = await self._watch(job, job.file_id, until_told=remote is None)
            if seen is None and remote is None:
                error = AppError(ErrorCode.REMOTE_NOT_FOUND, job.file_id)
                await self.scheduler.move(job, S.FAILED, error=error)
                return
            remote = seen or remote
        assert remote is not None
        error_code = None
        if remote.bytes != job.size:
            error_code = ErrorCode.SIZE_MISMATCH
        elif remote.status is RemoteStatus.ERROR:
            error_code = ErrorCode.PARSE_FAILED
        elif remote.status is RemoteStatus.PENDING:
            note = "the provider is still reading the file"
        if error_code is not None:
            detail = f"{remote.bytes:,} bytes at the provider, {job.size:,} here; "
            detail += remote.status_text
            error = AppError(error_code, detail.rstrip("; "))
            copy = new_copy(self.accounts, job, remote, usable=False)
            await self._record(job, S.FAILED, copy, error=error)
            return
        copy = new_copy(self.accounts, job, remote, usable=True)
        await self._record(job, S.DONE, copy, note=note)

    async def _record(
        self,
        job: RoutedJob,
        new: JobState,
        copy: NewCopy,
        *,
        error: AppError | None = None,
        note: str = "",
    ) -> None:
        """The end of the job with its copy; failed when its id is that of another content."""
        try:
            await self.scheduler.move(job, new, error=error, note=note, copy=copy)
        except IdTakenError as taken:
            error = AppError(ErrorCode.FILE_ID_TAKEN, taken.detail)
            # Without the id: whoever used it could get the other file.
            await self.scheduler.move(job, S.FAILED, error=error, note=taken.detail, file_id=None)

    async def confirm_again(self, job_id: int) -> None:
        """After a restart: whatever is still confirming."""
        job = await self.jobs.get(job_id)
        if job is not None and job.state is S.CONFIRMING:
            await self.confirm(routed(job), None)

    async def _watch(self, job: RoutedJob, file_id: str, *, until_told: bool) -> RemoteFile | None:
        """Ask until the provider has read the file or the time is over; the last answer counts.

        A failing question is asked again: the file is there, only the news is late.
        `until_told`: the time is not over before there was an answer. None only when the
        provider has no such file.
        """
        end = self.clock.monotonic() + self.settings.value.confirm_timeout_s
        wait_s, misses, last = FIRST_POLL_S, 0, None
        while True:
            await self.clock.sleep(wait_s)
            try:
                provider = await self.accounts.provider(job.account)
                last = await provider.find(file_id, job.purpose)
            except AppError as error:
                if error.code is ErrorCode.UNKNOWN_ACCOUNT:
                    raise
            else:
                misses = misses + 1 if last is None else 0
                if misses >= MISSES_ALLOWED:
                    return None
                if last is not None and last.status is not RemoteStatus.PENDING:
                    return last
            wait_s = min(wait_s * 2, SLOWEST_POLL_S)
            is_told = last is not None or not until_told
            if is_told and self.clock.monotonic() + wait_s > end:
                return last
