"""The end of the jobs under way when the program quits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from exai_desktop.engine.context import Intent, Run

# How long a quitting program waits for answers to bodies that have left completely.
GRACE_S: Final = 5.0


async def quit_runs(runs: Sequence[Run]) -> None:
    """Stop them; those whose last block has left may still get their answer."""
    for run in runs:
        if not run.all_left:
            run.stop(Intent.QUIT)
    await _ended(runs)
    for run in runs:
        run.stop(Intent.QUIT)
        run.task.cancel()  # also what was stopped and has not ended since
    await _ended(runs)


async def _ended(runs: Sequence[Run]) -> None:
    if runs:
        await asyncio.wait({run.task for run in runs}, timeout=GRACE_S)
