"""One attempt, from waiting to confirming: intent on disk, then the bytes, then the answer.

What ends without a definite answer after the first byte makes the job uncertain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from exai_desktop.core.accounts.health import AttemptVerdict, Check
from exai_desktop.core.copies.models import RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import FileProvider, TellsTime
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.events import Metrics
from exai_desktop.core.files.files import OpenFile
from exai_desktop.core.jobs.claims import Claim
from exai_desktop.core.jobs.jobs import Attempt, JobState, RoutedJob, routed
from exai_desktop.core.jobs.store import JobStore, TwinInFlightError, TwinPresentError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.health import Breakers, Health
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Bandwidth, Timing
from exai_desktop.engine.scheduling.in_hand import JobsInHand, ProgressBoard
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.admission import Pace, Passage
from exai_desktop.engine.upload.failures import Failures
from exai_desktop.engine.upload.sent_before import (
    ELSEWHERE,
    Claims,
    Doubt,
    Held,
    RecoveredRecord,
    forgotten,
)
from exai_desktop.engine.upload.stored_copies import Confirmation, Reuse
from exai_desktop.engine.waiting import uninterrupted

S = JobState


@dataclass(frozen=True, slots=True)
class Line:
    """What all bodies share: the limits of speed, the progress, the clock."""

    bandwidth: Bandwidth
    accounts: Accounts
    board: ProgressBoard
    in_hand: JobsInHand
    clock: Clock

    def body(self, job: RoutedJob, file: OpenFile, is_ours: Callable[[], bool]) -> Body:
        """`is_ours`: whether the content is still claimed; asked before each block."""
        return Body(self, job, file, is_ours)


class Body:
    """One body on its way: meets `core.copies.provider.Upload`, remembers how much has left."""

    def __init__(
        self, line: Line, job: RoutedJob, file: OpenFile, is_ours: Callable[[], bool]
    ) -> None:
        self._line = line
        self._job_id = job.id
        self._is_ours = is_ours
        self.file = file
        self.sha256 = job.sha256
        self.name = job.sent_name
        self.purpose = job.purpose
        self.sent = Sent.NOTHING
        self.left_at: float | None = None
        self._flows = (line.bandwidth, line.accounts.limiter(job.account).bandwidth)

    @property
    def block(self) -> int | None:
        """Of the limits that hold: the smallest block."""
        return min((flow.block for flow in self._flows if flow.block), default=None)

    async def may_leave(self, size: int) -> None:
        wait_s = max(flow.reserve(size) for flow in self._flows)
        if wait_s > 0:
            await self._line.clock.sleep(wait_s)
        if not self._is_ours():
            # Another machine may be sending it. The last block is still here: nothing is stored.
            raise TransferError(
                ErrorCode.CONCURRENT_UPLOAD, "its claim on the content expired", sent=self.sent
            )

    def on_bytes(self, total_sent: int) -> None:
        self._line.board.advance(self._job_id, "sending", total_sent)

    def on_left(self, sent: Sent) -> None:
        self.sent = sent
        if sent is Sent.ALL:
            self.left_at = self._line.clock.now()
        run = self._line.in_hand.runs.get(self._job_id)
        if run is not None:
            run.all_left = sent is Sent.ALL


# These say nothing of the provider.
_OURS: Final = frozenset({Outcome.LOCAL, Outcome.CANCELLED})


@dataclass(frozen=True, slots=True)
class AttemptMetrics:
    metrics: Metrics
    health: Health
    breakers: Breakers
    clock: Clock

    @contextmanager
    def counted(self, job: RoutedJob, transport: str, provider: FileProvider) -> Iterator[None]:
        """Around the call that sends: what came of it goes to the metrics and the health."""
        outcome, began = Outcome.CANCELLED.value, self.clock.monotonic()
        self.metrics.attempt_began(job.provider)
        try:
            yield
            outcome = "stored"
            self._note(job.account, began, None)
        except TransferError as error:
            outcome = error.outcome.value
            if error.outcome not in _OURS:
                self._note(job.account, began, error)
            raise
        finally:
            took_s = self.clock.monotonic() - began
            self.metrics.attempt_ended(job.provider, transport, outcome, job.size, took_s)
            way = provider.transport_status
            self.metrics.sends_by(job.account, way.name, way.step_downs)

    def of_claim(self, held: Held) -> str:
        """Counts an upload of which other computers were not asked; returns what to note of it."""
        note = held.told_left()
        if note:
            self.metrics.sent_unclaimed()
        return note

    def _note(self, account: str, began: float, error: TransferError | None) -> None:
        is_fault = self.breakers.verdict(account, error) is AttemptVerdict.FAULT
        took_s = self.clock.monotonic() - began
        self.health.note(account, Check.UPLOAD, took_s, error, fault=is_fault)


@dataclass(frozen=True, slots=True)
class Way:
    """The account's client, and whom to tell how it went."""

    provider: FileProvider
    passage: Passage


