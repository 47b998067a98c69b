"""Moves of copies: what lies at a provider, and the jobs that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.jobs.jobs import JobQuery, SortKey
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.engine.scheduling.scheduler import Scheduler

# Equal files share one copy, and there may be thousands of them.
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class CopyMoves:
    """The record changes the jobs that share the copy's id in the same transaction; here they are
    announced, so that none stays green."""

    copies: CopyStore
    jobs: JobStore
    scheduler: Scheduler
    clock: Clock

    async def move(self, copy: Copy, new: CopyState, at: float | None = None) -> Copy:
        """`at`: when the provider said so, now if not given. Raises `StaleJobError` when the copy
        is not as it was."""
        at = self.clock.now() if at is None else at
        moved = await self.copies.move(copy.id, copy.state, new, at)
        seen = 0
        while True:
            query = JobQuery(
                file=(copy.account, copy.remote_id), sort=SortKey.ID, offset=seen, limit=_AT_ONCE
            )
            page = await self.jobs.page(query)
            for view in page.rows:
                self.scheduler.announce(view)
            seen += len(page.rows)
            if len(page.rows) < _AT_ONCE:
                return moved
