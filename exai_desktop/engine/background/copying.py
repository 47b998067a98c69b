"""Copies of files in Storage, beside the uploads: one at a time, while the user wants them.

Between two pieces it waits for uploads, and keeps within the speed limit of all accounts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from exai_desktop.core.accounts.secret_store import STORE_CODES
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.events import Event, EventBus, JobChanged, MirrorChanged
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.machine import Clock
from exai_desktop.core.mirror.operations import MirrorTarget
from exai_desktop.core.mirror.storage_copies import (
    CopyBook,
    CopyWork,
    StorageCopy,
    StorageState,
    StorageStatus,
    key_of,
)
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.background.mirror_pace import LOOK_AGAIN_S, RETRY_S
from exai_desktop.engine.background.mirroring import MirrorParts
from exai_desktop.engine.background.new_file import NewFile
from exai_desktop.engine.background.one_copy import OneCopy, Sources
from exai_desktop.engine.waiting import Wakeup

log = logging.getLogger(__name__)

# The records go first.
FIRST_S: Final = 5.0
# A new link or a restored project is noticed without an event, too.
EVERY_S: Final = 900.0
# A piece waits for uploads, but not for ever.
_PATIENCE_S: Final = 30.0
_IDLE_LOOK_S: Final = 1.0
_TOLD_EVERY_S: Final = 1.0
_BLOCK: Final = 64 * 1024
_STORED: Final = frozenset({JobState.DONE, JobState.DUPLICATE})
# Only the user can do something.
_LONG: Final = frozenset(
    {
        *(ErrorCode.STORAGE_NOT_READY, ErrorCode.STORAGE_FORBIDDEN, ErrorCode.SCHEMA_MISSING),
        *(ErrorCode.SESSION_ENDED, ErrorCode.NOT_SIGNED_IN),
    }
)


@dataclass(frozen=True, slots=True)
class BesideUploads:
    """Meets `core.mirror.storage_copies.PiecePace`. `is_busy`: files go to providers just now."""

    bandwidth: Bandwidth
    is_busy: Callable[[], bool]
    clock: Clock

    async def blocks(self, piece: bytes) -> AsyncIterator[bytes]:
        waited = 0.0
        while self.is_busy() and waited < _PATIENCE_S:
            await self.clock.sleep(_IDLE_LOOK_S)
            waited += _IDLE_LOOK_S
        step = min(self.bandwidth.block or _BLOCK, _BLOCK)
        for start in range(0, len(piece), step):
            block = piece[start : start + step]
            wait_s = self.bandwidth.reserve(len(block))
            if wait_s:
                await self.clock.sleep(wait_s)
            yield block


class Copying:
    """Meets `core.mirror.storage_copies.StorageService`."""

    def __init__(
        self,
        parts: MirrorParts,
        sources: Sources,
        pace: BesideUploads,
        settings: CurrentSettings,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._parts = parts
        self._book: CopyBook = parts.copies
        self._sources = sources
        self._pace = pace
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._wake = Wakeup(clock)
        # One copy after the other, whoever asks for it.
        self._turn = asyncio.Lock()
        self._error: AppError | None = None
        self._failures = 0
        self._told_at = 0.0
        self._is_untold = False
        bus.subscribe(self._heard)

    def _heard(self, event: Event) -> None:
        is_news = isinstance(event, JobChanged) and event.job.state in _STORED
        if not self._failures and (is_news or isinstance(event, MirrorChanged)):
            self._wake.set()

    def wake(self) -> None:
        """A setting is another, or the user wants it now."""
        self._failures = 0
        self._wake.set()

    @property
    def _is_on(self) -> bool:
        return self._settings.value.copy_to_storage

    # -- the service

    async def status(self) -> StorageStatus:
        target = await self._parts.outbox.active()
        if target is None:
            return StorageStatus(is_on=self._is_on)
        code, detail = "", ""
        if self._error is not None and self._is_on:
            code, detail = self._error.code.value, self._error.detail
        counts = await self._book.status(target)
        return replace(counts, is_on=self._is_on, code=code, detail=detail)

    async def rows(
        self,
        states: tuple[StorageState, ...] = (),
        sha256: tuple[str, ...] = (),
        limit: int = 100,
    ) -> list[StorageCopy]:
        target = await self._parts.outbox.active()
        return [] if target is None else await self._book.rows(target, states, sha256, limit)

    async def copy(self, job_ids: tuple[int, ...]) -> int:
        target = await self._signed_in()
        self._check_on()
        count = await self._book.add(target, job_ids)
        self.wake()
        return count

    async def copy_now(self) -> StorageStatus:
        await self._signed_in()
        self._check_on()
        await self._book.switch(is_on=True)
        while await self._step():
            pass
        return await self.status()

    async def retry_refused(self) -> int:
        count = await self._book.retry(await self._signed_in())
        self.wake()
        return count

    async def fetch(self, sha256: str, path: str) -> int:
        target = await self._signed_in()
        storage = await self._parts.storage(target)
        file = NewFile(path, self._sources.readers)
        return await file.write(storage.content(key_of(target, sha256)), sha256)

    async def delete(self, sha256: str) -> None:
        target = await self._signed_in()
        async with self._turn:
            known = await self._book.find(target, sha256)
            if known is None:
                storage = await self._parts.storage(target)
                if await storage.size_of(key_of(target, sha256)) is None:
                    raise EngineError(ErrorCode.NO_COPY)
                known = CopyWork(sha256, 0, 0)
            work = replace(known, state=StorageState.DELETING)
            # From here on it is carried out, whatever happens.
            await self._book.save(target, work)
            await self._carry_out(target, work)
        self._bus.publish(MirrorChanged())

    async def _signed_in(self) -> MirrorTarget:
        target = await self._parts.outbox.active()
        if target is None:
            raise EngineError(ErrorCode.NOT_SIGNED_IN)
        return target

    def _check_on(self) -> None:
        if not self._is_on:
            raise EngineError(ErrorCode.COPIES_OFF)

    # -- work

    async def _step(self) -> bool:
        """One copy, or the end of one. False: nothing waits."""
        async with self._turn:
            target = await self._parts.outbox.active()
            if target is None:
                return False
            work = await self._book.next(target, only_ends=not self._is_on)
            if work is None:
                self._failed(None)
                self._tell(at_once=True)
                return False
            try:
                await self._carry_out(target, work)
            except AppError as error:
                self._failed(error)
                raise
            self._failed(None)
            self._tell()
            return True

    async def _carry_out(self, target: MirrorTarget, work: CopyWork) -> None:
        storage = await self._parts.storage(target)
        one = OneCopy(target, self._book, storage, self._sources, self._pace, self._check_on)
        await one.carry_out(work, self._settings.value.copy_max_bytes)

    def _tell(self, *, at_once: bool = False) -> None:
        """Small files are copied faster than anybody reads."""
        now = self._clock.monotonic()
        is_wanted = self._is_untold if at_once else now - self._told_at >= _TOLD_EVERY_S
        self._is_untold = not at_once and not is_wanted
        if is_wanted:
            self._told_at = now
            self._bus.publish(MirrorChanged())

    def _failed(self, error: AppError | None) -> None:
        is_new = error is not None and (self._error is None or self._error.code is not error.code)
        if error is not None and is_new:
            log.warning("Copies to Storage: %s (%s)", error.code, error.detail)
        self._failures = self._failures + 1 if error is not None else 0
        self._error = error
        if is_new:
            self._bus.publish(MirrorChanged())

    async def run(self) -> None:
        """Until cancelled."""
        # At once, so that nothing is missed; with a full disk the loop does it later.
        with suppress(AppError):
            await self._book.switch(is_on=self._is_on)
        await self._clock.sleep(FIRST_S)
        while True:
            self._wake.clear()
            try:
                await self._book.switch(is_on=self._is_on)
                while await self._step():
                    pass
            except AppError as error:
                if error.code is ErrorCode.COPIES_OFF:
                    self._failed(None)
            except Exception:
                log.exception("an unexpected error in the copies to Storage")
                self._failures += 1
            await self._pause()

    async def _pause(self) -> None:
        """Until something new, or after a failure until it may work again."""
        if not self._failures:
            await self._wake.wait(EVERY_S)
            return
        network = await self._network()
        left = self._wait_s()
        while left > 0 and self._failures:
            step = min(LOOK_AGAIN_S, left)
            left -= step
            self._wake.clear()
            await self._wake.wait(step)
            if await self._network() != network:
                return

    def _wait_s(self) -> float:
        shortest, longest = RETRY_S
        code = self._error.code if self._error is not None else None
        if code in STORE_CODES:
            return LOOK_AGAIN_S
        if code in _LONG:
            return longest
        wait_s: float = min(longest, shortest * 2.0 ** min(self._failures - 1, 10))
        return wait_s * (0.8 + 0.4 * self._parts.chance())

    async def _network(self) -> object:
        return await asyncio.to_thread(self._parts.network)
