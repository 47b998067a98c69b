"""What lies at a provider, held against the record: ours, missing, expired, of others."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from exai_desktop.core.accounts import Account
from exai_desktop.core.errors import AppError, ErrorView
from exai_desktop.core.models import Copy, RemoteFile, RemoteListing
from exai_desktop.core.states import CopyState
from exai_desktop.core.stores import StaleJobError
from exai_desktop.engine.context import Context

C = CopyState

# In these the record says that the provider has the file, or may have it.
_BELIEVED = frozenset({C.PRESENT, C.DELETING, C.FOREIGN})


async def compare(ctx: Context, account: Account) -> list[RemoteListing]:
    """One listing a purpose. What is found is recorded; nothing is deleted or sent."""
    info = ctx.accounts.table.of(account)
    purposes = [p.name for p in info.purposes_in(account.region)] if info else []
    return [await _compare_one(ctx, account, purpose) for purpose in purposes]


async def _compare_one(ctx: Context, account: Account, purpose: str) -> RemoteListing:
    # Read before the list: what is recorded meanwhile is not taken for missing.
    before = [c for c in await ctx.copies.of_account(account.name) if c.purpose == purpose]
    try:
        provider = await ctx.accounts.provider(account.name)
        listed = await provider.list(purpose)
        there = {remote.id: remote for remote in listed}
        gone = [c for c in before if c.state in _BELIEVED and c.remote_id not in there]
        # A list may lag behind: an absence is confirmed by the file's own id.
        lost = [c for c in gone if await provider.find(c.remote_id, purpose) is None]
    except AppError as error:
        return RemoteListing(account.name, purpose, error=ErrorView.of(error))
    missing, expired = await _note_gone(ctx, lost)
    damaged = tuple(c.remote_id for c in before if _is_damaged(c, there))
    ours = {c.remote_id for c in before if c.state is not C.FOREIGN}
    fine = [
        c.id
        for c in before
        if c.state is C.PRESENT and c.remote_id in there and not _is_damaged(c, there)
    ]
    await ctx.copies.verified(fine, ctx.clock.now())
    foreign = [remote for remote in listed if remote.id not in ours]
    await _record_foreign(ctx, account, foreign)
    return RemoteListing(
        account.name, purpose, len(fine), missing, expired, damaged, tuple(foreign)
    )


def _is_damaged(copy: Copy, there: dict[str, RemoteFile]) -> bool:
    remote = there.get(copy.remote_id)
    return copy.state is C.PRESENT and remote is not None and remote.bytes != copy.size


async def _note_gone(ctx: Context, lost: Sequence[Copy]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    now = ctx.clock.now()
    missing: list[str] = []
    expired: list[str] = []
    for copy in lost:
        new = C.MISSING
        if copy.state is C.DELETING:
            new = C.DELETED
        elif copy.state is C.PRESENT and copy.expires_at is not None and copy.expires_at <= now:
            new = C.EXPIRED
        with contextlib.suppress(StaleJobError):  # somebody else has found out meanwhile
            await ctx.copies.move(copy.id, copy.state, new, now)
        if copy.state is C.PRESENT:
            (expired if new is C.EXPIRED else missing).append(copy.remote_id)
    return tuple(missing), tuple(expired)


async def _record_foreign(ctx: Context, account: Account, files: Sequence[RemoteFile]) -> None:
    """They take room at the account. A file of ours whose answer is still awaited looks foreign
    too: it becomes ours when the answer comes."""
    if ctx.recovery is not None and files:
        await ctx.recovery.record_foreign(account.provider, account.name, files)
