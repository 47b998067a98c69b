"""Before the id of a stored copy is used again: is it still at the provider?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from exai_desktop.core.copies.models import Copy, CopyState, RemoteFile
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.copies.queries import Look, Sight
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.engine.context import Context

C = CopyState


def is_fresh(ctx: Context, copy: Copy) -> bool:
    """Whether the provider's last word on this copy still counts."""
    now = ctx.clock.now()
    if copy.expires_at is not None and copy.expires_at <= now:
        return False
    age = now - (copy.verified_at or copy.recorded_at)
    # A clock set back makes no old news fresh.
    return 0 <= age < ctx.settings.verify_after_s


async def reuse(ctx: Context, job: JobView, provider: FileProvider) -> bool:
    """Make the job a duplicate when its content lies at the account; else leave it as it is.

    A copy that is gone is noted as missing or expired. Raises `TransferError` when the provider
    cannot be asked: then nothing may be sent either.
    """
    assert job.account and job.purpose and job.sha256
    copy = await ctx.copies.find_present(job.account, job.purpose, job.sha256)
    if copy is None or not await still_there(ctx, copy, provider):
        return False
    await become_duplicate(ctx, job, copy)
    return True


async def become_duplicate(ctx: Context, job: JobView, copy: Copy) -> None:
    note = "the same content is already there"
    await ctx.scheduler.move(
        job, JobState.DUPLICATE, note=note, file_id=copy.remote_id, twin_of=copy.job_id
    )


async def still_there(ctx: Context, copy: Copy, provider: FileProvider) -> bool:
    """Ask for a present copy, unless that was done a moment ago; what was found is recorded."""
    if is_fresh(ctx, copy):
        return True
    now = ctx.clock.now()
    if copy.expires_at is not None and copy.expires_at <= now:
        await _note(ctx, copy, C.EXPIRED)
        return False
    remote = await _see(ctx, copy, provider)
    if remote is None or remote.bytes != copy.size:
        size = remote.bytes if remote else None
        sight = Sight.OTHER_SIZE if remote else Sight.NOT_SEEN
        await ctx.copies.looked([Look(copy.id, ctx.clock.now(), sight, size)])
        await _note(ctx, copy, C.MISSING)
        return False
    await ctx.copies.verified([copy.id], ctx.clock.now())
    return True


async def _note(ctx: Context, copy: Copy, state: CopyState) -> None:
    with contextlib.suppress(StaleJobError):  # somebody else has found out meanwhile
        await ctx.copies.move(copy.id, C.PRESENT, state, ctx.clock.now())


async def _see(ctx: Context, copy: Copy, provider: FileProvider) -> RemoteFile | None:
    """By the list, which answers for all copies at once; an absence is confirmed by its id."""
    try:
        listed = await _listed(ctx, copy, provider)
    except TransferError as error:
        if error.outcome is not Outcome.REJECTED:
            raise
        listed = ()
    for remote in listed:
        if remote.id == copy.remote_id:
            return remote
    return await provider.find(copy.remote_id, copy.purpose)


async def _listed(ctx: Context, copy: Copy, provider: FileProvider) -> Sequence[RemoteFile]:
    """The account's list; many who ask at once share one question."""
    key = (copy.account, copy.purpose)
    asking = ctx.listing.get(key)
    if asking is None:
        asking = asyncio.ensure_future(_ask(ctx, key, provider))
        ctx.listing[key] = asking
        asking.add_done_callback(lambda _: ctx.listing.pop(key, None))
    return await asyncio.shield(asking)


async def _ask(ctx: Context, key: tuple[str, str], provider: FileProvider) -> Sequence[RemoteFile]:
    listed = await provider.list(key[1])
    there = {remote.id: remote.bytes for remote in listed}
    seen = [
        copy.id
        for copy in await ctx.copies.of_account(key[0])
        if copy.state is C.PRESENT and there.get(copy.remote_id) == copy.size
    ]
    await ctx.copies.verified(seen, ctx.clock.now())
    return listed
