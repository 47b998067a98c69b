"""When the database is copied: every hour while it changes, after many uploads, at the end."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import Event, EventBus, JobChanged
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.machine import Clock, Snapshots
from exai_desktop.engine.waiting import Wakeup

log = logging.getLogger(__name__)

HOUR_S: Final = 3_600.0
AFTER_UPLOADS: Final = 50

# A disk that could not take it may be better after this long.
AGAIN_S: Final = 600.0


class SnapshotTask:
    def __init__(self, snapshots: Snapshots, clock: Clock, bus: EventBus) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._finished = 0
        self._changed = Wakeup(clock)
        self._unsubscribe = bus.subscribe(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, JobChanged) and event.job.state is JobState.DONE:
            self._finished += 1
            if self._finished >= AFTER_UPLOADS:
                self._changed.set()

    async def run(self) -> None:
        # By the other clock: one that jumps must not bring an hour without a copy.
        age = await asyncio.to_thread(self._snapshots.age_s, self._clock.now())
        wait_s = HOUR_S if age is None else max(0.0, HOUR_S - age)
        while True:
            if self._finished < AFTER_UPLOADS:
                self._changed.clear()
                await self._changed.wait(wait_s)
            wait_s = HOUR_S if await self._take() else AGAIN_S

    async def _take(self) -> bool:
        self._finished = 0
        try:
            if await asyncio.to_thread(self._snapshots.is_changed):
                await asyncio.to_thread(self._snapshots.take, self._clock.now())
        except AppError as error:
            log.warning("no snapshot: %s", error)
            return False
        return True

    async def finish(self) -> None:
        """At the end of a run; most runs of a command are shorter than an hour."""
        self._unsubscribe()
        age = await asyncio.to_thread(self._snapshots.age_s, self._clock.now())
        if age is None or age >= HOUR_S or self._finished >= AFTER_UPLOADS:
            await self._take()
