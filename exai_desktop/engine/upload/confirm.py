"""From confirming to done: the provider's own processing, the sizes compared, the record."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.queries import DAY_S
from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.engine.context import Context

S = JobState

# First look after a moment, then ever more rarely: small files are ready at once.
FIRST_POLL_S: Final = 0.2
SLOWEST_POLL_S: Final = 5.0

# A fresh file may be unknown to the provider's own index for a moment.
MISSES_ALLOWED: Final = 3


def new_copy(ctx: Context, job: JobView, remote: RemoteFile, *, usable: bool) -> NewCopy:
    assert job.account and job.purpose and job.sha256 and job.provider
    return NewCopy(
        provider=job.provider,
        account=job.account,
        purpose=job.purpose,
        sha256=job.sha256,
        size=job.size,
        remote_id=remote.id,
        remote_name=remote.name,
        usable=usable,
        expires_at=expiry_of(ctx, job.account, job.purpose, remote),
    )


async def confirm(ctx: Context, job: JobView, remote: RemoteFile | None) -> None:
    """Settle a job whose file id is known; `remote` None: the program was restarted since."""
    assert job.file_id
    note = ""
    if remote is None or remote.status is RemoteStatus.PENDING:
        seen = await _watch(ctx, job, until_told=remote is None)
        if seen is None and remote is None:
            error = AppError(ErrorCode.REMOTE_NOT_FOUND, job.file_id)
            await ctx.scheduler.move(job, S.FAILED, error=error)
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
        detail = f"{remote.bytes:,} bytes there, {job.size:,} here; {remote.status_text}"
        await ctx.scheduler.move(
            job,
            S.FAILED,
            error=AppError(error_code, detail.rstrip("; ")),
            copy=new_copy(ctx, job, remote, usable=False),
        )
        return
    await ctx.scheduler.move(job, S.DONE, note=note, copy=new_copy(ctx, job, remote, usable=True))


async def _watch(ctx: Context, job: JobView, *, until_told: bool) -> RemoteFile | None:
    """Ask until the provider has read the file or the time is over; the last answer counts.

    A failing question is asked again: the file is there, only the news is late. `until_told`:
    the time is not over before there was an answer. None only when the provider has no such file.
    """
    assert job.account and job.file_id and job.purpose
    end = ctx.clock.monotonic() + ctx.settings.confirm_timeout_s
    wait_s, misses, last = FIRST_POLL_S, 0, None
    while True:
        await ctx.clock.sleep(wait_s)
        try:
            provider = await ctx.accounts.provider(job.account)
            last = await provider.find(job.file_id, job.purpose)
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
        if is_told and ctx.clock.monotonic() + wait_s > end:
            return last


def expiry_of(ctx: Context, account_name: str, purpose: str, remote: RemoteFile) -> float | None:
    """As the provider says, or as its rules say."""
    if remote.expires_at is not None:
        return remote.expires_at
    account = ctx.accounts.get(account_name)
    provider = ctx.accounts.table.of(account)
    if provider is None:
        return None
    days = provider.purpose(account.region, purpose).retention_days
    return remote.created_at + days * DAY_S if days else None
