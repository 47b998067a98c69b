"""What can be done with a job's file at the provider."""

from __future__ import annotations

from exai_desktop.core import states
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AppError, EngineError, TransferError
from exai_desktop.core.models import Copy
from exai_desktop.core.ports import ExtractsText
from exai_desktop.core.states import CopyState
from exai_desktop.core.stores import StaleJobError
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
        copy = await _move(ctx, copy, C.DELETING)
    try:
        provider = await ctx.accounts.provider(copy.account)
        await provider.delete(copy.remote_id)
    except AppError as error:
        # Without an answer it may be gone: it stays `deleting`, is not reused, and can be asked
        # for again.
        is_there = not isinstance(error, TransferError) or error.is_answer
        if (is_there or error.code is ErrorCode.OFFLINE) and copy.state is C.DELETING:
            await _move(ctx, copy, C.PRESENT)
        raise
    return await _move(ctx, copy, C.DELETED) if copy.state is C.DELETING else copy


async def _move(ctx: Context, copy: Copy, new: CopyState) -> Copy:
    """The copy as it is then; it may have been asked for twice, and the other was quicker."""
    try:
        return await ctx.copies.move(copy.id, copy.state, new, ctx.clock.now())
    except StaleJobError:
        return await ctx.copies.by_remote_id(copy.account, copy.remote_id) or copy


async def content(ctx: Context, job_id: int) -> str:
    """The text the provider read from the file."""
    copy = await _copy_of(ctx, job_id)
    provider = await ctx.accounts.provider(copy.account)
    if not isinstance(provider, ExtractsText):
        raise AppError(ErrorCode.NOT_SUPPORTED, copy.provider)
    return await provider.content(copy.remote_id)
