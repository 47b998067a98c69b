"""What is worth a word about the accounts: many faults, almost full. Said once per condition."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.health import Phase, is_alarming, level_of
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.core.events import Metrics
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.core.routing.routing import Limits, Room, Usage, fullness
from exai_desktop.engine.accounts.health import Breakers, Health
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.background.problems import Condition, Problems

log = logging.getLogger(__name__)

# Alarms come this late at most.
EVERY_S: Final = 5.0
SELDOM_S: Final = 60.0


class HealthWatch:
    """Looks every five seconds, which costs one read of the record."""

    def __init__(
        self,
        jobs: JobStore,
        copies: CopyStore,
        accounts: Accounts,
        breakers: Breakers,
        health: Health,
        problems: Problems,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._jobs, self._copies = jobs, copies
        self._accounts = accounts
        self._breakers = breakers
        self._health = health
        self._problems = problems
        self._metrics = metrics
        self._clock = clock
        self._levels: dict[str, float] = {}
        self._alarmed: set[str] = set()

    async def run(self) -> None:
        """Rarely while no provider is asked for anything: hours may pass in the tray."""
        wait_s = EVERY_S
        while True:
            try:
                wait_s = EVERY_S if await self.look() else min(2 * wait_s, SELDOM_S)
            except AppError as error:
                log.warning("the accounts were not checked: %s", error.code)
            await self._clock.sleep(EVERY_S if self._metrics.is_watched else wait_s)

    async def finish(self) -> None:
        """At the end of a run: the history keeps what it has seen."""
        try:
            await self._health.save()
        except AppError as error:
            log.warning("the last requests were not saved: %s", error.code)

    async def look(self) -> bool:
        """Once over all accounts. Whether there were answers since the last look."""
        has_news = bool(await self._health.save())
        accounts = self._accounts.all()
        rooms = {account.name: self._rooms(account) for account in accounts}
        asked = [room for of_account in rooms.values() for room in of_account]
        used = await self._jobs.room_used(asked)
        for account in accounts:
            self._look_at_faults(account.name)
            self._look_at_room(account.name, rooms[account.name], used)
            self._metrics.health_is(account.name, is_well=self._is_well(account.name))
        for name in set(self._levels) - {account.name for account in accounts}:
            self.forget(name)
        if self._metrics.is_watched:
            usage = await self._copies.usage()
            for account in accounts:
                self._metrics.account_holds(account.name, *usage.get(account.name, (0, 0)))
        return has_news

    def _is_well(self, account: str) -> bool:
        is_used = self._breakers.phase(account) is Phase.CLOSED
        if self._health.status(account).unreachable_since is not None:
            return False
        return is_used and account not in self._alarmed and not self._accounts.problem(account)

    def forget(self, account: str) -> None:
        """The account is gone, and with it what was wrong."""
        self._levels.pop(account, None)
        self._alarmed.discard(account)
        self._problems.forget(account)
        self._metrics.forget(account)

    def _look_at_faults(self, account: str) -> None:
        status = self._health.status(account)
        if not is_alarming(status, before=account in self._alarmed):
            self._alarmed.discard(account)
            self._problems.over(Condition.FAULTS, account)
            return
        self._alarmed.add(account)
        detail = f"{status.faults} of {status.answers} in 15 minutes, last {status.last_code}"
        self._problems.holds(
            Condition.FAULTS, AccountError(ErrorCode.ERROR_RATE_HIGH, detail), account
        )

    def _rooms(self, account: Account) -> dict[Room, Limits]:
        info = self._accounts.table.of(account)
        purposes = info.purposes_in(account.region) if info else ()
        return {
            (account.name, purpose.name): self._accounts.limits(account.name, purpose.name)
            for purpose in purposes
        }

    def _look_at_room(
        self, account: str, rooms: Mapping[Room, Limits], used: Mapping[Room, Usage]
    ) -> None:
        full = [fullness(used[room], limits) for room, limits in rooms.items()]
        share, words = max(full, default=(0.0, ""))
        level = self._levels[account] = level_of(share, self._levels.get(account, 0.0))
        if not level:
            self._problems.over(Condition.ROOM, account)
        else:
            error = AccountError(ErrorCode.ALMOST_FULL, words)
            self._problems.holds(Condition.ROOM, error, account, step=level)
