"""Between a lane and its provider: a file is let through, turned away, or sent elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from exai_desktop.core.accounts.accounts import Phase
from exai_desktop.core.accounts.breaker import Verdict
from exai_desktop.core.accounts.delays import WINDOW_S
from exai_desktop.core.accounts.health import Check
from exai_desktop.core.copies.provider import FileProvider, TellsRate
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView, TransferError
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.engine.accounts.breakers import Permit
from exai_desktop.engine.accounts.limiter import LOWERED_S
from exai_desktop.engine.context import Context
from exai_desktop.engine.waiting import uninterrupted

S = JobState

# A probe of the program's own comes before a file is risked.
PROBE_FIRST_S = 5.0


class Passage:
    """One attempt that was let through. What it has shown is told once."""

    def __init__(self, ctx: Context, permit: Permit) -> None:
        self._ctx = ctx
        self._permit = permit
        self._is_told = False

    async def ended(self, error: TransferError | None) -> None:
        """The provider's answer, or what came instead of it; None: the file is there."""
        verdict = self._ctx.breakers.verdict(self._permit.account, error)
        await self._tell(verdict, error.code.value if error else "")

    async def _tell(self, verdict: Verdict, cause: str = "") -> None:
        self._is_told = True
        await uninterrupted(self._ctx.breakers.record(self._permit, verdict, cause))

    async def left(self) -> None:
        """Whatever happened: a probe that has shown nothing lets the next one go."""
        if not self._is_told:
            await self._tell(Verdict.NEUTRAL)


@asynccontextmanager
async def admitted(ctx: Context, job: JobView) -> AsyncIterator[Passage | None]:
    """The way to the provider; None: its account is left alone, the job stands in line again."""
    assert job.account
    permit = await ctx.breakers.admit(job.account)
    if permit.until is not None:
        lane = ctx.accounts.lane(job.account)
        if lane is not None:
            lane.put(job.id)
            # As it is now: the probe that this one would wait for may have ended meanwhile.
            steer_lane(ctx, job.account)
            ctx.scheduler.on_waiting(job)
        yield None
        return
    passage = Passage(ctx, permit)
    try:
        yield passage
    finally:
        await passage.left()


async def paced(ctx: Context, job: JobView, account: str) -> None:
    """Wait until the account's tier allows one more upload; whoever looks on is told why."""
    limiter = ctx.accounts.limiter(account)
    wait_s = limiter.wait_s()
    if wait_s > 1:
        reason = f"{limiter.per_minute} uploads a minute at this account"
        until = ctx.clock.now() + wait_s
        ctx.scheduler.announce(replace(job, not_before=until, wait_reason=reason))
    await limiter.acquire()
    await _fleets_turn(ctx, job, account)


async def _fleets_turn(ctx: Context, job: JobView, account: str) -> None:
    """The same limit over all machines; without an answer from the fleet the own one alone."""
    most = ctx.accounts.limiter(account).per_minute
    while ctx.turns is not None and most:
        try:
            wait_s = await ctx.turns.take(ctx.accounts.identity(account), most, WINDOW_S)
        except EngineError as error:
            ctx.breakers.on_fleet(error)
            return
        if wait_s <= 0:
            return
        if wait_s > 1:
            reason = f"{most} uploads a minute at this account, over all machines"
            until = ctx.clock.now() + wait_s
            ctx.scheduler.announce(replace(job, not_before=until, wait_reason=reason))
        await ctx.clock.sleep(wait_s)


def throttled(ctx: Context, account: str, until: float) -> None:
    """The provider has asked to wait, and found the pace too fast."""
    lane = ctx.accounts.lane(account)
    if lane is not None:
        lane.close_until(until)
        lane.narrow(LOWERED_S)
        ctx.accounts.limiter(account).lower()


def heed_rate(ctx: Context, account: str, provider: FileProvider) -> None:
    """The limit is used up by the provider's own count: nothing is begun until it says so."""
    lane = ctx.accounts.lane(account)
    wait_s = provider.unwelcome_s if isinstance(provider, TellsRate) else 0.0
    if lane is not None and wait_s > 0:
        lane.close_until(ctx.clock.now() + wait_s, by="rate")


def pace_s(ctx: Context, account: str, more: int = 0) -> float:
    """Seconds until the last upload that waits at the account may begin, by its limit alone.

    `more`: so many behind those that wait now.
    """
    lane, limiter = ctx.accounts.lane(account), ctx.accounts.limiter(account)
    return limiter.wait_s((len(lane) if lane else 0) + limiter.waiting + more)


def steer_lane(ctx: Context, account: str) -> None:
    """Close or open an account's lane as its breaker says."""
    lane = ctx.accounts.lane(account)
    if lane is None:
        return
    lane.open(by="breaker")
    until = ctx.breakers.until(account)
    if until is not None:
        is_open = ctx.breakers.phase(account) is Phase.OPEN
        lane.close_until(until + (PROBE_FIRST_S if is_open else 0.0), by="breaker")


def shown(ctx: Context, view: JobView) -> JobView:
    """A waiting job with the reason why it does not go on, if that is its account's breaker."""
    if view.state is not S.WAITING or view.account is None:
        return view
    error = ctx.breakers.error(view.account)
    if error is None:
        return view
    if view.allow_fallback or ctx.settings.allow_fallback:
        names = [account.name for account in ctx.accounts.all()]
        if len(names) > 1 and len(ctx.breakers.paused(names)) == len(names):
            error = AppError(
                ErrorCode.ALL_PROVIDERS_UNAVAILABLE, error.detail, retry_after=error.retry_after
            )
    until = ctx.clock.now() + (error.retry_after or 0.0)
    return replace(view, error=ErrorView.of(error), not_before=until, wait_reason=error.title)


def _noted(
    ctx: Context, account: str, began: float, error: TransferError | None, *, fault: bool
) -> None:
    took_s = ctx.clock.monotonic() - began
    ctx.health.note(account, Check.QUESTION, took_s, error, fault=fault)


async def ask(ctx: Context, account: str, *, wanted: bool = False) -> int:
    """One cheap question to the provider, which also tells the breaker how it is.

    Returns how many files are there for the account's first purpose. Raises the `AppError` of a
    provider that does not answer, CIRCUIT_BREAKER_OPEN when it must not be asked now. `wanted`:
    by the user, whatever the wait.
    """
    provider = await ctx.accounts.provider(account)
    purpose = ctx.accounts.first_purpose(account)
    permit = await ctx.breakers.admit(account, wanted=wanted)
    if permit.until is not None:
        raise AppError(ErrorCode.CIRCUIT_BREAKER_OPEN, account)
    passage, began = Passage(ctx, permit), ctx.clock.monotonic()
    try:
        files = await provider.list(purpose)
    except TransferError as error:
        # Whatever it says, it answers: that is what is asked.
        answered = error.status is not None and error.is_answer
        fault = not answered and ctx.breakers.verdict(account, error) is Verdict.FAULT
        _noted(ctx, account, began, error, fault=fault)
        await passage.ended(None if answered else error)
        raise
    else:
        _noted(ctx, account, began, None, fault=False)
        await passage.ended(None)
        return len(files)
    finally:
        await passage.left()
