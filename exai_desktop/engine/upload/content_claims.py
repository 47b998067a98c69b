"""Other programs of this user on the same account: one sends a content, the others see it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.claims import Claim, ClaimKey, ClaimLostError, Hold
from exai_desktop.core.jobs.models import Attempt, JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.engine.context import Context
from exai_desktop.engine.upload.confirm import new_copy
from exai_desktop.engine.waiting import uninterrupted

log = logging.getLogger(__name__)

T = TypeVar("T")
S = JobState

# The outcome of an attempt that was not made because another program may have made it.
ELSEWHERE: Final = "perhaps sent by another program"

# In these the bytes may be at the provider although nobody has its word for it.
_OPEN: Final = frozenset({S.SENDING, S.UNCERTAIN, S.NEEDS_REVIEW})
_STORED: Final = frozenset({S.CONFIRMING, S.DONE, S.FAILED})


def _key(ctx: Context, job: JobView) -> ClaimKey:
    assert job.account and job.purpose and job.sha256
    account = ctx.accounts.get(job.account)
    return ClaimKey(account.base_url, account.key_fingerprint, job.purpose, job.sha256)


class Held:
    """The content is ours for now; `earlier` is what another program has noted of it."""

    def __init__(self, ctx: Context, hold: Hold | None, begun: Claim | None) -> None:
        self._ctx = ctx
        self._hold = hold
        self._begun = begun
        self._has_begun = False
        self.earlier = hold.earlier if hold is not None else None

    @property
    def is_ours(self) -> bool:
        """Asked before each block leaves: a lease may have run out meanwhile."""
        return self._hold is None or self._hold.is_ours

    async def begin(self) -> None:
        """Note, before the first byte, that we are sending it."""
        if self._hold is not None:
            self._has_begun = True
            await _in_thread(self._ctx, lambda: self._note(self._begun))

    async def finish(self, job_id: int) -> None:
        """Leave a note of how it stands, or none when nothing can have been stored."""
        if self._hold is None:
            return
        try:
            job = await self._ctx.jobs.get(job_id)
            if job is not None and (self._has_begun or job.state is S.DONE):
                claim = _claim_for(job, self._begun)
                if claim != self._begun or not self._has_begun:
                    await _in_thread(self._ctx, lambda: self._note(claim))
        except EngineError as error:
            # The note says "begun", or another machine has written a newer one: whoever reads
            # it asks the provider's list.
            log.warning("a content's note was not written: %s", error)
        finally:
            await self._ctx.read(self._hold.release)

    def _note(self, claim: Claim | None) -> None:
        assert self._hold is not None
        self._hold.note(claim)


def _claim_for(job: JobView, begun: Claim | None) -> Claim | None:
    if job.state in _STORED and job.file_id and begun is not None:
        return begun.model_copy(update={"remote_id": job.file_id})
    return begun if job.state in _OPEN else None


async def _take(ctx: Context, job: JobView) -> Held | None:
    if ctx.claims is None:
        return Held(ctx, None, None)
    claims, key = ctx.claims, _key(ctx, job)
    hold = await uninterrupted(_in_thread(ctx, lambda: claims.hold(key)))
    begun = Claim(
        owner=claims.owner, sent_name=job.sent_name or "", size=job.size, at=ctx.clock.now()
    )
    return None if hold is None else Held(ctx, hold, begun)


async def _in_thread(ctx: Context, call: Callable[[], T]) -> T:
    try:
        return await ctx.read(call)
    except ClaimLostError as error:
        raise EngineError(ErrorCode.CONCURRENT_UPLOAD, "its lease has run out") from error
    except OSError as error:
        # Without the lock a second program could send the same: better not at all.
        raise EngineError(
            ErrorCode.DATABASE_ERROR, f"the folder of content locks: {error.strerror}"
        ) from error


@asynccontextmanager
async def claimed(ctx: Context, job: JobView) -> AsyncIterator[Held]:
    """Hold the content while it is sent; what became of the job is noted at the end.

    Raises CONCURRENT_UPLOAD when another program holds it.
    """
    held = await _take(ctx, job)
    if held is None:
        raise EngineError(ErrorCode.CONCURRENT_UPLOAD)
    try:
        yield held
    finally:
        await uninterrupted(held.finish(job.id))


async def asked_elsewhere(ctx: Context, job: JobView, earlier: Claim | None) -> Claim | None:
    """What another program has begun and perhaps stored, unless the list was asked for it."""
    if earlier is None or earlier.remote_id:
        return None
    detail = await ctx.jobs.detail(job.id)
    asked = detail.attempts if detail is not None else ()
    return None if any(_is_about(a, earlier) for a in asked) else earlier


def _is_about(attempt: Attempt, earlier: Claim) -> bool:
    return attempt.outcome == ELSEWHERE and attempt.started_at == earlier.at


async def settled(ctx: Context, job: JobView) -> None:
    """A lost answer was found in the list: say so to the others, if the lock is free."""
    if ctx.claims is None:
        return
    with contextlib.suppress(EngineError):  # they will find it in the list themselves
        held = await _take(ctx, job)
        if held is not None:
            await uninterrupted(held.finish(job.id))


async def take_over(ctx: Context, job: JobView, earlier: Claim, provider: FileProvider) -> bool:
    """Use what another program has stored; False when it is not there any more."""
    assert job.purpose
    remote = await provider.find(earlier.remote_id, job.purpose)
    if remote is None or remote.bytes != job.size:
        return False
    await ctx.scheduler.move(
        job,
        S.DUPLICATE,
        note="another program on this computer has sent it",
        file_id=remote.id,
        copy=new_copy(ctx, job, remote, usable=True),
    )
    return True
