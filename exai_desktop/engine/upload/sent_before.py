"""Content that may have been sent before: it is not sent in ignorance of that.

After a recovery the record may lack files that were sent. The lists of all accounts are taken into
the record as foreign copies. And a job whose list is not yet there, or holds a file that could be
this one, becomes uncertain instead of being sent: `engine.reconciliation` then settles it by the
list, like any lost answer.

Other programs of this user may use the same account: one sends a content, the others see it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from exai_desktop.core.copies.models import CopyOrigin, RemoteFile
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, not_written
from exai_desktop.core.files.names import is_renamed_twin
from exai_desktop.core.jobs.claims import (
    OTHER_DEVICE,
    Claim,
    ClaimKey,
    ClaimLostError,
    ContentClaims,
    Hold,
)
from exai_desktop.core.jobs.jobs import (
    FORGOTTEN,
    Attempt,
    JobDetail,
    JobState,
    JobView,
    RoutedJob,
    routed,
)
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.jobs.store import IdTakenError, JobStore
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.scheduling.scheduler import Scheduler
from exai_desktop.engine.upload.stored_copies import new_copy
from exai_desktop.engine.waiting import Readers, uninterrupted

log = logging.getLogger(__name__)
T = TypeVar("T")
S = JobState

# The clock that wrote the record may have been wrong by a day, and a time zone.
CLOCK_DOUBT_S: Final = 26 * 3_600.0

_NS: Final = 1e9


@dataclass(frozen=True, slots=True)
class Doubt:
    """The job may have been sent before; `copies` are the foreign ones it could be."""

    copies: tuple[int, ...] = ()


def forgotten(attempt: Attempt, at: float) -> Attempt:
    """The attempt as it goes on record: begun, and ended before a byte left."""
    return Attempt(
        attempt.number,
        attempt.transport,
        attempt.sent_name,
        attempt.size,
        attempt.sha256,
        attempt.started_at,
        ended_at=at,
        outcome=FORGOTTEN,
    )


@dataclass(frozen=True, slots=True)
class RecoveredRecord:
    """`recovery` None: there is none, as in a test or beside a database that is only read."""

    recovery: RecoveryLog | None
    jobs: JobStore
    settings: CurrentSettings

    async def doubt(self, job: RoutedJob) -> Doubt | None:
        """Whether the provider's list must be asked before this job is sent."""
        recovery = self.recovery
        if recovery is None:
            return None
        since = await recovery.since()
        if since is None:
            return None
        detail = await self.jobs.detail(job.id)
        if detail is not None and any(a.outcome == FORGOTTEN for a in detail.attempts):
            return None  # it was looked for
        if await recovery.not_compared(job.account, job.purpose) is not None:
            return Doubt()
        found = tuple(
            # A file that was written since can hardly be the one: that is asked once, not daily.
            copy.id
            for copy in await recovery.foreign(job.account, job.purpose, job.size)
            if copy.recorded_at >= since - CLOCK_DOUBT_S
            and is_renamed_twin(job.sent_name, copy.remote_name)
            and (copy.verified_at is None or not self._is_newer(job, copy.recorded_at))
        )
        return Doubt(found) if found else None

    async def asked(self, doubted: Doubt, at: float) -> None:
        """The job was held up because of these."""
        if self.recovery is not None and doubted.copies:
            await self.recovery.asked(doubted.copies, at)

    async def began(self, detail: JobDetail) -> float:
        """When the sending began that the list is asked for."""
        if not detail.attempts:
            return detail.view.updated_at
        last = detail.attempts[-1]
        if last.outcome == FORGOTTEN and self.recovery is not None:
            since = await self.recovery.since()
            if since is not None:
                return since - CLOCK_DOUBT_S
        return last.started_at

    async def why_doubtful(self, job: RoutedJob, remote: RemoteFile) -> str | None:
        """The reason to ask the user before the file is taken for this job's; None: it is its own.

        Found by name, size and time alone, it may still be another one's.
        """
        if await self._is_doubtful(job, remote):
            return f"{remote.id} has the same name and size, but perhaps other content"
        for lost in await self.jobs.given_up(job.account, job.size):
            # The provider may have stored it after it was given up, or have kept the beginning of
            # it: nothing else tells the two apart.
            if lost.sha256 != job.sha256 and is_renamed_twin(lost.sent_name, remote.name):
                return f"{remote.id} may be an earlier file of the same name, or a part of one"
        return None

    async def _is_doubtful(self, job: RoutedJob, remote: RemoteFile) -> bool:
        """Only after a recovery: otherwise the job is known to have been under way when it
        appeared."""
        detail = await self.jobs.detail(job.id)
        if self.recovery is None or detail is None or not detail.attempts:
            return False
        if detail.attempts[-1].outcome != FORGOTTEN:
            return False
        if self._is_newer(job, remote.created_at):
            return True
        return await self.recovery.has_look_alike(job.id, job.name, job.size, job.sha256)

    def _is_newer(self, job: JobView, stored_at: float) -> bool:
        """Whether the file has changed since something was stored."""
        return (job.mtime_ns or 0) / _NS > stored_at + self.settings.value.clock_skew_s


