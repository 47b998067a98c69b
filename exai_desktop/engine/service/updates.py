"""What is known of newer versions: asked for when the user wants it, and told, never installed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.machine import Clock, Release, UpdateStatus
from exai_desktop.core.settings import CurrentSettings

log = logging.getLogger(__name__)

DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0
# A start has better things to do.
FIRST_S: Final = 60.0


class ReleaseBook(Protocol):
    """What the project has signed, and what was seen of it. Blocks."""

    def address(self) -> str:
        """Where the project publishes it; "" if this build does not know."""

    def last(self) -> Release | None: ...

    def take(self, raw: bytes, now: float) -> Release:
        """Raises UPDATE_FEED_REFUSED for what is not signed by the project, or is old."""


@dataclass(frozen=True, slots=True)
class UpdateParts:
    """`book` None: nobody can be asked, as `why_not` says. `fetch` gets an address."""

    version: str = ""
    installed_by: str = ""
    replaced_by: Callable[[], str] = str
    book: ReleaseBook | None = None
    fetch: Callable[[str], Awaitable[bytes]] | None = None
    why_not: str = "not in this profile"
    # Why somebody else has decided that nobody is asked, "" if nobody has.
    forbidden: Callable[[], str] = str


class Updates:
    """Meets `core.machine.UpdateService`."""

    def __init__(self, parts: UpdateParts, settings: CurrentSettings, clock: Clock) -> None:
        self._parts = parts
        self._settings = settings
        self._clock = clock
        # Two that ask at once would judge the same list by the other's number.
        self._asking = asyncio.Lock()

    async def status(self) -> UpdateStatus:
        return await asyncio.to_thread(self._status)

    async def check(self) -> UpdateStatus:
        parts = self._parts
        why_not = await asyncio.to_thread(self._why_not)
        if why_not or parts.book is None or parts.fetch is None:
            raise EngineError(ErrorCode.UPDATE_CHECK_OFF, why_not)
        async with self._asking:
            raw = await parts.fetch(self._address(parts.book))
            release = await asyncio.to_thread(parts.book.take, raw, self._clock.now())
        log.info("the newest version is %s", release.version)
        return await self.status()

    async def run(self) -> None:
        """Once a day, if the user wants it."""
        wait_s = FIRST_S
        while self._parts.book is not None:
            await self._clock.sleep(wait_s)
            wait_s = HOUR_S
            if self._settings.value.update_check and await asyncio.to_thread(self._is_due):
                try:
                    await self.check()
                except AppError as error:
                    log.warning("newer versions: %s", error)
                    wait_s = DAY_S

    def _is_due(self) -> bool:
        last = self._parts.book.last() if self._parts.book is not None else None
        # A clock that was put back must not end it for good.
        return not self._why_not() and (
            last is None or not 0 <= self._clock.now() - last.checked_at < DAY_S
        )

    def _address(self, book: ReleaseBook) -> str:
        return self._settings.value.update_address or book.address()

    def _why_not(self) -> str:
        parts = self._parts
        if parts.book is None:
            return parts.why_not
        if not self._address(parts.book):
            return "this build does not know where releases are published"
        return parts.forbidden()

    def _status(self) -> UpdateStatus:
        parts = self._parts
        last = parts.book.last() if parts.book is not None else None
        found = last if last is not None and last.is_newer else None
        return UpdateStatus(
            parts.version,
            parts.installed_by,
            parts.replaced_by(),
            found.version if found else "",
            found.page if found else "",
            found.notes if found else "",
            last.checked_at if last else None,
            self._why_not(),
        )
