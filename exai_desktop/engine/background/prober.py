"""Accounts that were left alone are asked again on schedule, also when no file waits for them."""

from __future__ import annotations

import logging
from typing import Final

from exai_desktop.core.accounts.accounts import Phase
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import AppError, TransferError
from exai_desktop.engine.context import Context
from exai_desktop.engine.upload.admission import ask
from exai_desktop.engine.upload.failures import hold_account
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

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._changed = Wakeup(ctx.clock)
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
                for account in self._ctx.accounts.all()
                if (wait_s := await self._wait_of(account.name)) is not None
            ]
            await self._changed.wait(min(waits, default=None))

    async def _wait_of(self, account: str) -> float | None:
        breakers = self._ctx.breakers
        if not breakers.is_shared or breakers.phase(account) is Phase.CLOSED:
            return await self._look_after(account)
        await breakers.refresh(account)
        wait_s = await self._look_after(account)
        return None if wait_s is None else min(wait_s, SHARED_S)

    async def _look_after(self, account: str) -> float | None:
        """Ask if it is time; returns the seconds until it may be, None when it is well."""
        phase = self._ctx.breakers.phase(account)
        if phase is Phase.CLOSED:
            self._not_before.pop(account, None)
            return await self._check(account)
        await self._ctx.breakers.notice_clock(account)
        until, now = self._ctx.breakers.until(account), self._ctx.clock.now()
        if until is not None and until > now:
            return until - now
        left = self._not_before.get(account, 0.0) - self._ctx.clock.monotonic()
        if left > 0:
            return left
        lane = self._ctx.accounts.lane(account)
        if phase is Phase.HALF_OPEN and lane is not None and (len(lane) or lane.under_way):
            # A file is the better second probe: a list that works proves no upload.
            self._not_before[account] = self._ctx.clock.monotonic() + AGAIN_S
            return AGAIN_S
        await self._ask(account)
        return 0.0

    async def _check(self, account: str) -> float | None:
        """One that is well and was not used for a while: is it still, and its key good?"""
        every_s, now = self._ctx.settings.health_check_s, self._ctx.clock.monotonic()
        if not every_s:
            return None
        last = self._checked_at.setdefault(account, now)
        due = max(last, self._ctx.health.asked_at(account) or last) + max(every_s, LEAST_S)
        if due > now:
            return due - now
        if self._ctx.accounts.problem(account) is not None:
            return LEAST_S  # the user knows; a key that is wrong is not tried again and again
        self._checked_at[account] = now
        await self._ask(account)
        return max(every_s, LEAST_S)

    async def _ask(self, account: str) -> None:
        try:
            await ask(self._ctx, account)
        except AppError as error:
            log.info("asked %s again: %s", account, error.code)
            self._not_before[account] = self._ctx.clock.monotonic() + AGAIN_S
            if isinstance(error, TransferError) and error.outcome is Outcome.AUTH:
                await hold_account(self._ctx, account, error)
