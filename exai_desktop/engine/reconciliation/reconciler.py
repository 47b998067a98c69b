"""Settling uncertain jobs by the provider's own list: never by guessing, never by sending again.

What the list says is judged in `reconcile_plan`; here is the waiting, asking and applying.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from exai_desktop.core.accounts import delays
from exai_desktop.core.copies.models import CopyOrigin, RemoteFile, RemoteStatus
from exai_desktop.core.copies.provider import TellsTime
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.files.names import is_renamed_twin, sent_name
from exai_desktop.core.jobs.models import JobView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.store import StaleJobError
from exai_desktop.engine.context import Context
from exai_desktop.engine.disk_guard import LOOK_EVERY_S
from exai_desktop.engine.reconciliation.list_matching import Finding, Suspect, Verdict, plan
from exai_desktop.engine.upload import content_claims, recovered_record
from exai_desktop.engine.upload.confirm import new_copy
from exai_desktop.engine.upload.failures import error_of
from exai_desktop.engine.waiting import Wakeup

log = logging.getLogger(__name__)

S = JobState

# Their own answer may still come.
UNDER_WAY: Final = (S.SENDING, S.UNCERTAIN)

# An absence is believed when it was seen twice, a settle time apart.
LOOKS_NEEDED: Final = 2

# After so many lists that could not be had, the user is asked.
FAILURES_ALLOWED: Final = 10

# The user can mend these without a decision about the file.
_MAY_PASS: Final = (ErrorCode.CREDENTIAL_STORE_LOCKED, ErrorCode.CREDENTIAL_STORE_UNAVAILABLE)


class Reconciler:
    """One task for all accounts; jobs come in by `add` whenever one becomes uncertain."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._due: list[tuple[float, int]] = []
        self._changed = Wakeup(ctx.clock)
        self._when: dict[int, float] = {}
        self._looks: Counter[int] = Counter()
        self._failures: Counter[str] = Counter()

    def add(self, job: JobView) -> None:
        """`not_before` of the job is when its settle time is over."""
        now = self._ctx.clock.now()
        self._looks.pop(job.id, None)
        due = job.not_before or now
        # A clock set back meanwhile makes no wait longer than it was meant.
        self._push(job.id, max(0.0, min(due - now, due - job.updated_at)))

    def _push(self, job_id: int, delay_s: float) -> None:
        """A job has one place in line, its latest: two looks must be a settle time apart."""
        when = self._ctx.clock.monotonic() + delay_s
        self._when[job_id] = when
        heapq.heappush(self._due, (when, job_id))
        self._changed.set()

    def _take_due(self) -> set[int]:
        now = self._ctx.clock.monotonic()
        ids: set[int] = set()
        while self._due and self._due[0][0] <= now:
            when, job_id = heapq.heappop(self._due)
            if self._when.get(job_id) == when:
                del self._when[job_id]
                ids.add(job_id)
        return ids

    async def run(self) -> None:
        while True:
            self._changed.clear()
            ids = self._take_due()
            if ids:
                try:
                    await self._settle(ids)
                except AppError as error:
                    self._later(ids, error)
                continue
            wait_s = self._due[0][0] - self._ctx.clock.monotonic() if self._due else None
            await self._changed.wait(None if wait_s is None else max(0.0, wait_s))

    def _later(self, ids: set[int], error: AppError) -> None:
        """The record could not be read or written: nothing is known, so nothing is settled."""
        log.warning("uncertain jobs wait for the database: %s", error.code)
        self._ctx.guard.failed(error)
        for job_id in ids:
            self._push(job_id, max(self._ctx.settings.settle_s, LOOK_EVERY_S))

    async def _settle(self, ids: set[int]) -> None:
        by_list: dict[tuple[str, str], list[Suspect]] = {}
        for job_id in sorted(ids):
            suspect = await self._suspect(job_id)
            if suspect is not None and suspect.job.state is S.UNCERTAIN:
                key = (suspect.job.account or "", suspect.job.purpose or "")
                by_list.setdefault(key, []).append(suspect)
        for (account, purpose), suspects in by_list.items():
            try:
                await self._settle_account(account, purpose, suspects)
            except EngineError:
                raise  # our own record failed, not the provider's list
            except AppError as error:
                await self._list_failed(account, suspects, error)

    async def _settle_account(self, account: str, purpose: str, suspects: list[Suspect]) -> None:
        provider = await self._ctx.accounts.provider(account)
        listed = await provider.list(purpose)
        clock = provider.clock_offset_s if isinstance(provider, TellsTime) else None
        suspects = [await self._dated(suspect, clock) for suspect in suspects]
        self._failures.pop(account, None)
        copies = await self._ctx.copies.of_account(account)
        # One found or imported is nobody's: it may be the one that is looked for.
        known = {copy.remote_id for copy in copies if copy.origin is CopyOrigin.SENT}
        known |= await self._claimed_ids(account)
        unknown = [r for r in listed if r.id not in known]
        due = {suspect.job.id for suspect in suspects}
        others = [s for s in await self._suspects(account, UNDER_WAY) if s.job.id not in due]
        under_way = [await self._dated(suspect, clock) for suspect in others]
        skew_s = self._ctx.settings.clock_skew_s
        for finding in plan(suspects, unknown, skew_s, under_way):
            await self._apply(finding)

    async def _suspects(self, account: str, in_states: Sequence[JobState]) -> list[Suspect]:
        rows = await self._ctx.jobs.ids(in_states)
        found = [await self._suspect(job_id) for job_id, name in rows if name == account]
        return [suspect for suspect in found if suspect is not None]

    async def _suspect(self, job_id: int) -> Suspect | None:
        detail = await self._ctx.jobs.detail(job_id)
        if detail is None:
            return None
        return Suspect(detail.view, await recovered_record.began(self._ctx, detail))

    async def _dated(self, suspect: Suspect, clock_offset_s: float | None) -> Suspect:
        """By the provider's clock. Ours was wrong if it seems to have begun after the list."""
        detail = await self._ctx.jobs.detail(suspect.job.id)
        then = detail.attempts[-1].clock_offset_s if detail and detail.attempts else None
        now_s = clock_offset_s or 0.0
        began_at = suspect.started_at + (now_s if then is None else then)
        listed_at = self._ctx.clock.now() + now_s
        return Suspect(suspect.job, began_at, began_at > listed_at + 1)

    async def _claimed_ids(self, account: str) -> set[str]:
        """Ids that jobs hold which have their answer but not their record yet."""
        confirming = await self._ctx.jobs.ids([S.CONFIRMING])
        views = [await self._ctx.jobs.get(i) for i, name in confirming if name == account]
        return {view.file_id for view in views if view is not None and view.file_id}

    async def _apply(self, finding: Finding) -> None:
        job = finding.job
        if finding.verdict is Verdict.ADOPT and finding.remote is not None:
            doubt = await why_doubtful(self._ctx, job, finding.remote)
            if doubt is not None:
                await self._ask_the_user(job, doubt)
                return
            await self._adopt(job, finding.remote, finding.others)
        elif finding.verdict is Verdict.LATER:
            self._push(job.id, self._ctx.settling.seconds(job.account))
        elif finding.verdict is Verdict.AMBIGUOUS:
            await self._ask_the_user(job, f"{finding.others} files there could be this one")
        else:
            self._looks[job.id] += 1
            if self._looks[job.id] < LOOKS_NEEDED:
                self._push(job.id, self._ctx.settling.seconds(job.account))
                return
            del self._looks[job.id]
            await self._send_again(job)

    async def _ask_the_user(self, job: JobView, detail: str) -> None:
        error = AppError(ErrorCode.REVIEW_NEEDED, detail)
        await self._ctx.scheduler.move(job, S.NEEDS_REVIEW, error=error, note=detail)

    async def _send_again(self, job: JobView) -> None:
        """With the reason it was lost for, and a growing wait: it may be lost again."""
        ctx = self._ctx
        await ctx.scheduler.move(
            job,
            S.WAITING,
            note="not in the provider's list: sent again",
            error=error_of(job),
            sent_name=sent_name(job.path),
            not_before=ctx.clock.now() + delays.retry_delay(max(1, job.attempts), ctx.random()),
        )

    async def _adopt(self, job: JobView, remote: RemoteFile, others: int) -> None:
        self._looks.pop(job.id, None)
        await self._learn(job, remote)
        notes = ["found in the provider's list"]
        if others:
            notes.append(f"{others} more of this name and size there")
        if job.cancel_requested:
            notes.append("it was stored before the cancel")
        usable = remote.status is not RemoteStatus.ERROR
        done = await self._ctx.scheduler.move(
            job,
            S.DONE,
            note="; ".join(notes),
            file_id=remote.id,
            copy=new_copy(self._ctx, job, remote, usable=usable),
        )
        await content_claims.settled(self._ctx, done)

    async def _learn(self, job: JobView, remote: RemoteFile) -> None:
        """It was stored so long after we had lost sight of it."""
        detail = await self._ctx.jobs.detail(job.id)
        lost_at = detail.attempts[-1].ended_at if detail and detail.attempts else None
        if lost_at is not None:
            self._ctx.settling.learn(job.account or "", [remote.created_at - lost_at])

    async def _list_failed(self, account: str, suspects: list[Suspect], error: AppError) -> None:
        """Ask again later; when the list cannot be had at all, the user decides."""
        self._failures[account] += 1
        tries = self._failures[account]
        hopeless = tries > FAILURES_ALLOWED or (
            error.outcome in (Outcome.REJECTED, Outcome.LOCAL) and error.code not in _MAY_PASS
        )
        log.warning("list of %s failed (%d): %s", account, tries, error.code)
        for suspect in suspects:
            if hopeless:
                review = AppError(ErrorCode.REVIEW_NEEDED, str(error))
                with contextlib.suppress(StaleJobError):
                    await self._ctx.scheduler.move(suspect.job, S.NEEDS_REVIEW, error=review)
            else:
                wait_s = delays.retry_delay(tries, self._ctx.random(), error.retry_after)
                self._push(suspect.job.id, wait_s)
                # Not a move: the state stays, but whoever looks on is told why nothing happens.
                self._ctx.scheduler.announce(
                    replace(
                        suspect.job,
                        error=ErrorView.of(error),
                        not_before=self._ctx.clock.now() + wait_s,
                        wait_reason="the provider's list cannot be had",
                    )
                )


async def why_doubtful(ctx: Context, job: JobView, remote: RemoteFile) -> str | None:
    """The reason to ask the user before the file is taken for this job's; None: it is its own."""
    if await recovered_record.is_doubtful(ctx, job, remote):
        return f"{remote.id} has its name and size, perhaps not its content"
    for lost in await ctx.jobs.given_up(job.account or "", job.size):
        # The provider may have stored it after it was given up: nothing else tells the two apart.
        if lost.sha256 != job.sha256 and is_renamed_twin(lost.sent_name, remote.name):
            return f"{remote.id} could be an earlier file of this name and size, stored late"
    return None