# The outcome of an attempt that was not made because another program may have made it.
ELSEWHERE: Final = "perhaps sent by another program"

# In these the bytes may be at the provider although nobody has its word for it.
_OPEN: Final = frozenset({S.SENDING, S.UNCERTAIN, S.NEEDS_REVIEW})
_STORED: Final = frozenset({S.CONFIRMING, S.DONE, S.FAILED})


class Held:
    """The content is ours for now; `earlier` is what another program has noted of it."""

    def __init__(
        self, jobs: JobStore, readers: Readers, hold: Hold | None, begun: Claim | None
    ) -> None:
        self._jobs = jobs
        self._readers = readers
        self._hold = hold
        self._begun = begun
        self._has_begun = False
        self._is_told = False
        self.earlier = hold.earlier if hold is not None else None
        self.own = hold.own if hold is not None else None
        self._before = self.earlier or self.own

    @property
    def is_ours(self) -> bool:
        """Asked before each block leaves: a lease may have run out meanwhile."""
        return self._hold is None or self._hold.is_ours

    def told_left(self) -> str:
        """For the history of the job, once: that other computers were not asked, and why."""
        why = "" if self._hold is None else self._hold.left
        if not why or self._is_told:
            return ""
        self._is_told = True
        return f"other computers were not asked: {why}"

    async def begin(self) -> None:
        """Note, before the first byte, that we are sending it."""
        if self._hold is not None:
            self._has_begun = True
            await _in_thread(self._readers, lambda: self._note(self._begun))

    async def finish(self, job_id: int, written: JobView | None = None) -> None:
        """Leave a note of how it stands, or the former one when we cannot have stored anything.

        Another job, that may have stored the same content, can be uncertain meanwhile. `written`:
        the job as it is on disk, if that is known.
        """
        if self._hold is None:
            return
        last: tuple[Claim | None, ...] = ()
        try:
            job = written or await self._jobs.get(job_id)
            if job is not None and (self._has_begun or job.state is S.DONE):
                claim = _claim_for(job, self._begun) or self._before
                if claim != self._begun or not self._has_begun:
                    last = (claim,)
        except EngineError as error:
            _not_noted(error)
        finally:
            await self._leave(last)

    async def _leave(self, last: tuple[Claim | None, ...]) -> None:
        """Make the last note, if there is one, and give the content free: one trip for both."""
        hold = self._hold
        assert hold is not None

        def leave() -> None:
            try:
                for claim in last:
                    hold.note(claim)
            finally:
                hold.release()

        try:
            await _in_thread(self._readers, leave)
        except EngineError as error:
            _not_noted(error)

    def _note(self, claim: Claim | None) -> None:
        assert self._hold is not None
        self._hold.note(claim)


def _not_noted(error: EngineError) -> None:
    """The note says "begun", or another machine has written a newer one: whoever reads it asks
    the provider's list."""
    log.warning("a content's note was not written: %s", error)


def _claim_for(job: JobView, begun: Claim | None) -> Claim | None:
    if job.state in _STORED and job.file_id and begun is not None:
        return begun.model_copy(update={"remote_id": job.file_id})
    return begun if job.state in _OPEN else None


async def _in_thread(readers: Readers, call: Callable[[], T]) -> T:
    try:
        return await readers.read(call)
    except ClaimLostError as error:
        raise EngineError(
            ErrorCode.CONCURRENT_UPLOAD, "its claim on the content expired"
        ) from error
    except OSError as error:
        # Without the lock a second program could send the same: better not at all.
        raise not_written(error, "the notes of contents") from error


