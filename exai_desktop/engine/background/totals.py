"""The sums over the whole queue: those on disk with what moves in memory."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Final

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import (
    Event,
    EventBus,
    JobChanged,
    JobsAdded,
    JobsRemoved,
    Metrics,
    SummaryChanged,
)
from exai_desktop.core.jobs.jobs import QueueSummary
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.engine.background.pausing import Pausing
from exai_desktop.engine.scheduling.in_hand import JobsInHand, ProgressBoard
from exai_desktop.engine.upload.admission import Pace

log = logging.getLogger(__name__)

# Sums are for people: five a second are plenty.
EVERY_S: Final = 0.2


class Totals:
    """Announced while anything moves."""

    def __init__(
        self,
        jobs: JobStore,
        board: ProgressBoard,
        pace: Pace,
        pausing: Pausing,
        in_hand: JobsInHand,
        bus: EventBus,
        metrics: Metrics,
    ) -> None:
        self._jobs = jobs
        self._board = board
        self._pace = pace
        self._pausing = pausing
        self._in_hand = in_hand
        self._bus = bus
        self._metrics = metrics
        self._clock: Clock = pace.clock
        self._dirty = asyncio.Event()
        self._unsubscribe = bus.subscribe(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, JobChanged | JobsAdded | JobsRemoved):
            self._dirty.set()

    def changed(self) -> None:
        """Something changed that is no job: the queue was paused or goes on."""
        self._dirty.set()

    async def run(self) -> None:
        while True:
            if not self._in_hand.runs:
                await self._dirty.wait()
            self._dirty.clear()
            try:
                await self.announce()
            except AppError as error:
                log.warning("the totals cannot be read: %s", error.code)
            await self._clock.sleep(EVERY_S)

    async def announce(self) -> None:
        summary = await self.summary()
        self._metrics.jobs_are({s.value: n for s, n in summary.counts.items()})
        self._bus.publish(SummaryChanged(summary))

    async def summary(self) -> QueueSummary:
        """The time left is the longer of what the line and the accounts' limits take."""
        summary = await self._jobs.summary()
        done, speed = self._board.totals()
        left = max(0, summary.open_bytes - done)
        accounts = self._pace.accounts.all()
        limits_s = max((self._pace.left_s(account.name) for account in accounts), default=0.0)
        line_s = left / speed if speed > 1 else None
        return replace(
            summary,
            sent_bytes=summary.sent_bytes + done,
            speed=speed,
            eta_s=max(line_s or 0.0, limits_s) or line_s,
            pace_s=limits_s,
            paused=self._pausing.is_paused,
            paused_until=self._pausing.until,
            pause_reason=self._pausing.reason,
            pause_is_kept=self._pausing.is_kept,
        )

    def stop(self) -> None:
        self._unsubscribe()
