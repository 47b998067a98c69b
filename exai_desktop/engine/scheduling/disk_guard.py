"""No new work while the disk is full or the database fails; what is under way is finished."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.machine import Clock, Disk

log = logging.getLogger(__name__)

T = TypeVar("T")

LOW_BYTES: Final = 256 * 1024 * 1024
LOOK_EVERY_S: Final = 10.0

# Nothing is wrong with a file that meets one of these: it goes on when writing works again.
STORAGE: Final = frozenset({ErrorCode.DISK_FULL, ErrorCode.DATABASE_ERROR})


class DiskGuard:
    """`resume` settles what a failed write has left behind; it may raise `AppError` again.

    `announce` gets the problem, once while it lasts, and None when it is over.
    """

    def __init__(
        self,
        disk: Disk | None,
        clock: Clock,
        announce: Callable[[AppError | None], None],
        resume: Callable[[], Awaitable[None]],
        low_bytes: int = LOW_BYTES,
    ) -> None:
        self._disk = disk
        self._clock = clock
        self._announce = announce
        self._resume = resume
        self._low = low_bytes
        self._problem: AppError | None = None
        self._failed = False
        self._open = asyncio.Event()
        self._open.set()

    @property
    def problem(self) -> AppError | None:
        return self._problem

    async def clear(self) -> None:
        """Wait until new work may begin."""
        await self._open.wait()

    def failed(self, error: AppError) -> bool:
        """Tell of a failure; whether it is one of the database, that new work must wait for."""
        if error.code not in STORAGE:
            return False
        self._failed = True
        self._close(error)
        return True

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make the call, once again each time the database works again after a failure."""
        while True:
            await self.clear()
            try:
                return await call()
            except EngineError as error:
                if not self.failed(error):
                    raise

    async def run(self) -> None:
        loop = asyncio.get_running_loop()

        def given_up() -> None:
            """In the database thread, which may outlive the loop."""
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._close, EngineError(ErrorCode.DISK_FULL))

        if self._disk is not None:
            self._disk.watch(given_up)
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """One look: close or open the way for new work."""
        problem = await asyncio.to_thread(self._find)
        if problem is not None:
            self._close(problem)
            return
        if self._failed:
            self._failed = False
            try:
                await self._resume()
            except AppError as error:
                self.failed(error)
                return
        if self._problem is not None and not self._failed:
            log.info("the database can be written again")
            self._problem = None
            self._open.set()
            self._announce(None)

    def _find(self) -> AppError | None:
        if self._disk is None:
            return None
        try:
            free = self._disk.free_bytes()
        except OSError as error:
            return EngineError(
                ErrorCode.DATABASE_ERROR, f"the disk with the profile: {error.strerror}"
            )
        held = self._disk.is_held()
        # The reserved space comes first: without it the next full disk loses state.
        if free < self._low + (0 if held else self._disk.size):
            code = ErrorCode.DISK_LOW if held and not self._failed else ErrorCode.DISK_FULL
            return EngineError(code, f"{free // 1024**2:,} MiB free")
        if not held and not self._disk.hold():
            return EngineError(ErrorCode.DISK_FULL, f"{free // 1024**2:,} MiB free")
        return None

    def _close(self, problem: AppError) -> None:
        self._open.clear()
        known = self._problem
        if known is None or known.code is not problem.code:
            log.warning("new work waits: %s", problem)
            self._problem = problem
            self._announce(problem)
