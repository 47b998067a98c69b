"""What can be done with a job's file at the provider."""

from __future__ import annotations

from exai_desktop.core import states
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AppError, EngineError, TransferError
from exai_desktop.core.models import Copy
from exai_desktop.core.ports import ExtractsText
from exai_desktop.core.states import CopyState
from exai_desktop.engine.context import Context

C = CopyState


async def _copy_of(ctx: Context, job_id: int) -> Copy:
    if await ctx.jobs.get(job_id) is None:
        raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
    copy = await ctx.copies.of_job(job_id)
    if copy is None:
        raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"job {job_id} has no file at a provider")
    return copy


async def delete_remote(ctx: Context, job_id: int) -> Copy:
    """Intent on disk, the call, the result on disk. Other jobs that point to it lose it too."""
    copy = await _copy_of(ctx, job_id)
    if copy.state is C.DELETED:
        raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"{copy.remote_id} is deleted already")
    if copy.state is not C.DELETING:
        states.check_copy(copy.state, C.DELETING)
        copy = await ctx.copies.move(copy.id, copy.state, C.DELETING, ctx.clock.now())
    try:
        provider = await ctx.accounts.provider(copy.account)
        await provider.delete(copy.remote_id)
    except AppError as error:
        # Without an answer it may be gone: it stays `deleting`, is not reused, and can be asked
        # for again.
        if (
            not isinstance(error, TransferError)
            or error.is_answer
            or error.code is ErrorCode.OFFLINE
        ):
            await ctx.copies.move(copy.id, C.DELETING, C.PRESENT, ctx.clock.now())
        raise
    return await ctx.copies.move(copy.id, C.DELETING, C.DELETED, ctx.clock.now())


async def content(ctx: Context, job_id: int) -> str:
    """The text the provider read from the file."""
    copy = await _copy_of(ctx, job_id)
    provider = await ctx.accounts.provider(copy.account)
    if not isinstance(provider, ExtractsText):
        raise AppError(ErrorCode.NOT_SUPPORTED, copy.provider)
    return await provider.content(copy.remote_id)
