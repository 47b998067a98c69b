"""What can be done with a file at the provider."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.core.copies.models import Copy, CopyState, check_copy
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.copies.queries import Look, Sight
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, TransferError
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.engine.context import Context
from exai_desktop.engine.provider_files.texts import forget_text

C = CopyState

_GONE: Final = frozenset({C.DELETED, C.MISSING, C.EXPIRED})


async def copy_of_job(ctx: Context, job_id: int) -> Copy:
    if await ctx.jobs.get(job_id) is None:
        raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
    copy = await ctx.copies.of_job(job_id)
    if copy is None:
        raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"job {job_id} has no file at a provider")
    return copy


async def delete(ctx: Context, copy: Copy) -> Copy:
    """Intent on disk, the call, the result on disk, and a look whether it is gone.

    Jobs that point to the file lose it too.
    """
    if copy.state is C.FOREIGN:
        # Nobody here has sent it or taken it over: perhaps it is somebody else's work.
        raise EngineError(ErrorCode.WRONG_STATE, f"{copy.remote_id} is not ours; import it first")
    if copy.state in _GONE:
        raise AppError(ErrorCode.REMOTE_NOT_FOUND, f"{copy.remote_id} is {copy.state} already")
    if copy.state is not C.DELETING:
        check_copy(copy.state, C.DELETING)
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
    if copy.state is C.DELETING:
        await forget_text(ctx, copy)
        copy = await _move(ctx, copy, C.DELETED)
        await _prove(ctx, copy, provider)
    return copy


async def _move(ctx: Context, copy: Copy, new: CopyState) -> Copy:
    """The copy as it is then; it may have been asked for twice, and the other was quicker."""
    try:
        return await ctx.copies.move(copy.id, copy.state, new, ctx.clock.now())
    except StaleJobError:
        return await ctx.copies.by_remote_id(copy.account, copy.remote_id) or copy


async def _prove(ctx: Context, copy: Copy, provider: FileProvider) -> None:
    """Ask once whether the file is gone, and write down the answer: the provider said so."""
    outcome, error_code = "gone", None
    try:
        remote = await provider.find(copy.remote_id, copy.purpose)
    except TransferError as error:
        # It is deleted all the same; only nobody has seen it gone.
        outcome, error_code = "not asked", error.code
    else:
        now = ctx.clock.now()
        if remote is None:
            look = Look(copy.id, now, Sight.NOT_SEEN)
        else:
            # A list may lag behind; the next `reconcile` looks again.
            outcome, look = "still listed", Look(copy.id, now, Sight.SEEN, remote.bytes)
        await ctx.copies.looked([look])
    await ctx.audit.note(
        AuditEntry(
            ctx.clock.now(),
            "copy.deletion_seen",
            outcome,
            job_id=copy.job_id,
            account=copy.account,
            provider=copy.provider,
            purpose=copy.purpose,
            remote_id=copy.remote_id,
            bytes=copy.size,
            error_code=error_code,
        )
    )
