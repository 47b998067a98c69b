"""Between a job and its provider: which account may have it, whether its breaker lets it, when."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from exai_desktop.core.accounts.delays import WINDOW_S
from exai_desktop.core.accounts.health import AttemptVerdict, Check, Phase
from exai_desktop.core.accounts.ports import SharedTurns
from exai_desktop.core.copies.provider import FileProvider, TellsRate
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView, TransferError
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.jobs.jobs import JobState, JobView, RoutedJob
from exai_desktop.core.jobs.store import JobStore, StaleJobError
from exai_desktop.core.machine import Clock
from exai_desktop.core.routing.folder_rules import FolderRule, allowed_by, consented_by
from exai_desktop.core.routing.routing import Route, Wish, choose
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.health import Breakers, Health, Permit
from exai_desktop.engine.accounts.identity import identity_of, one_name_each
from exai_desktop.engine.accounts.registry import Accounts, purpose_to_ask
from exai_desktop.engine.accounts.timing import LOWERED_S
from exai_desktop.engine.files.folder_places import rules_holding
from exai_desktop.engine.scheduling.in_hand import JobsInHand
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.waiting import Readers, uninterrupted

S = JobState


@dataclass(frozen=True, slots=True)
class Routes:
    """The rules hold for the path as given and for where its links lead."""

    jobs: JobStore
    accounts: Accounts
    breakers: Breakers
    settings: CurrentSettings
    in_hand: JobsInHand
    readers: Readers

    async def rules_of(self, job: JobView) -> list[FolderRule]:
        """All that hold for it now: an account must be allowed by each."""
        rules = self.settings.value.folder_rules
        return await self.readers.read(rules_holding, job.path, rules) if rules else []

    async def may_still_have(self, job: RoutedJob) -> bool:
        """Whether the account it waits for may have it by the rules as they are now."""
        rules = await self.rules_of(job)
        account = self.accounts.get(job.account)
        return all(rule.allows(account) for rule in rules)

    async def choose(self, job: JobView) -> Route:
        """None that has refused it, rather one that is not paused. Raises as `core`'s `choose`."""
        rules, known = await self.rules_of(job), self.in_hand.find(job.id)
        # Under one name only: two names of one account would each store their own copy.
        principals, wanted = one_name_each(self.accounts.all(), job.wanted_account)
        accounts = allowed_by(rules, principals, wanted)
        consent = job.allow_fallback
        if not consent and (self.settings.value.allow_fallback or consented_by(rules)):
            consent = not await self._is_bound(job)
        return choose(
            sent_name(job.path),
            job.size,
            Wish(wanted, job.wanted_purpose, consent),
            accounts,
            self.accounts.table,
            known.refusals if known else {},
            self.breakers.paused([account.name for account in accounts]),
        )

    async def _is_bound(self, job: JobView) -> bool:
        """A plan has named its account: no setting and no rule sends it elsewhere."""
        return job.wanted_account is not None and await self.jobs.is_of_plan(job.batch_id)


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
            route = await self.routes.choose(job)
        except AppError:
            return False
        if job.id not in lane:  # it was taken while its folder was looked at
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


# A probe of the program's own comes before a file is risked.
PROBE_FIRST_S = 5.0


class Passage:
    """One attempt that was let through. What it has shown is told once."""

    def __init__(self, breakers: Breakers, permit: Permit) -> None:
        self._breakers = breakers
        self._permit = permit
        self._is_told = False

    async def ended(self, error: TransferError | None) -> None:
        """The provider's answer, or what came instead of it; None: the file is there."""
        verdict = self._breakers.verdict(self._permit.account, error)
        await self._tell(verdict, error.code.value if error else "")

    async def _tell(self, verdict: AttemptVerdict, cause: str = "") -> None:
        self._is_told = True
        await uninterrupted(self._breakers.record(self._permit, verdict, cause))

    async def left(self) -> None:
        """Whatever happened: a probe that has shown nothing lets the next one go."""
        if not self._is_told:
            await self._tell(AttemptVerdict.NEUTRAL)


@dataclass(frozen=True, slots=True)
class Admission:
    """Asks the breaker of a job's account before anything is asked of the provider."""

    breakers: Breakers
    accounts: Accounts
    scheduler: Scheduler

    @asynccontextmanager
    async def admitted(self, job: RoutedJob) -> AsyncIterator[Passage | None]:
        """The way to the provider; None: its account is paused, the job stands in line again."""
        permit = await self.breakers.admit(job.account)
        if permit.until is not None:
            lane = self.accounts.lane(job.account)
            if lane is not None:
                lane.put(job.id)
                # As it is now: the probe that it would wait for may have ended meanwhile.
                self.steer_lane(job.account)
                self.scheduler.waits(job)
            yield None
            return
        passage = Passage(self.breakers, permit)
        try:
            yield passage
        finally:
            await passage.left()

    def steer_lane(self, account: str) -> None:
        """Close or open an account's lane as its breaker says."""
        lane = self.accounts.lane(account)
        if lane is None:
            return
        lane.open(by="breaker")
        until = self.breakers.until(account)
        if until is not None:
            is_open = self.breakers.phase(account) is Phase.OPEN
            lane.close_until(until + (PROBE_FIRST_S if is_open else 0.0), by="breaker")