@dataclass(frozen=True, slots=True)
class Answers:
    """What follows an attempt: its answer, or what came instead of it."""

    scheduler: Scheduler
    pace: Pace
    timing: Timing
    failures: Failures
    confirmation: Confirmation
    metrics: AttemptMetrics

    async def deliver(
        self, job: RoutedJob, attempt: Attempt, way: Way, body: Body, held: Held
    ) -> None:
        try:
            with self.metrics.counted(job, attempt.transport, way.provider):
                remote = await way.provider.upload(body)
        except TransferError as error:
            # To its end: what follows may look at folders first, and the answer is known already.
            await uninterrupted(self.failures.failed(job, attempt, error))
            # Behind the record of the job: nothing may come between it and the disk.
            await way.passage.ended(error)
        except asyncio.CancelledError:
            await self.failures.stopped(job, attempt, body.sent)
            raise
        except Exception as error:
            # A fault of ours must not leave the job in `sending`, nor send it again blindly.
            lost = TransferError(ErrorCode.UNEXPECTED_ERROR, type(error).__name__, sent=body.sent)
            await self.failures.failed(job, attempt, lost)
            raise
        else:
            self.pace.heed_rate(job.account, way.provider)
            note = self.metrics.of_claim(held)
            ended = replace(attempt, left_at=body.left_at)
            await self._answered(job, ended, remote, way.passage, note)

    async def _answered(
        self, job: RoutedJob, attempt: Attempt, remote: RemoteFile, passage: Passage, note: str
    ) -> None:
        now = self.timing.now()
        ended = replace(attempt, ended_at=now, outcome="stored")
        self.timing.answered(job.account)
        if attempt.left_at is not None:
            self.timing.learn(job.account, [now - attempt.left_at])
        if remote.status is RemoteStatus.PENDING:
            moved = await self.scheduler.move(
                job, S.CONFIRMING, note=note, attempt=ended, file_id=remote.id
            )
            await passage.ended(None)
            await self.confirmation.confirm(routed(moved), remote, attempt.started_at)
            return
        # The answer settles it: one write, which a cancel must not cut from the answer.
        await uninterrupted(self._settle(job, ended, remote, note))
        await passage.ended(None)

    async def _settle(self, job: RoutedJob, ended: Attempt, remote: RemoteFile, note: str) -> None:
        moved = await self.scheduler.pass_through(
            job, S.CONFIRMING, note=note, attempt=ended, file_id=remote.id
        )
        await self.confirmation.confirm(routed(moved), remote, ended.started_at)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Begins an attempt on disk; sends the bytes, unless the provider's list must be asked."""

    jobs: JobStore
    scheduler: Scheduler
    line: Line
    claims: Claims
    recovered: RecoveredRecord
    reuse: Reuse
    answers: Answers

    async def make(self, job: RoutedJob, way: Way, file: OpenFile, held: Held) -> bool:
        """Whether an attempt was made, or is not needed; else the job must begin anew."""
        # Before anything is claimed: an SDK's first import takes seconds.
        await way.provider.ready()
        body = self.line.body(job, file, lambda: held.is_ours)
        doubted = await self.recovered.doubt(job)
        elsewhere = await self.claims.asked_elsewhere(job, held.earlier)
        accounts = self.line.accounts
        async with accounts.gate(job.account).passed():
            if await accounts.provider(job.account) is not way.provider:
                return False  # made for an earlier key, perhaps for another address
            # Dated here: every later change of the key is later than this.
            attempt = self._attempt(job, way.provider, body, elsewhere)
            if elsewhere is None and doubted is None:
                await held.begin()
            try:
                begun = await self._begin(job, attempt, held)
            except TwinPresentError as twin:
                if not self.reuse.is_fresh(twin.copy):
                    return False  # it is asked about first
                await self.reuse.become_duplicate(job, twin.copy)
                return True
        if begun is None:
            return True
        if elsewhere is not None:
            await self._ask_for_the_other(begun, attempt, self.claims.whose(elsewhere))
        elif doubted is not None:
            await self._ask_the_list(begun, attempt, doubted)
        else:
            self.line.board.begin(job.id, job.size)
            try:
                await self.answers.deliver(begun, attempt, way, body, held)
            finally:
                self.line.board.end(job.id)
        return True

    def _attempt(
        self, job: RoutedJob, provider: FileProvider, body: Body, elsewhere: Claim | None
    ) -> Attempt:
        name, started_at = body.name, self.line.clock.now()
        if elsewhere is not None:
            name, started_at = elsewhere.sent_name, elsewhere.at
        return Attempt(
            job.attempts + 1,
            provider.transport,
            name,
            job.size,
            body.sha256,
            started_at,
            clock_offset_s=provider.clock_offset_s if isinstance(provider, TellsTime) else None,
        )

    async def _begin(self, job: RoutedJob, attempt: Attempt, held: Held) -> RoutedJob | None:
        """Put on disk that it is being sent; None when a twin is being sent already."""
        try:
            moved = await self.scheduler.move(
                job,
                S.SENDING,
                attempt=attempt,
                note=self.answers.metrics.of_claim(held),
                attempts=attempt.number,
                transport=attempt.transport,
                sent_name=attempt.sent_name,
                limits=self.line.accounts.limits(job.account, job.purpose),
            )
            return routed(moved)
        except TwinInFlightError as twin:
            self.scheduler.park(job, twin.job_id)
        except asyncio.CancelledError:
            begun = await self.jobs.get(job.id)
            if begun is not None and begun.state is S.SENDING:
                await self.answers.failures.stopped(routed(begun), attempt, Sent.NOTHING)
            raise
        return None

    async def _ask_the_list(self, job: RoutedJob, attempt: Attempt, doubted: Doubt) -> None:
        """The record was recovered and may have forgotten that this was sent: not a byte leaves."""
        timing, now = self.answers.timing, self.answers.timing.now()
        await self.scheduler.move(
            job,
            S.UNCERTAIN,
            note="the database was restored: the provider's file list is checked first",
            attempt=forgotten(attempt, now),
            not_before=now if doubted.copies else now + timing.settle_s(job.account),
            wait_reason="the database was restored",
        )
        await self.recovered.asked(doubted, now)

    async def _ask_for_the_other(self, job: RoutedJob, attempt: Attempt, who: str) -> None:
        """Another program had begun with this content and did not end well: not a byte leaves."""
        timing, now = self.answers.timing, self.answers.timing.now()
        await self.scheduler.move(
            job,
            S.UNCERTAIN,
            note=f"{who} may have sent it: the provider's file list is checked first",
            attempt=replace(attempt, ended_at=now, outcome=ELSEWHERE),
            not_before=max(now, attempt.started_at + timing.settle_s(job.account)),
            wait_reason=f"{who} may have sent it",
        )
