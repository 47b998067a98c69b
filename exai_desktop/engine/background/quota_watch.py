"""Files that wait for room under the limit over all devices go on when there is some."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from exai_desktop.core.errors.codes import SHARED_ROOM
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.events import (
    AccountsChanged,
    Event,
    EventBus,
    JobChanged,
    JobsRemoved,
    MirrorChanged,
)
from exai_desktop.core.jobs.jobs import FINAL, JobState
from exai_desktop.core.jobs.store import JobChanges, Move
from exai_desktop.core.machine import Clock
from exai_desktop.core.mirror.quota import QuotaDesk
from exai_desktop.engine.background.background import Service
from exai_desktop.engine.background.mirroring import MirrorParts
from exai_desktop.engine.scheduling.scheduler import Scheduler, error_changes
from exai_desktop.engine.waiting import Wakeup

log = logging.getLogger(__name__)

# Changes that follow each other closely are looked at together.
GATHER_S: Final = 0.5
# Jobs moved in one transaction.
_AT_ONCE: Final = 500
# After these there may be more room: a job that ended, a file that was deleted.
_TELLING: Final = FINAL | {JobState.HELD}


class QuotaWatch:
    """After each contact with the project, and when files here were deleted or have ended."""

    def __init__(self, desk: QuotaDesk, scheduler: Scheduler, bus: EventBus, clock: Clock) -> None:
        self._desk = desk
        self._scheduler = scheduler
        self._clock = clock
        self._wake = Wakeup(clock)
        bus.subscribe(self._heard)

    def _heard(self, event: Event) -> None:
        is_telling = isinstance(event, JobChanged) and event.job.state in _TELLING
        # Accounts are announced when a file was deleted there, also one that no job stands for.
        if is_telling or isinstance(event, MirrorChanged | JobsRemoved | AccountsChanged):
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.look()
            except AppError as error:
                # The record cannot be read or written now: the next event is the next chance.
                log.warning("files that wait for room stay on hold: %s", error.code)
            await self._clock.sleep(GATHER_S)
            await self._wake.wait(None)

    async def look(self) -> None:
        """Let on those that have room, the oldest first; signed out, all of them."""
        held = await self._desk.held(SHARED_ROOM)
        if not held:
            return
        if not await self._desk.is_signed_in():
            await self._let_on([job_id for job_id, _ in held], "signed out of the project")
            return
        use = await self._desk.use()
        if use is None:
            return  # it is known after the next contact
        left, fitting = use.left_bytes, []
        for job_id, size in held:
            if size <= left and not use.is_too_large(size):
                left -= size
                fitting.append(job_id)
        await self._let_on(fitting, "there is room under the limit of all devices")

    async def _let_on(self, job_ids: Sequence[int], note: str) -> None:
        changes = error_changes(None) | JobChanges(not_before=None, wait_reason=None)
        now = self._clock.now()
        for start in range(0, len(job_ids), _AT_ONCE):
            await self._scheduler.move_many(
                [
                    Move(job_id, JobState.HELD, JobState.QUEUED, now, note, changes)
                    for job_id in job_ids[start : start + _AT_ONCE]
                ]
            )


def quota_services(
    mirror: MirrorParts | None, scheduler: Scheduler, bus: EventBus, clock: Clock
) -> list[Service]:
    """Empty where there can be no Supabase project."""
    return [] if mirror is None else [QuotaWatch(mirror.quotas, scheduler, bus, clock).run]
