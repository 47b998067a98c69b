"""After a recovery: the lists of all accounts are taken into the record."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from exai_desktop.core.accounts import delays
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.engine.context import Context
from exai_desktop.engine.upload.recovered_record import log


async def compare_all(ctx: Context) -> None:
    """Take the lists of all accounts into the record; ends when all that can be had are there."""
    if ctx.recovery is None or await ctx.recovery.since() is None:
        return
    # Twice: a body that was under way when the program died may be stored a moment later.
    wanted = await _not_compared(ctx)
    for account, purpose in wanted:
        await _compare(ctx, account, purpose, is_last=False)
    if wanted:
        await ctx.clock.sleep(ctx.settings.settle_s)
    tries = 0
    while wanted := [pair for pair in wanted if not await _compare(ctx, *pair, is_last=True)]:
        tries += 1
        await ctx.clock.sleep(delays.retry_delay(tries, ctx.random()))


async def _not_compared(ctx: Context) -> list[tuple[Account, str]]:
    assert ctx.recovery is not None
    wanted = []
    for account in ctx.accounts.all():
        info = ctx.accounts.table.of(account)
        for purpose in info.purposes_in(account.region) if info else ():
            if await ctx.recovery.not_compared(account.name, purpose.name) is not None:
                wanted.append((account, purpose.name))
    return wanted


async def _compare(ctx: Context, account: Account, purpose: str, *, is_last: bool) -> bool:
    """Whether this list needs no further try."""
    assert ctx.recovery is not None
    known = await ctx.copies.of_account(account.name)
    try:
        listed = await (await ctx.accounts.provider(account.name)).list(purpose)
    except AppError as error:
        log.warning("list of %s for %s: %s", account.name, purpose, error.code)
        # A provider without such a list stays uncompared: each job asks the user.
        return error.outcome is Outcome.REJECTED
    if not is_last:
        await ctx.recovery.record_foreign(account.provider, account.name, listed)
        return True
    there = {remote.id for remote in listed}
    await _note_missing(
        ctx, [c for c in known if c.purpose == purpose and c.remote_id not in there]
    )
    now = ctx.clock.now()
    await ctx.recovery.compared(account.provider, account.name, purpose, listed, now)
    return True


async def _note_missing(ctx: Context, unlisted: Sequence[Copy]) -> None:
    """What the restored record believes to be there and the provider has not any more."""
    for copy in unlisted:
        if copy.state is CopyState.PRESENT:
            with contextlib.suppress(StaleJobError):
                await ctx.copies.move(copy.id, copy.state, CopyState.MISSING, ctx.clock.now())
