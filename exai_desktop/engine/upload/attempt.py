"""One attempt, from waiting to confirming: intent on disk, then the bytes, then the answer.

What ends without a definite answer after the first byte makes the job uncertain.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.copies.provider import FileProvider, TellsTime
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.files.ports import OpenFile
from exai_desktop.core.jobs.models import Attempt, RoutedJob, routed
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import JobStore, TwinInFlightError, TwinPresentError
from exai_desktop.engine.accounts.timing import Timing
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.admission import Pace, Passage
from exai_desktop.engine.upload.attempt_metrics import AttemptMetrics
from exai_desktop.engine.upload.confirm import Confirmation
from exai_desktop.engine.upload.content_claims import ELSEWHERE, Claims, Held
from exai_desktop.engine.upload.failures import Failures
from exai_desktop.engine.upload.recovered_record import Doubt, RecoveredRecord, forgotten
from exai_desktop.engine.upload.reuse import Reuse
from exai_desktop.engine.upload.upload_body import Body, Line
from exai_desktop.engine.waiting import uninterrupted

S = JobState


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

    async def deliver(self, job: RoutedJob, attempt: Attempt, way: Way, body: Body) -> None:
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
            await self._answered(job, replace(attempt, left_at=body.left_at), remote, way.passage)

    async def _answered(
        self, job: RoutedJob, attempt: Attempt, remote: RemoteFile, passage: Passage
    ) -> None:
        now = self.timing.now()
        ended = replace(attempt, ended_at=now, outcome="stored")
        if attempt.left_at is not None:
            self.timing.learn(job.account, [now - attempt.left_at])
        moved = await self.scheduler.move(job, S.CONFIRMING, attempt=ended, file_id=remote.id)
        await passage.ended(None)
        await self.confirmation.confirm(routed(moved), remote)


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

    async def make(self, job: RoutedJob, way: Way, file: OpenFile, held: Held) -> None:
        provider = way.provider
        # Before anything is claimed: an SDK's first import takes seconds.
        await provider.ready()
        body = self.line.body(job, file, lambda: held.is_ours)
        doubted = await self.recovered.doubt(job)
        elsewhere = await self.claims.asked_elsewhere(job, held.earlier)
        name, started_at = body.name, self.line.clock.now()
        if elsewhere is not None:
            name, started_at = elsewhere.sent_name, elsewhere.at
        elif doubted is None:
            await held.begin()
        attempt = Attempt(
            job.attempts + 1,
            provider.transport,
            name,
            job.size,
            body.sha256,
            started_at,
            clock_offset_s=provider.clock_offset_s if isinstance(provider, TellsTime) else None,
        )
        begun = await self._begin(job, attempt)
        if begun is None:
            return
        if elsewhere is not None:
            await self._ask_for_the_other(begun, attempt)
        elif doubted is not None:
            await self._ask_the_list(begun, attempt, doubted)
        else:
            self.line.board.begin(job.id, job.size)
            try:
                await self.answers.deliver(begun, attempt, way, body)
            finally:
                self.line.board.end(job.id)

    async def _begin(self, job: RoutedJob, attempt: Attempt) -> RoutedJob | None:
        """Put on disk that it is being sent; None when a twin was quicker."""
        try:
            moved = await self.scheduler.move(
                job,
                S.SENDING,
                attempt=attempt,
                attempts=attempt.number,
                transport=attempt.transport,
                sent_name=attempt.sent_name,
                limits=self.line.accounts.limits(job.account, job.purpose),
            )
            return routed(moved)
        except TwinPresentError as twin:
            await self.reuse.become_duplicate(job, twin.copy)
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

    async def _ask_for_the_other(self, job: RoutedJob, attempt: Attempt) -> None:
        """Another program had begun with this content and did not end well: not a byte leaves."""
        timing, now = self.answers.timing, self.answers.timing.now()
        await self.scheduler.move(
            job,
            S.UNCERTAIN,
            note="another program may have sent it: the provider's file list is checked first",
            attempt=replace(attempt, ended_at=now, outcome=ELSEWHERE),
            not_before=max(now, attempt.started_at + timing.settle_s(job.account)),
            wait_reason="another program may have sent it",
        )
