"""Settling uncertain jobs by the provider's own list: never by guessing, never by sending again.

What the list says is judged in `list_matching`; here is the waiting, asking and applying.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from exai_desktop.core.accounts.secret_store import STORE_CODES
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import TellsTime
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.files.names import sent_name
from exai_desktop.core.jobs.jobs import JobState, JobView, RoutedJob, routed
from exai_desktop.core.jobs.store import IdTakenError, JobStore, StaleJobError
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.reconciliation.list_matching import MatchResult, MatchVerdict, Suspect
from exai_desktop.engine.reconciliation.suspects import Suspects
from exai_desktop.engine.reconciliation.uncertain import UncertainJobs
from exai_desktop.engine.scheduling.lanes import LOOK_EVERY_S, DiskGuard
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.failures import error_of
from exai_desktop.engine.upload.sent_before import Claims, RecoveredRecord
from exai_desktop.engine.upload.stored_copies import new_copy, of_earlier_key

log = logging.getLogger(__name__)

S = JobState

# An absence is believed when it was seen twice, a settle time apart.
LOOKS_NEEDED: Final = 2

# Those that are due within this share of the settle time are looked for in one list.
GATHER_SHARE: Final = 0.05
GATHER_MOST_S: Final = 3.0

# After so many lists that could not be had, the user is asked.
FAILURES_ALLOWED: Final = 10


@dataclass(frozen=True, slots=True)
class Settlement:
    """Applies what a list says of a job."""

    jobs: JobStore
    scheduler: Scheduler
    accounts: Accounts
    uncertain: UncertainJobs
    recovered: RecoveredRecord
    claims: Claims
    timing: Timing

    async def apply(self, finding: MatchResult, asked_at: float) -> None:
        """`asked_at`: when the list was asked for."""
        job = routed(finding.job)
        if finding.verdict is MatchVerdict.ADOPT and finding.remote is not None:
            doubt = await self.recovered.why_doubtful(job, finding.remote)
            doubt = doubt or await self.claims.why_anothers(job, finding.remote)
            if doubt is not None:
                await self.ask_the_user(job, doubt)
                return
            await self._adopt(job, finding.remote, finding.others, asked_at)
        elif finding.verdict is MatchVerdict.LATER:
            self.uncertain.together(job.id, self.timing.settle_s(job.account))
        elif finding.verdict is MatchVerdict.AMBIGUOUS:
            await self.ask_the_user(job, f"{finding.others} files at the provider may be this one")
        elif self.uncertain.looked(job.id) < LOOKS_NEEDED:
            self.uncertain.again(job.id, self.timing.settle_s(job.account))
        elif await self._was_sent_with_another_key(job):
            reason = "it was sent with an earlier key: its file may not be in this key's list"
            await self.ask_the_user(job, reason)
        else:
            self.uncertain.settled(job.id)
            await self._send_again(job)

    async def _was_sent_with_another_key(self, job: RoutedJob) -> bool:
        """The new key may belong to somebody else, whose list proves nothing."""
        detail = await self.jobs.detail(job.id)
        if detail is None or not detail.attempts:
            return False
        return of_earlier_key(self.accounts, job.account, detail.attempts[-1].started_at)

    async def ask_the_user(self, job: JobView, detail: str) -> None:
        error = AppError(ErrorCode.REVIEW_NEEDED, detail)
        await self.scheduler.move(job, S.NEEDS_REVIEW, error=error, note=detail)

    async def _send_again(self, job: RoutedJob) -> None:
        """With the reason it was lost for, and a growing wait: it may be lost again."""
        await self.scheduler.move(
            job,
            S.WAITING,
            note="not in the provider's file list: sent again",
            error=error_of(job),
            sent_name=sent_name(job.path),
            not_before=self.timing.now() + self.timing.retry_s(max(1, job.attempts)),
        )

    async def _adopt(
        self, job: RoutedJob, remote: RemoteFile, others: int, asked_at: float
    ) -> None:
        self.uncertain.settled(job.id)
        await self._learn(job, remote)
        notes = ["found in the provider's file list"]
        if others:
            notes.append(f"{others} more files with this name and size at the provider")
        if job.cancel_requested:
            notes.append("it was stored before it was cancelled")
        usable = remote.status is not RemoteStatus.ERROR
        try:
            done = await self.scheduler.move(
                job,
                S.DONE,
                note="; ".join(notes),
                file_id=remote.id,
                copy=new_copy(self.accounts, job, remote, asked_at, usable=usable),
            )
        except IdTakenError as taken:
            await self.ask_the_user(job, taken.detail)
            return
        await self.claims.settled(done)

    async def _learn(self, job: RoutedJob, remote: RemoteFile) -> None:
        """It was stored so long after we had lost sight of it."""
        detail = await self.jobs.detail(job.id)
        lost_at = detail.attempts[-1].ended_at if detail and detail.attempts else None
        if lost_at is not None:
            self.timing.learn(job.account, [remote.created_at - lost_at])

    def not_settled(self, job: JobView, wait_s: float, error: AppError) -> None:
        """The list could not be had: asked again in so many seconds."""
        self.uncertain.again(job.id, wait_s)
        # Not a move: the state stays, but whoever looks on is told why nothing happens.
        self.scheduler.announce(
            replace(
                job,
                error=ErrorView.of(error),
                not_before=self.timing.now() + wait_s,
                wait_reason="the provider's file list is not available",
            )
        )


class Reconciler:
    """One task for all accounts; jobs come in through `UncertainJobs`."""

    def __init__(
        self,
        uncertain: UncertainJobs,
        suspects: Suspects,
        settlement: Settlement,
        guard: DiskGuard,
        least_wait_s: float,
    ) -> None:
        self._uncertain = uncertain
        self._suspects = suspects
        self._settlement = settlement
        self._guard = guard
        self._least_wait_s = least_wait_s
        self._gather_s = min(GATHER_MOST_S, least_wait_s * GATHER_SHARE)
        self._failures: Counter[str] = Counter()

    async def run(self) -> None:
        while True:
            ids = await self._uncertain.due(self._gather_s)
            try:
                await self._settle(ids)
            except AppError as error:
                self._later(ids, error)

    def _later(self, ids: set[int], error: AppError) -> None:
        """The record could not be read or written: nothing is known, so nothing is settled."""
        log.warning("uncertain jobs wait for the database: %s", error.code)
        self._guard.failed(error)
        for job_id in ids:
            self._uncertain.again(job_id, max(self._least_wait_s, LOOK_EVERY_S))

    async def _settle(self, ids: set[int]) -> None:
        by_list = await self._suspects.by_list(ids)
        for (account, purpose), suspects in by_list.items():
            try:
                await self._settle_account(account, purpose, suspects)
            except EngineError:
                raise  # our own record failed, not the provider's list
            except AppError as error:
                await self._list_failed(account, suspects, error)

    async def _settle_account(self, account: str, purpose: str, suspects: list[Suspect]) -> None:
        provider = await self._settlement.accounts.provider(account)
        asked_at = self._settlement.timing.now()
        listed = await provider.list(purpose)
        clock = provider.clock_offset_s if isinstance(provider, TellsTime) else None
        self._failures.pop(account, None)
        names = [a.name for a in self._settlement.accounts.namesakes(account)]
        for finding in await self._suspects.findings(names, suspects, listed, clock):
            await self._settlement.apply(finding, asked_at)
        # What is there already need not be asked for again; what is not has more time.
        others = await self._suspects.not_due(names, purpose, suspects)
        for finding in await self._suspects.findings(names, others, listed, clock):
            if finding.verdict is MatchVerdict.ADOPT:
                await self._settlement.apply(finding, asked_at)

    async def _list_failed(
        self, account: str, suspects: Sequence[Suspect], error: AppError
    ) -> None:
        """Ask again later; when the list cannot be had at all, the user decides."""
        self._failures[account] += 1
        tries = self._failures[account]
        is_refusal = error.outcome in (Outcome.REJECTED, Outcome.LOCAL)
        # The user can open the key store without a decision about the file.
        is_refusal = is_refusal and error.code not in STORE_CODES
        hopeless = tries > FAILURES_ALLOWED or is_refusal
        if error.code is ErrorCode.UNUSABLE_SETTING:
            hopeless = False  # nobody was asked; the next start may have another setting
        log.warning("list of %s failed (%d): %s", account, tries, error.code)
        for suspect in suspects:
            if hopeless:
                review = AppError(ErrorCode.REVIEW_NEEDED, str(error))
                with contextlib.suppress(StaleJobError):
                    await self._settlement.scheduler.move(suspect.job, S.NEEDS_REVIEW, error=review)
            else:
                wait_s = self._settlement.timing.retry_s(tries, error.retry_after)
                self._settlement.not_settled(suspect.job, wait_s, error)
