"""The whole queue stands still: by the user, for a while, or by what the computer says.

Files under way finish. A pause by the user outlives the program. The user's *resume* also
overrides a reason of the computer's, until that reason is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from exai_desktop.core.machine import (
    Clock,
    KeptPause,
    PauseBook,
    Situation,
    Surroundings,
    why_not_now,
)
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.scheduling.lanes import Lane
from exai_desktop.engine.waiting import Readers, Wakeup, uninterrupted

log = logging.getLogger(__name__)

# A laptop is unplugged, a phone becomes the network: noticed this late at most.
LOOK_S: Final = 15.0


class Pausing:
    """`changed` is called whenever the queue stops or goes on."""

    def __init__(
        self,
        prepare: Lane,
        accounts: Accounts,
        surroundings: Surroundings | None,
        settings: CurrentSettings,
        readers: Readers,
        clock: Clock,
        changed: Callable[[], object],
        book: PauseBook | None = None,
    ) -> None:
        self._prepare = prepare
        self._accounts = accounts
        self._surroundings = surroundings
        self._settings = settings
        self._readers = readers
        self._clock = clock
        self._changed = changed
        self._book = book
        self._kept: KeptPause | None = None
        self._written: KeptPause | None = None
        self._keeping = asyncio.Lock()
        self._wake = Wakeup(clock)
        self._by_user = False
        self._until: float | None = None
        self._reason: str | None = None
        self._overridden: str | None = None

    @property
    def is_paused(self) -> bool:
        return self._by_user or self._is_reason_good

    @property
    def _is_reason_good(self) -> bool:
        return self._reason is not None and self._reason != self._overridden

    @property
    def reason(self) -> str:
        """Empty when it was the user."""
        return self._reason if self._reason and self._is_reason_good and not self._by_user else ""

    @property
    def is_kept(self) -> bool:
        """Whether the user's wish holds at the next start, too."""
        return self._kept == self._written

    @property
    def until(self) -> float | None:
        """When it goes on by itself, in wall-clock time; None: when the user or a reason says."""
        if not self._by_user or self._until is None:
            return None
        return self._clock.now() + max(0.0, self._until - self._clock.monotonic())

    def wake(self) -> None:
        """The settings have changed: look around now."""
        self._wake.set()

    async def begin(self, for_s: float | None) -> None:
        """By the user; `for_s` seconds, None until they say otherwise."""
        self._pause(for_s)
        self._wake.set()
        now = self._clock.now()
        self._kept = KeptPause(now, None if for_s is None else now + for_s)
        await self._keep()

    async def end(self) -> None:
        """By the user: whatever the reason was."""
        self._by_user, self._until = False, None
        self._overridden = self._reason
        self._apply()
        self._kept = None
        await self._keep()

    def take_up(self) -> None:
        """The pause of an earlier run that is not over yet; before anything is sent.

        A clock that was set back makes none longer than it was meant to be.
        """
        kept = None if self._book is None else self._book.load()
        if kept is None:
            return
        self._kept = self._written = kept
        if kept.until is None:
            self._pause(None)
            return
        left = min(kept.until - self._clock.now(), kept.until - kept.since)
        if left > 0:
            self._pause(left)
        else:
            self._kept = None  # over: its file goes as soon as `run` is there

    def _pause(self, for_s: float | None) -> None:
        self._by_user = True
        self._until = None if for_s is None else self._clock.monotonic() + for_s
        self._apply()

    async def _keep(self) -> None:
        """What holds last is written last, also when whoever asked is gone. A disk that is full
        keeps nobody from pausing now."""
        if self._book is not None:
            await uninterrupted(self._write(self._book))

    async def _write(self, book: PauseBook) -> None:
        """In a thread of its own: the readers may be busy for longer than an end may take."""
        async with self._keeping:
            kept = self._kept
            if kept == self._written:
                return
            try:
                await asyncio.to_thread(book.save, kept)
                self._written = kept
            except OSError as error:
                log.warning("the pause ends with the program: %s", error.strerror)

    async def finish(self) -> None:
        """At the end of the program: what was not written yet, if there is something."""
        await self._keep()

    def _apply(self) -> None:
        self._prepare.pause(self.is_paused)
        self._accounts.pause(self.is_paused)
        self._changed()

    async def run(self) -> None:
        """Until cancelled: ends what has lasted long enough, and looks around if that matters."""
        await self._keep()
        while True:
            self._wake.clear()
            await self._look()
            waits = [LOOK_S] if self._is_looking else []
            if self._by_user and self._until is not None:
                left = self._until - self._clock.monotonic()
                if left <= 0:
                    self._by_user, self._until = False, None
                    self._apply()
                    self._kept = None
                    await self._keep()
                    continue
                waits.append(left)
            await self._wake.wait(min(waits, default=None))

    @property
    def _is_looking(self) -> bool:
        wanted = self._settings.value
        return "wait" in (wanted.on_metered, wanted.on_battery) and self._surroundings is not None

    async def _look(self) -> None:
        wanted, situation = self._settings.value, Situation()
        if self._is_looking and self._surroundings is not None:
            situation = await self._readers.read(self._surroundings.look)
        reason = why_not_now(
            situation,
            waits_when_metered=wanted.on_metered == "wait",
            waits_on_battery=wanted.on_battery == "wait",
        )
        if reason == self._reason:
            return
        log.info("the queue %s", f"paused: {reason}" if reason else "resumed")
        self._reason = reason
        if self._overridden != reason:
            self._overridden = None
        self._apply()