@dataclass(frozen=True, slots=True)
class Claims:
    """`claims` None: nobody else can send, as in a test or beside a database that is only read."""

    claims: ContentClaims | None
    jobs: JobStore
    copies: CopyStore
    scheduler: Scheduler
    accounts: Accounts
    readers: Readers
    clock: Clock

    @asynccontextmanager
    async def claimed(self, job: RoutedJob) -> AsyncIterator[Held]:
        """Hold the content while it is sent; what became of the job is noted at the end.

        Raises CONCURRENT_UPLOAD when another program holds it.
        """
        held = await self._take(job)
        if held is None:
            raise EngineError(ErrorCode.CONCURRENT_UPLOAD)
        with self.scheduler.followed(job.id) as written:
            try:
                if held.earlier is None:
                    held.earlier = await self._unknown(job, held.own)
                yield held
            finally:
                await uninterrupted(held.finish(job.id, written()))

    async def _take(self, job: RoutedJob) -> Held | None:
        if self.claims is None:
            return Held(self.jobs, self.readers, None, None)
        claims, key = self.claims, self._key(job)
        hold = await uninterrupted(_in_thread(self.readers, lambda: claims.hold(key)))
        begun = Claim(
            owner=claims.owner, sent_name=job.sent_name, size=job.size, at=self.clock.now()
        )
        return None if hold is None else Held(self.jobs, self.readers, hold, begun)

    def _key(self, job: RoutedJob) -> ClaimKey:
        account = self.accounts.get(job.account)
        return ClaimKey(account.base_url, account.key_fingerprint, job.purpose, job.sha256)

    async def why_anothers(self, job: RoutedJob, remote: RemoteFile) -> str | None:
        """The reason to ask the user before this file is taken for the job's; None: there is none.

        The record may have been put back, and have forgotten whose it is; the notes have not.
        """
        claims = self.claims
        if claims is None:
            return None
        key = self._key(job)
        if await _in_thread(self.readers, lambda: claims.is_anothers(key, remote)):
            return f"{remote.id} may have other content: an upload of another file is noted"
        return None

    async def _unknown(self, job: RoutedJob, own: Claim | None) -> Claim | None:
        """What we have noted ourselves, if our record does not know it: an older one was put back.

        Then it is as good as another program's.
        """
        if own is None:
            return None
        names = [namesake.name for namesake in self.accounts.namesakes(job.account)]
        for name in names:
            if own.remote_id:
                copy = await self.copies.by_remote_id(name, own.remote_id)
                # One that was only found in a list is nobody's yet.
                is_known = copy is not None and copy.origin is CopyOrigin.SENT
            else:
                is_known = await self.jobs.has_attempt(name, job.sha256, own.at)
            if is_known:
                return None
        log.warning("a note tells of an upload that the record does not know")
        return own

    def whose(self, earlier: Claim) -> str:
        """Who has noted it, for people."""
        if earlier.owner == OTHER_DEVICE:
            return OTHER_DEVICE
        if self.claims is not None and earlier.owner == self.claims.owner:
            return "this profile, before an older database was put back,"
        return "another program"

    async def asked_elsewhere(self, job: RoutedJob, earlier: Claim | None) -> Claim | None:
        """What another program has begun and perhaps stored, unless the list was asked for it."""
        if earlier is None or earlier.remote_id:
            return None
        detail = await self.jobs.detail(job.id)
        asked = detail.attempts if detail is not None else ()
        return None if any(_is_about(a, earlier) for a in asked) else earlier

    async def settled(self, job: JobView) -> None:
        """A lost answer was found in the list: say so to the others, if the lock is free."""
        if self.claims is None:
            return
        with contextlib.suppress(EngineError):  # they will find it in the list themselves
            held = await self._take(routed(job))
            if held is not None:
                await uninterrupted(held.finish(job.id))

    async def take_over(self, job: RoutedJob, earlier: Claim) -> bool:
        """Use what another program has stored; False when it is not there any more."""
        # The client as it is now: its answer is dated.
        provider, asked_at = await self.accounts.provider(job.account), self.clock.now()
        remote = await provider.find(earlier.remote_id, job.purpose)
        if remote is None or remote.bytes != job.size:
            return False
        try:
            await self.scheduler.move(
                job,
                S.DUPLICATE,
                note=f"{self.whose(earlier)} has uploaded it",
                file_id=remote.id,
                copy=new_copy(self.accounts, job, remote, asked_at, usable=True),
            )
        except IdTakenError:
            return False  # our own record says that the id is another file's
        return True


def _is_about(attempt: Attempt, earlier: Claim) -> bool:
    return attempt.outcome == ELSEWHERE and attempt.started_at == earlier.at
