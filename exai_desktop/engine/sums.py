"""The sums over the whole queue: those on disk with what moves in memory."""

from __future__ import annotations

from dataclasses import replace

from exai_desktop.core.models import QueueSummary
from exai_desktop.engine.context import Context
from exai_desktop.engine.gate import pace_s
from exai_desktop.engine.pausing import Pausing


async def summary_of(ctx: Context, pausing: Pausing) -> QueueSummary:
    """The time left is the longer of what the line and the accounts' limits take."""
    summary = await ctx.jobs.summary()
    done, speed = ctx.board.totals()
    left = max(0, summary.open_bytes - done)
    limits_s = max((pace_s(ctx, account.name) for account in ctx.accounts.all()), default=0.0)
    line_s = left / speed if speed > 1 else None
    return replace(
        summary,
        sent_bytes=summary.sent_bytes + done,
        speed=speed,
        eta_s=max(line_s or 0.0, limits_s) or line_s,
        pace_s=limits_s,
        paused=pausing.is_paused,
        paused_until=pausing.until,
        pause_reason=pausing.reason,
    )
