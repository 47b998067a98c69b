"""Paused accounts are asked again on schedule, also when no file waits for them."""

from __future__ import annotations

import logging
from typing import Final

from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import AppError, TransferError
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.upload.admission import AccountCheck
from exai_desktop.engine.upload.failures import AccountHold
from exai_desktop.engine.waiting import Wakeup

log = logging.getLogger(__name__)

# After a question that showed nothing (no network, no key), or while a file is the probe.
AGAIN_S: Final = 30.0

# More often would be a load.
LEAST_S: Final = 60.0

# How soon it is noticed that another machine has found a provider well again.
SHARED_S: Final = 1.0


class Prober:
    """One for all accounts; woken at every change of a breaker."""

    def __init__(
        self,
        check: AccountCheck,
        account_hold: AccountHold,
        settings: CurrentSettings,
        clock: Clock,
    ) -> None:
        self._check_account = check
        self._accounts = check.accounts
        self._breakers = check.breakers
        self._health = check.health
        self._account_hold = account_hold
        self._settings = settings
        self._clock = clock
        self._changed = Wakeup(clock)
        # By account: not before this moment of the monotonic clock.
        self._not_before: dict[str, float] = {}
        self._checked_at: dict[str, float] = {}

    def wake(self) -> None:
        self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            waits = [
                wait_s
                for account in self._accounts.all()
                if (wait_s := await self._wait_of(account.name)) is not None
            ]
            await self._changed.wait(min(waits, default=None))

    async def _wait_of(self, account: str) -> float | None:
        breakers = self._breakers
        if not breakers.is_shared or breakers.phase(account) is Phase.CLOSED:
            return await self._look_after(account)
        await breakers.refresh(account)
        wait_s = await self._look_after(account)
        return None if wait_s is None else min(wait_s, SHARED_S)

    async def _look_after(self, account: str) -> float | None:
        """Ask if it is time; returns the seconds until it may be, None when it is well."""
        phase = self._breakers.phase(account)
        if phase is Phase.CLOSED:
            self._not_before.pop(account, None)
            return await self._check(account)
        await self._breakers.notice_clock(account)
        until, now = self._breakers.until(account), self._clock.now()
        if until is not None and until > now:
            return until - now
        left = self._not_before.get(account, 0.0) - self._clock.monotonic()
        if left > 0:
            return left
        lane = self._accounts.lane(account)
        if phase is Phase.HALF_OPEN and lane is not None and (len(lane) or lane.under_way):
            # A file is the better second probe: a list that works proves no upload.
            self._not_before[account] = self._clock.monotonic() + AGAIN_S
            return AGAIN_S
        await self._ask(account)
        return 0.0

    async def _check(self, account: str) -> float | None:
        """One that is well and was not used for a while: is it still, and its key good?"""
        every_s, now = self._settings.value.health_check_s, self._clock.monotonic()
        if not every_s:
            return None
        last = self._checked_at.setdefault(account, now)
        due = max(last, self._health.asked_at(account) or last) + max(every_s, LEAST_S)
        if due > now:
            return due - now
        if self._accounts.problem(account) is not None:
            return LEAST_S  # the user knows; a key that is wrong is not tried again and again
        self._checked_at[account] = now
        await self._ask(account)
        return max(every_s, LEAST_S)

    async def _ask(self, account: str) -> None:
        try:
            await self._check_account.ask(account)
        except AppError as error:
            log.info("retried %s: %s", account, error.code)
            self._not_before[account] = self._clock.monotonic() + AGAIN_S
            if isinstance(error, TransferError) and error.outcome is Outcome.AUTH:
                await self._account_hold.hold(account, error)
