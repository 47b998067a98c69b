"""A waiting job before its attempt: may it go, does its content lie there already, is it ours?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, TransferError
from exai_desktop.core.files.files import FileId
from exai_desktop.core.jobs.claims import OTHER_DEVICE, Claim
from exai_desktop.core.jobs.jobs import JobState, JobView, RoutedJob, routed
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.mirror.operations import MirrorAccount, OtherRecords
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.files.open_file import FileOpener
from exai_desktop.engine.scheduling.in_hand import Intent, JobsInHand
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.admission import Admission, Pace, Passage, Routes
from exai_desktop.engine.upload.attempt import Attempts, Way
from exai_desktop.engine.upload.failures import Failures, TryLater, error_of, gave_up
from exai_desktop.engine.upload.sent_before import Claims
from exai_desktop.engine.upload.shared_room import SharedRoom
from exai_desktop.engine.upload.stored_copies import Reuse

S = JobState

# That a claim can hold.
_LONGEST_ID: Final = 128


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a waiting job may be sent now; why not is recorded with it."""

    scheduler: Scheduler
    accounts: Accounts
    routes: Routes
    later: TryLater

    async def is_ready(self, job: RoutedJob) -> bool:
        """Not when it was cancelled, the account needs the user, or a look-alike is under way."""
        if job.cancel_requested:
            await self.scheduler.move(job, S.CANCELLED, error=AppError(ErrorCode.CANCELLED))
            return False
        if not await self.routes.may_still_have(job):
            # The rules have changed since it was routed.
            await self.scheduler.move(job, S.QUEUED, note="a rule for its folder")
            return False
        if self.accounts.principal(job.account).name != job.account:
            # Since it was routed, another name of the same account has come to stand for it.
            await self.scheduler.move(job, S.QUEUED, note="another name of the same account")
            return False
        problem = self.accounts.problem(job.account)
        if problem is not None:
            await self.scheduler.move(job, S.HELD, error=problem, note=problem.title)
            return False
        if job.error is not None and self.later.is_last_attempt(job.attempts):
            await self.scheduler.move(job, S.FAILED, error=gave_up(error_of(job)))
            return False
        holder = self.scheduler.reserve_name(job)
        if holder is not None:
            self.scheduler.park(job, holder)
            return False
        return True


@dataclass(frozen=True, slots=True)
class KnownContent:
    """The steps between the breaker and the bytes: what need not be sent, is not."""

    accounts: Accounts
    reuse: Reuse
    pace: Pace
    claims: Claims
    opener: FileOpener
    routes: Routes
    attempts: Attempts
    # None: there can be no Supabase project.
    others: OtherRecords | None
    room: SharedRoom | None

    async def _at_another_device(self, job: RoutedJob) -> list[str]:
        """Ids of this content, as they were fetched last: nobody waits for Supabase here."""
        account = self.accounts.get(job.account)
        if self.others is None or not account.key_fingerprint:
            return []
        known = MirrorAccount(account.provider, account.base_url, account.key_fingerprint)
        ids = await self.others.stored(known.id, job.purpose, job.sha256, job.size)
        return [remote_id for remote_id in ids if len(remote_id) <= _LONGEST_ID]

    async def _is_sent_by_another_device(self, job: RoutedJob, ids: Sequence[str]) -> bool:
        """The provider is asked whether the file is there."""
        for remote_id in ids:
            told = Claim(
                owner=OTHER_DEVICE,
                sent_name=job.sent_name,
                size=job.size,
                at=0.0,
                remote_id=remote_id,
            )
            try:
                if await self.claims.take_over(job, told):
                    return True
            except TransferError as error:
                if error.outcome is not Outcome.REJECTED:
                    raise  # then nothing can be sent either
        return False

    async def send(self, job: RoutedJob, passage: Passage) -> bool:
        """Everything that may ask the provider: the account's breaker has let it through.

        False: the job must begin anew, for what it has found out holds no more.
        """
        provider = await self.accounts.provider(job.account)
        if await self.reuse.reuse(job):
            return True
        elsewhere = await self._at_another_device(job)
        if self.room is not None and not elsewhere:
            # First: what has no room takes no turn from what has.
            await self.room.look(job.size)
        await self.pace.wait(job)
        async with self.claims.claimed(job) as held:
            earlier = held.earlier
            if earlier and earlier.remote_id and await self.claims.take_over(job, earlier):
                return True
            if earlier is None and await self._is_sent_by_another_device(job, elsewhere):
                return True
            if self.room is not None:
                await self.room.ask(job)
            async with self.opener.opened(job) as file:
                if file.id != _recorded(job):
                    raise AppError(ErrorCode.FILE_CHANGED, "it is not the file that was checked")
                # Again: its turn may have taken minutes, and its folder may be another one by now.
                if not await self.routes.may_still_have(job):
                    raise AppError(ErrorCode.PLACE_NOT_ALLOWED, "a rule for its folder")
                return await self.attempts.make(job, Way(provider, passage), file, held)


def _recorded(job: JobView) -> FileId:
    return FileId(job.size, job.mtime_ns or 0, job.device or 0, job.inode or 0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The stage of an account's lane."""

    jobs: JobStore
    scheduler: Scheduler
    in_hand: JobsInHand
    readiness: Readiness
    admission: Admission
    content: KnownContent
    failures: Failures

    async def send(self, job_id: int) -> None:
        """Carry one waiting job through an attempt."""
        job: RoutedJob | None = None
        try:
            view = await self.jobs.get(job_id)
            if view is None or view.state is not S.WAITING or view.account is None:
                return
            job = routed(view)
            if not await self.readiness.is_ready(job):
                return
            async with self.admission.admitted(job) as passage:
                is_over = passage is None or await self.content.send(job, passage)
            if not is_over:
                self.scheduler.place(job, announce=False)
        except AppError as error:
            await self.failures.not_begun(job_id, error)
        except asyncio.CancelledError:
            await self._interrupted(job_id)
            raise
        finally:
            self.scheduler.forget_passed(job_id, S.SENDING)
            if job is not None:
                self.scheduler.release_name(job)

    async def _interrupted(self, job_id: int) -> None:
        """Cancelled before or between: carry out the wish on a job that still waits."""
        intent = self.in_hand.intent(job_id)
        job = await self.jobs.get(job_id)
        if job is None or job.state is not S.WAITING:
            return
        if intent is Intent.CANCEL:
            await self.scheduler.move(job, S.CANCELLED, error=AppError(ErrorCode.CANCELLED))
        elif intent is Intent.HOLD:
            await self.scheduler.move(job, S.HELD, note="paused by the user")
