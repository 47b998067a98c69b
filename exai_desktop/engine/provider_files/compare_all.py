"""After a recovery: the lists of all accounts are taken into the record."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.scheduling.copy_moves import CopyMoves
from exai_desktop.engine.scheduling.lanes import DiskGuard

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CompareAll:
    """One pass over all accounts after a recovery."""

    recovery: RecoveryLog | None
    moves: CopyMoves
    accounts: Accounts
    settings: CurrentSettings
    timing: Timing
    guard: DiskGuard

    @property
    def copies(self) -> CopyStore:
        return self.moves.copies

    async def run(self) -> None:
        """Compare them; a failure of the database is told to the guard."""
        try:
            await self._compare_lists()
        except AppError as error:
            log.warning("the lists are not compared: %s", error.code)
            self.guard.failed(error)

    async def _compare_lists(self) -> None:
        """Take the lists of all accounts into the record; ends when all that can be had are in."""
        if self.recovery is None or await self.recovery.since() is None:
            return
        # Twice: a body that was under way when the program died may be stored a moment later.
        wanted = await self._not_compared()
        for account, purpose in wanted:
            await self._compare(account, purpose, is_last=False)
        if wanted:
            await self.timing.clock.sleep(self.settings.value.settle_s)
        tries = 0
        while wanted := [pair for pair in wanted if not await self._compare(*pair, is_last=True)]:
            tries += 1
            await self.timing.clock.sleep(self.timing.retry_s(tries))

    async def _not_compared(self) -> list[tuple[Account, str]]:
        assert self.recovery is not None
        wanted = []
        for account in self.accounts.all():
            if self.accounts.principal(account.name) != account:
                continue  # its list is that of its other name
            info = self.accounts.table.of(account)
            for purpose in info.purposes_in(account.region) if info else ():
                if await self.recovery.not_compared(account.name, purpose.name) is not None:
                    wanted.append((account, purpose.name))
        return wanted

    async def _compare(self, account: Account, purpose: str, *, is_last: bool) -> bool:
        """Whether this list needs no further try."""
        assert self.recovery is not None
        known = await self.copies.of_account(account.name)
        try:
            listed = await (await self.accounts.provider(account.name)).list(purpose)
        except AppError as error:
            log.warning("list of %s for %s: %s", account.name, purpose, error.code)
            # A provider without such a list stays uncompared: each job asks the user.
            return error.outcome is Outcome.REJECTED
        if not is_last:
            await self.recovery.record_foreign(account.provider, account.name, listed)
            return True
        there = {remote.id for remote in listed}
        await self._note_missing(
            [c for c in known if c.purpose == purpose and c.remote_id not in there]
        )
        now = self.timing.clock.now()
        await self.recovery.compared(account.provider, account.name, purpose, listed, now)
        return True

    async def _note_missing(self, unlisted: Sequence[Copy]) -> None:
        """What the restored record believes to be there and the provider has not any more."""
        for copy in unlisted:
            if copy.state is CopyState.PRESENT:
                with contextlib.suppress(StaleJobError):
                    await self.moves.move(copy, CopyState.MISSING)
