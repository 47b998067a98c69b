"""The rules for the folder a job's file lies in, by its path and by where that leads."""

from __future__ import annotations

import os
from typing import Final

from exai_desktop.core.folder_rules import FolderRule, rule_for
from exai_desktop.core.models import JobView
from exai_desktop.engine.context import Context

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
