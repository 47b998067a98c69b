"""Which account a job may go to: rules for its folder, the route, the way to another one."""

from __future__ import annotations

import os
from dataclasses import dataclass

from exai_desktop.core.accounts.accounts import Phase
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.jobs.models import JobView, RoutedJob
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import JobStore, StaleJobError
from exai_desktop.core.routing.folder_rules import FolderRule, allowed_by, rule_for
from exai_desktop.core.routing.routing import Route, Wish, choose
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.breakers import Breakers
from exai_desktop.engine.accounts.identity import principal
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.scheduling.in_hand import JobsInHand
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.waiting import Readers

S = JobState


@dataclass(frozen=True, slots=True)
class Routes:
    """The rules hold for the path as given and for where its links lead."""

    accounts: Accounts
    breakers: Breakers
    settings: CurrentSettings
    in_hand: JobsInHand
    readers: Readers

    async def look_up(self, job: JobView) -> None:
        """Follow the links in its path, if there are rules; in a reader thread."""
        if self.settings.value.folder_rules:
            real_path = await self.readers.read(os.path.realpath, job.path)
            self.in_hand.remember_path(job.id, real_path)

    def rules_of(self, job: JobView) -> list[FolderRule]:
        """All that hold for it: an account must be allowed by each."""
        rules = self.settings.value.rules
        if not rules:
            return []
        known = self.in_hand.find(job.id)
        paths = dict.fromkeys((job.path, (known and known.real_path) or job.path))
        found = [rule_for(path, rules) for path in paths]
        return list(dict.fromkeys(rule for rule in found if rule is not None))

    async def may_still_have(self, job: RoutedJob) -> bool:
        """Whether the account it waits for may have it by the rules as they are now."""
        await self.look_up(job)
        account = self.accounts.get(job.account)
        return all(rule.allows(account) for rule in self.rules_of(job))

    def choose(self, job: JobView) -> Route:
        """None that has refused it, rather one that is not paused. Raises as `core`'s `choose`."""
        rules, known = self.rules_of(job), self.in_hand.find(job.id)
        # Under one name only: two names of one account would each store their own copy.
        names = {account.name: account for account in self.accounts.all()}
        principals = [a for a in names.values() if principal(names.values(), a) == a]
        meant = names.get(job.wanted_account or "")
        wanted = principal(names.values(), meant).name if meant else job.wanted_account
        accounts = allowed_by(rules, principals, wanted)
        consents = (
            job.allow_fallback,
            self.settings.value.allow_fallback,
            *(rule.allow_fallback for rule in rules),
        )
        return choose(
            sent_name(job.path),
            job.size,
            Wish(wanted, job.wanted_purpose, any(consents)),
            accounts,
            self.accounts.table,
            known.refusals if known else {},
            self.breakers.paused([account.name for account in accounts]),
        )


@dataclass(frozen=True, slots=True)
class Diversion:
    """Files that wait for an account whose breaker is open are sent on, where that is allowed."""

    jobs: JobStore
    scheduler: Scheduler
    accounts: Accounts
    breakers: Breakers
    routes: Routes

    async def stand_aside(self, account: str) -> None:
        """The account was paused: its files are sent on, or shown with the reason."""
        for job_id, name in await self.jobs.ids([S.WAITING]):
            job = await self.jobs.get(job_id) if name == account else None
            if job is not None and job.state is S.WAITING and not await self.divert(job):
                self.scheduler.announce(job)

    async def divert(self, job: JobView) -> bool:
        """Send one waiting file on to another account, through the queue: it may be there already.

        Only one that stands in its account's line: what is under way or parked comes back to it.
        """
        lane = self.accounts.lane(job.account) if job.account else None
        if not job.account or lane is None or job.id not in lane:
            return False
        if self.breakers.phase(job.account) is not Phase.OPEN:
            return False
        try:
            route = self.routes.choose(job)
        except AppError:
            return False
        if route.account.name == job.account:
            return False
        self.scheduler.drop(job)
        try:
            await self.scheduler.move(job, S.QUEUED, note=route.reason)
        except AppError:
            self.scheduler.place(job, announce=False)
            raise
        except StaleJobError:
            return False
        return True
