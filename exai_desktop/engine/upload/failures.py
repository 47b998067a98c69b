"""What may follow an attempt that did not end well. The only place that decides it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from exai_desktop.core.accounts.secret_store import STORE_CODES
from exai_desktop.core.errors.codes import SHARED_ROOM, STORAGE, ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, ErrorView, Sent, TransferError
from exai_desktop.core.jobs.jobs import CUT, Attempt, JobState, JobView, RoutedJob, routed
from exai_desktop.core.jobs.store import JobChanges, JobStore, Move, StaleJobError
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.scheduling.in_hand import Intent, JobsInHand
from exai_desktop.engine.scheduling.scheduler import Scheduler, error_changes
from exai_desktop.engine.upload.admission import Pace, Routes

S = JobState

# Refusals that speak of this provider's abilities, not of what the file contains.
ANOTHER_MAY_TAKE: Final = frozenset(
    {
        ErrorCode.NO_TEXT,
        ErrorCode.PROVIDER_REJECTED,
        ErrorCode.INVALID_FILE_TYPE,
        ErrorCode.FILE_TOO_LARGE,
        ErrorCode.INVALID_PURPOSE,
    }
)

# How soon what stands back before its attempt is looked at again.
WAITS_S: Final = {
    # The other program is sending; how soon it has finished nobody knows.
    ErrorCode.CONCURRENT_UPLOAD: 0.5,
    # A setting changes with the next start: then it goes on by itself.
    ErrorCode.UNUSABLE_SETTING: 600.0,
    # Only the user can mend it, outside the program.
    ErrorCode.CERTIFICATES_UNREADABLE: 30.0,
    # The error says when the project is asked again.
    ErrorCode.STRICT_QUOTA_UNANSWERED: 5.0,
}

# The account is full by our own count.
NO_ROOM: Final = frozenset({ErrorCode.PROVIDER_FILE_LIMIT, ErrorCode.QUOTA_EXCEEDED})

# Our own guards kept the last block back.
_OURS: Final = frozenset(
    {ErrorCode.FILE_CHANGED, ErrorCode.READ_FAILED, ErrorCode.CONCURRENT_UPLOAD}
)

# A question that ended so is asked again.
_PASSING: Final = frozenset({Outcome.UNAVAILABLE, Outcome.THROTTLED, Outcome.UNCERTAIN})


def _may_be_there(error: TransferError) -> bool:
    """Whether only the provider's list can tell if the file was stored.

    Without the end of the body the provider has nothing complete (ADR 0021). What is said too
    early and makes no sense is no proof of that, and neither is a fault of our own.
    """
    if error.is_answer or error.code in _OURS or error.sent is Sent.NOTHING:
        return False
    return error.sent is Sent.ALL or error.outcome is not Outcome.UNAVAILABLE


def gave_up(last: AppError) -> AppError:
    return AppError(ErrorCode.ATTEMPTS_EXHAUSTED, str(last))


def error_of(job: JobView) -> AppError:
    """The error a job carries, as it was raised."""
    if job.error is None:
        return AppError(ErrorCode.ANSWER_LOST)
    return AppError(ErrorCode(job.error.code), job.error.detail, retry_after=job.error.retry_after)


@dataclass(frozen=True, slots=True)
class TryLater:
    """Jobs that go back into a line for a while, and how often."""

    scheduler: Scheduler
    accounts: Accounts
    in_hand: JobsInHand
    settings: CurrentSettings
    timing: Timing

    def is_last_attempt(self, number: int) -> bool:
        """Each series has `max_attempts`; a retry by the user begins the next one."""
        return number > 0 and number % self.settings.value.max_attempts == 0

    async def from_the_start(
        self, job: JobView, error: AppError, attempt: Attempt | None = None
    ) -> None:
        """Back to the queue until the file is not changed any more; failed after many times."""
        known = self.in_hand.of(job.id)
        known.unsettled += 1
        if known.unsettled >= self.settings.value.max_attempts:
            known.unsettled = 0
            await self.scheduler.move(job, S.FAILED, error=error, attempt=attempt)
            return
        await self.scheduler.move(
            job,
            S.QUEUED,
            error=error,
            note=error.title,
            attempt=attempt,
            not_before=self.timing.now() + self.timing.retry_s(known.unsettled),
            wait_reason=error.title,
        )

    def question(self, job: RoutedJob, error: TransferError) -> None:
        """The provider could not be asked before the attempt: it stays in line."""
        known = self.in_hand.of(job.id)
        known.unsettled += 1
        self.wait(job, self.timing.retry_s(known.unsettled, error.retry_after), error)

    def wait(self, job: RoutedJob, wait_s: float, error: AppError) -> None:
        """Let a waiting job stand back for some seconds. Not a move: the state stays, but whoever
        looks on is told why nothing happens."""
        until = self.timing.now() + wait_s
        lane = self.accounts.lane(job.account)
        if lane is not None:
            lane.put(job.id, until)
        self.scheduler.announce(
            replace(job, error=ErrorView.of(error), not_before=until, wait_reason=error.title)
        )


@dataclass(frozen=True, slots=True)
class AccountHold:
    """An account that cannot go on without the user."""

    accounts: Accounts
    jobs: JobStore
    scheduler: Scheduler
    timing: Timing

    async def hold(self, account: str, error: AppError) -> None:
        """Its waiting jobs are held with the reason, none is sent."""
        self.accounts.raise_problem(account, error)
        waiting = [i for i, name in await self.jobs.ids([S.WAITING]) if name == account]
        changes = error_changes(error)
        now = self.timing.now()
        for start in range(0, len(waiting), 500):
            await self.scheduler.move_many(
                [
                    Move(job_id, S.WAITING, S.HELD, now, error.title, changes)
                    for job_id in waiting[start : start + 500]
                ]
            )

    async def release(self, account: str, codes: Collection[ErrorCode], note: str) -> None:
        """What was held for one of these reasons goes on; the reason is over."""
        problem = self.accounts.problem(account)
        if problem is not None and problem.code in codes:
            self.accounts.clear_problem(account)
        for job_id in await self.held(account, codes):
            view = await self.jobs.get(job_id)
            if view is not None and view.state is S.HELD:
                with suppress(StaleJobError):
                    await self.scheduler.move(view, S.QUEUED, note=note)

    async def held(self, account: str | None, codes: Collection[ErrorCode]) -> dict[int, str]:
        """The accounts of jobs that are held for one of these reasons, by job. None: all."""
        found = {}
        for job_id, name in await self.jobs.ids([S.HELD]):
            if name is None or account not in (None, name):
                continue
            view = await self.jobs.get(job_id)
            if view is not None and view.error is not None and view.error.code in codes:
                found[job_id] = name
        return found


@dataclass(frozen=True, slots=True)
class Failures:
    jobs: JobStore
    scheduler: Scheduler
    accounts: Accounts
    routes: Routes
    pace: Pace
    later: TryLater
    account_hold: AccountHold
    timing: Timing
    in_hand: JobsInHand

    async def failed(self, job: RoutedJob, attempt: Attempt, error: TransferError) -> None:
        """The provider or the network ended the attempt."""
        now = self.timing.now()
        ended = replace(
            attempt,
            ended_at=now,
            outcome=CUT if error.code is ErrorCode.UPLOAD_CUT else error.outcome.value,
            error_code=error.code.value,
            detail=error.detail[:500],
            http_status=error.status,
            request_id=error.request_id,
        )
        move = self.scheduler.move
        local = error.code in _OURS
        if error.status is not None:
            self.timing.answered(job.account)
        if _may_be_there(error):
            settle = now + self.timing.settle_s(job.account)
            await move(job, S.UNCERTAIN, attempt=ended, error=error, not_before=settle)
        elif local:
            # Our own guard kept the last block back: nothing can have been stored.
            await self.later.from_the_start(job, error, ended)
        elif error.outcome in (Outcome.AUTH, Outcome.QUOTA):
            await move(job, S.HELD, attempt=ended, error=error, note=error.title)
            await self.account_hold.hold(job.account, error)
        elif error.outcome is Outcome.REJECTED:
            await self._refused(job, ended, error)
        elif error.outcome not in (Outcome.THROTTLED, Outcome.UNAVAILABLE):
            await move(job, S.FAILED, attempt=ended, error=error)
        elif self.later.is_last_attempt(attempt.number):
            await move(job, S.FAILED, attempt=ended, error=gave_up(error))
        elif error.code is ErrorCode.UPLOAD_CUT:
            await self._sent_again(job, ended, error, now)
        else:
            await self._tried_again(job, ended, error, now)

    async def _sent_again(
        self, job: RoutedJob, ended: Attempt, error: TransferError, now: float
    ) -> None:
        """The body was cut: soon, unless all bodies of the account are cut."""
        tries = (ended.number - 1) % self.later.settings.value.max_attempts + 1
        until = now + self.timing.resend_s(tries)
        lane, pause_s = (
            self.accounts.lane(job.account),
            self.timing.cut(job.account, ended.started_at),
        )
        if lane is not None and pause_s:
            lane.close_until(now + pause_s)
        await self.scheduler.move(
            job, S.WAITING, attempt=ended, error=error, not_before=until, wait_reason=error.title
        )

    async def _tried_again(
        self, job: RoutedJob, ended: Attempt, error: TransferError, now: float
    ) -> None:
        until = now + self.timing.retry_s(ended.number, error.retry_after)
        lane = self.accounts.lane(job.account)
        if error.outcome is Outcome.THROTTLED:
            self.pace.throttled(job.account, until)
        elif lane is not None:
            lane.close_until(until)
        await self.scheduler.move(
            job, S.WAITING, attempt=ended, error=error, not_before=until, wait_reason=error.title
        )

    async def _refused(self, job: RoutedJob, ended: Attempt, error: TransferError) -> None:
        """The provider does not want this file; another may, if the user allowed that."""
        refusals = self.in_hand.of(job.id).refusals
        refusals[job.account] = error
        try:
            if error.code not in ANOTHER_MAY_TAKE:
                raise error
            route = await self.routes.choose(job)
        except AppError:
            refusals.clear()
            await self.scheduler.move(job, S.REFUSED, attempt=ended, error=error)
            return
        await self.scheduler.move(
            job,
            S.WAITING,
            attempt=ended,
            note=route.reason,
            provider=route.account.provider,
            account=route.account.name,
            purpose=route.purpose.name,
            route_reason=route.reason,
        )

    async def not_begun(self, job_id: int, error: AppError) -> None:
        """The attempt could not begin: the file or the key is not as it was."""
        view = await self.jobs.get(job_id)
        if view is None or view.state is not S.WAITING or error.code in STORAGE:
            raise error
        job = routed(view)
        if error.outcome is Outcome.AUTH or error.code in STORE_CODES:
            await self.scheduler.move(job, S.HELD, error=error, note=error.title)
            await self.account_hold.hold(job.account, error)
        elif error.code in (ErrorCode.FILE_CHANGED, ErrorCode.READ_FAILED):
            await self.later.from_the_start(job, error)
        elif isinstance(error, TransferError):
            await self._ask_later(job, error)
        elif error.code is ErrorCode.PLACE_NOT_ALLOWED:
            # Through the queue: an account that the rule allows may take it.
            await self.scheduler.move(job, S.QUEUED, note=error.detail)
        elif error.code in WAITS_S:
            self.later.wait(job, error.retry_after or WAITS_S[error.code], error)
        elif error.code in SHARED_ROOM:
            # No account of this user has room: it goes on by itself when there is some.
            await self.scheduler.move(job, S.HELD, error=error, note=error.title)
        elif error.code in NO_ROOM:
            await self._no_room(job, error)
        else:
            await self.scheduler.move(job, S.REFUSED, error=error)

    async def _no_room(self, job: RoutedJob, error: AppError) -> None:
        """Another account may have room, if the user allowed that; else it is held."""
        refusals = self.in_hand.of(job.id).refusals
        refusals[job.account] = error
        try:
            route = await self.routes.choose(job)
        except AppError:
            refusals.clear()
            await self.scheduler.move(job, S.HELD, error=error, note=error.title)
            return
        # Through the queue: the other account may have the content already.
        await self.scheduler.move(job, S.QUEUED, note=route.reason)

    async def _ask_later(self, job: RoutedJob, error: TransferError) -> None:
        """The provider could not be asked before the attempt: it stays in line."""
        if error.outcome in _PASSING:
            self.later.question(job, error)
            return
        # The same question would get the same answer: the user decides when to try again.
        await self.scheduler.move(job, S.HELD, error=error, note=error.title)
        if error.outcome is Outcome.QUOTA:
            await self.account_hold.hold(job.account, error)

    async def stopped(self, job: RoutedJob, attempt: Attempt, sent: Sent) -> None:
        """We broke the attempt off. Before the last block nothing can have been stored."""
        intent = self.in_hand.intent(job.id)
        now, move = self.timing.now(), self.scheduler.move
        ended = replace(attempt, ended_at=now, outcome=Outcome.CANCELLED.value, detail=str(intent))
        if sent is Sent.ALL:
            # A wish noted before stays: quitting must not forget a cancel.
            wish = JobChanges(not_before=now + self.timing.settle_s(job.account))
            if intent is Intent.CANCEL:
                wish["cancel_requested"] = True
            error = AppError(ErrorCode.ANSWER_LOST)
            await move(job, S.UNCERTAIN, attempt=ended, error=error, **wish)
        elif intent is Intent.CANCEL:
            await move(job, S.CANCELLED, attempt=ended, error=AppError(ErrorCode.CANCELLED))
        elif intent is Intent.HOLD:
            await move(job, S.HELD, attempt=ended, note="paused by the user")
        else:
            await move(job, S.WAITING, attempt=ended, note="the program was closed")
