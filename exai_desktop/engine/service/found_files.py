"""What was found in a watched folder, on its way into the queue.

The ordinary way, with one difference: the new jobs and the memory that they were made are one
transaction. So a crash neither loses a file nor enqueues it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.events import BatchScanned
from exai_desktop.core.jobs.jobs import AddOptions, JobState, Origin
from exai_desktop.core.jobs.watched_folders import (
    FoundFile,
    WatchedFolder,
    WatchOptions,
    WatchStore,
)
from exai_desktop.core.routing.capabilities import name_and_ending
from exai_desktop.core.routing.routing import Wish, choose
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.service.job_queue import Intake
from exai_desktop.engine.service.upload_plans import check_options
from exai_desktop.engine.waiting import uninterrupted

_OF_KIND: Final = (ErrorCode.INVALID_FILE_TYPE, ErrorCode.INVALID_EXTENSION)


def add_options(wanted: WatchOptions) -> AddOptions:
    """Nobody is there to answer: no consent is given ahead."""
    return AddOptions(wanted.account, wanted.purpose, origin=Origin.WATCHED)


@dataclass(slots=True)
class FoundBatch:
    id: int
    jobs: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Files of watched folders become jobs."""

    store: WatchStore
    intake: Intake
    accounts: Accounts

    def check(self, folder: WatchedFolder) -> None:
        """Raises UNUSABLE_SETTING, NO_ACCOUNT, UNKNOWN_ACCOUNT, INVALID_PURPOSE: nothing is
        enqueued then, and everything stays to be found."""
        refusal = self.intake.settings.refusal
        if refusal:
            raise EngineError(ErrorCode.UNUSABLE_SETTING, refusal)
        check_options(self.accounts, add_options(folder.options))

    async def open(self, folder: WatchedFolder) -> FoundBatch:
        return FoundBatch(await self.intake.open_batch(add_options(folder.options)))

    async def enqueue(
        self, batch: FoundBatch, folder: WatchedFolder, files: Sequence[FoundFile]
    ) -> None:
        """Into an open batch."""
        await self.intake.guard.insist(partial(self._add, batch, folder, files))

    async def _add(
        self, batch: FoundBatch, folder: WatchedFolder, files: Sequence[FoundFile]
    ) -> None:
        """Also when the watch ends in the middle: what is in the record is sent."""
        await uninterrupted(self._add_whole(batch, folder, files))

    async def _add_whole(
        self, batch: FoundBatch, folder: WatchedFolder, files: Sequence[FoundFile]
    ) -> None:
        now = self.intake.clock.now()
        views = await self.store.enqueue(folder, batch.id, files, now)
        self.intake.scheduler.admit(batch.id, views)
        batch.jobs += len(views)
        batch.refused += sum(view.state is JobState.REFUSED for view in views)

    def close(self, batch: FoundBatch) -> None:
        """All of it is in the list now."""
        self.intake.scheduler.batch_scanned(batch.id)
        self.intake.bus.publish(BatchScanned(batch.id, batch.jobs, batch.refused))

    def taker(self, wanted: WatchOptions) -> Callable[[str, int], None]:
        """Raises for the name and size of a file that no account accepts, now."""
        return _Taker(self.accounts, wanted)


class _Taker:
    """Asks once for each ending: an account that takes a file takes every smaller one."""

    def __init__(self, accounts: Accounts, wanted: WatchOptions) -> None:
        self._accounts, self._table = accounts.all(), accounts.table
        # Another account is no answer but a question, and that is asked in the queue.
        self._wish = Wish(wanted.account, wanted.purpose, allow_fallback=True)
        self._taken: dict[str, int] = {}
        self._refused: dict[str, AppError] = {}

    def __call__(self, path: str, size: int) -> None:
        name, ending = name_and_ending(path)
        if size <= self._taken.get(ending, -1):
            return
        if ending in self._refused:
            raise self._refused[ending]
        try:
            choose(name, size, self._wish, self._accounts, self._table)
        except AppError as error:
            if error.code in _OF_KIND:
                self._refused[ending] = error
            raise
        self._taken[ending] = size
