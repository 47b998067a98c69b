"""What is left to spend at the providers that tell it."""

from __future__ import annotations

import logging
from dataclasses import replace

from exai_desktop.core.abilities import ReportsBalance
from exai_desktop.core.accounts import AccountStatus, ConnectionReport
from exai_desktop.core.errors import AppError
from exai_desktop.engine.context import Context

log = logging.getLogger(__name__)


async def with_balance(ctx: Context, report: ConnectionReport) -> ConnectionReport:
    """The report of a good test with the balance; a provider that does not tell it is no fault."""
    if not report.ok:
        return report
    try:
        provider = await ctx.accounts.provider(report.account)
        if not isinstance(provider, ReportsBalance):
            return report
        balance = replace(await provider.balance(), at=ctx.clock.now())
        if ctx.balances is not None:
            await ctx.balances.note(report.account, balance)
    except AppError as error:
        log.warning("the balance of %s: %s", report.account, error.code)
        return report
    return replace(report, balance=balance)


async def with_balances(
    ctx: Context, statuses: tuple[AccountStatus, ...]
) -> tuple[AccountStatus, ...]:
    """The accounts with the last balance of each."""
    known = await ctx.balances.all() if ctx.balances is not None else {}
    return tuple(replace(s, balance=known.get(s.account.name)) for s in statuses)


async def forget_balance(ctx: Context, account: str) -> None:
    """Another account may get the name."""
    if ctx.balances is not None:
        await ctx.balances.note(account, None)