@dataclass(frozen=True, slots=True)
class WaitReasons:
    """Says of a waiting job why it does not go on, if that is its account's breaker."""

    breakers: Breakers
    accounts: Accounts
    settings: CurrentSettings
    clock: Clock

    def shown(self, view: JobView) -> JobView:
        if view.state is not S.WAITING or view.account is None:
            return view
        error = self.breakers.error(view.account)
        if error is None:
            return view
        if view.allow_fallback or self.settings.value.allow_fallback:
            names = [account.name for account in self.accounts.all()]
            if len(names) > 1 and len(self.breakers.paused(names)) == len(names):
                error = AppError(
                    ErrorCode.ALL_PROVIDERS_UNAVAILABLE, error.detail, retry_after=error.retry_after
                )
        until = self.clock.now() + (error.retry_after or 0.0)
        return replace(view, error=ErrorView.of(error), not_before=until, wait_reason=error.title)


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits of an account: its tier's uploads per minute, and what its provider asks for.

    `turns` count over all machines of a fleet; `on_fleet` is told when they do not answer.
    """

    accounts: Accounts
    scheduler: Scheduler
    clock: Clock
    turns: SharedTurns | None
    on_fleet: Callable[[AppError | None], None]

    async def wait(self, job: RoutedJob) -> None:
        """Wait until the account's tier allows one more upload; whoever looks on is told why."""
        limiter = self.accounts.limiter(job.account)
        wait_s = limiter.wait_s()
        if wait_s > 1:
            self._tell(job, wait_s, f"limit of {limiter.per_minute} uploads per minute")
        await limiter.acquire()
        await self._fleets_turn(job)

    def _tell(self, job: RoutedJob, wait_s: float, reason: str) -> None:
        until = self.clock.now() + wait_s
        self.scheduler.announce(replace(job, not_before=until, wait_reason=reason))

    async def _fleets_turn(self, job: RoutedJob) -> None:
        """The same limit over all machines; without an answer from the fleet the own one alone."""
        most = self.accounts.limiter(job.account).per_minute
        while self.turns is not None and most:
            try:
                wait_s = await self.turns.take(
                    identity_of(self.accounts.get(job.account)), most, WINDOW_S
                )
            except EngineError as error:
                self.on_fleet(error)
                return
            if wait_s <= 0:
                return
            if wait_s > 1:
                self._tell(job, wait_s, f"limit of {most} uploads per minute on all computers")
            await self.clock.sleep(wait_s)

    def throttled(self, account: str, until: float) -> None:
        """The provider has asked to wait, and found the pace too fast."""
        lane = self.accounts.lane(account)
        if lane is not None:
            lane.close_until(until)
            lane.narrow(LOWERED_S)
            self.accounts.limiter(account).lower()

    def heed_rate(self, account: str, provider: FileProvider) -> None:
        """The limit is used up by the provider's own count: nothing is begun until it says so."""
        lane = self.accounts.lane(account)
        wait_s = provider.rate_limit_wait_s if isinstance(provider, TellsRate) else 0.0
        if lane is not None and wait_s > 0:
            lane.close_until(self.clock.now() + wait_s, by="rate")

    def left_s(self, account: str, more: int = 0) -> float:
        """Seconds until the last upload that waits at the account may begin, by its limit alone.

        `more`: so many behind those that wait now.
        """
        lane, limiter = self.accounts.lane(account), self.accounts.limiter(account)
        return limiter.wait_s((len(lane) if lane else 0) + limiter.waiting + more)


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """One cheap question to a provider, which also tells the breaker how it is."""

    accounts: Accounts
    breakers: Breakers
    health: Health
    clock: Clock

    async def ask(self, account: str, *, wanted: bool = False) -> int:
        """Returns how many files are there for the account's first purpose.

        Raises the `AppError` of a provider that does not answer, CIRCUIT_BREAKER_OPEN when it
        must not be asked now. `wanted`: by the user, whatever the wait.
        """
        provider = await self.accounts.provider(account)
        purpose = purpose_to_ask(self.accounts.get(account), self.accounts.table)
        permit = await self.breakers.admit(account, wanted=wanted)
        if permit.until is not None:
            raise AppError(ErrorCode.CIRCUIT_BREAKER_OPEN, account)
        passage, began = Passage(self.breakers, permit), self.clock.monotonic()
        try:
            files = await provider.list(purpose)
        except TransferError as error:
            # Whatever it says, it answers: that is what is asked.
            answered = error.status is not None and error.is_answer
            fault = not answered and self.breakers.verdict(account, error) is AttemptVerdict.FAULT
            self._note(account, began, error, fault=fault)
            await passage.ended(None if answered else error)
            raise
        else:
            self._note(account, began, None, fault=False)
            await passage.ended(None)
            return len(files)
        finally:
            await passage.left()

    def _note(
        self, account: str, began: float, error: TransferError | None, *, fault: bool
    ) -> None:
        took_s = self.clock.monotonic() - began
        self.health.note(account, Check.QUESTION, took_s, error, fault=fault)
