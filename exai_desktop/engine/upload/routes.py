"""Which account a job may go to: rules for its folder, the route, the way to another account."""

from __future__ import annotations

import os
from typing import Final

from exai_desktop.core.accounts.accounts import Phase
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.core.routing.folder_rules import FolderRule, allowed_by, rule_for
from exai_desktop.core.routing.routing import Route, Wish, choose
from exai_desktop.engine.context import Context
from exai_desktop.engine.upload.admission import S


async def stand_aside(ctx: Context, account: str) -> None:
    """The account was given up for a while: its files are sent on, or shown with the reason."""
    for job_id, name in await ctx.jobs.ids([S.WAITING]):
        job = await ctx.jobs.get(job_id) if name == account else None
        if job is not None and job.state is S.WAITING and not await divert(ctx, job):
            ctx.scheduler.announce(job)


async def divert(ctx: Context, job: JobView) -> bool:
    """Send one waiting file on to another account, through the queue: it may be there already.

    Only one that stands in its account's line: what is under way or parked comes back to it.
    """
    assert job.account
    lane = ctx.accounts.lane(job.account)
    if lane is None or job.id not in lane or ctx.breakers.phase(job.account) is not Phase.OPEN:
        return False
    try:
        route = choose_route(ctx, job)
    except AppError:
        return False
    if route.account.name == job.account:
        return False
    ctx.scheduler.drop(job)
    try:
        await ctx.scheduler.move(job, S.QUEUED, note=route.reason)
    except AppError:
        ctx.scheduler.place(job, announce=False)
        raise
    except StaleJobError:
        return False
    return True


def choose_route(ctx: Context, job: JobView) -> Route:
    """None that has refused it, rather one that is not left alone. Raises as `choose` does."""
    rules = rules_of(ctx, job)
    accounts = allowed_by(rules, ctx.accounts.all(), job.wanted_account)
    consents = (job.allow_fallback, ctx.settings.allow_fallback, *(r.allow_fallback for r in rules))
    wish = Wish(job.wanted_account, job.wanted_purpose, any(consents))
    return choose(
        sent_name(job.path),
        job.size,
        wish,
        accounts,
        ctx.accounts.table,
        ctx.refusals.get(job.id, {}),
        ctx.breakers.paused([account.name for account in accounts]),
    )


REMEMBERED: Final = 10_000


async def look_up(ctx: Context, job: JobView) -> None:
    """Follow the links in its path, if there are rules; in a reader thread."""
    if not ctx.settings.folder_rules:
        return
    ctx.real_paths[job.id] = await ctx.read(os.path.realpath, job.path)
    if len(ctx.real_paths) > REMEMBERED:
        # It is looked up again before it is sent.
        del ctx.real_paths[next(iter(ctx.real_paths))]


def rules_of(ctx: Context, job: JobView) -> list[FolderRule]:
    """All that hold for it: an account must be allowed by each."""
    rules = ctx.settings.rules
    paths = dict.fromkeys((job.path, ctx.real_paths.get(job.id, job.path)))
    found = [rule_for(path, rules) for path in paths]
    return list(dict.fromkeys(rule for rule in found if rule is not None))


async def may_still_have(ctx: Context, job: JobView) -> bool:
    """Whether the account it waits for may have it by the rules as they are now."""
    await look_up(ctx, job)
    account = ctx.accounts.get(job.account or "")
    return all(rule.allows(account) for rule in rules_of(ctx, job))
