"""A plan for files that are not in the queue yet: walked and placed, nothing read or sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Final

from exai_desktop.core.models import AddOptions, NewJob
from exai_desktop.core.plan import UploadPlan
from exai_desktop.core.planner import Planner
from exai_desktop.core.quota import Usage
from exai_desktop.core.routing import Wish
from exai_desktop.engine.context import Context
from exai_desktop.engine.gate import pace_s
from exai_desktop.engine.intake import check_options
from exai_desktop.engine.scanner import Scanner

# Files between two breaths of the loop: some milliseconds.
AT_ONCE: Final = 200


async def plan(ctx: Context, paths: Sequence[str], options: AddOptions) -> UploadPlan:
    """Raises NO_ACCOUNT, UNKNOWN_ACCOUNT, INVALID_PURPOSE as an upload would."""
    check_options(ctx, options)
    found = await _walked(ctx, paths)
    accounts = ctx.accounts.all()
    used: dict[tuple[str, str], Usage] = {}
    for account in accounts:
        info = ctx.accounts.table.of(account)
        for purpose in info.purposes_in(account.region) if info else ():
            key = (account.name, purpose.name)
            used[key] = await ctx.jobs.room_used(*key)
    planner = Planner(
        accounts,
        ctx.accounts.table,
        Wish(
            options.account,
            options.purpose,
            options.allow_fallback or ctx.settings.allow_fallback,
        ),
        used,
        ctx.accounts.limits,
        ctx.breakers.paused([account.name for account in accounts]),
        ctx.settings.rules,
    )
    for number, job in enumerate(found):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)  # uploads go on meanwhile
        planner.add(job)
    return planner.plan(partial(pace_s, ctx), await ctx.jobs.line_speed())


async def _walked(ctx: Context, paths: Sequence[str]) -> list[NewJob]:
    stopped = threading.Event()
    scanner = Scanner(ctx.settings.max_file_bytes, stopped.is_set)

    def walk() -> list[NewJob]:
        return [job for chunk in scanner.walk(paths) for job in chunk]

    try:
        return await asyncio.to_thread(walk)
    finally:
        stopped.set()
