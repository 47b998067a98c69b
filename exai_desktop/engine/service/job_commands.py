"""What the user can do to jobs: pause, resume, cancel, retry, move in line, settle, remove."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from exai_desktop.core.copies.models import CopyOrigin, CopyState
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.files.files import can_be_accepted, names_of
from exai_desktop.core.jobs.jobs import (
    RESEND_MOVES,
    RETRY_MOVES,
    JobQuery,
    JobState,
    JobView,
    routed,
)
from exai_desktop.core.jobs.line import LinePlace, Spot, place_of
from exai_desktop.core.jobs.ranges import RangeOrder
from exai_desktop.core.jobs.reasons import GroupKey, group_of
from exai_desktop.core.jobs.store import IdTakenError, JobChanges, JobStore, Move, StaleJobError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.scheduling.in_hand import Intent, JobsInHand
from exai_desktop.engine.scheduling.lanes import DiskGuard
from exai_desktop.engine.scheduling.scheduler import Scheduler, error_changes
from exai_desktop.engine.upload.failures import NO_ROOM
from exai_desktop.engine.upload.stored_copies import new_copy
from exai_desktop.engine.waiting import uninterrupted

S = JobState

# One transaction each: small enough that a move of the engine never waits long behind it.
CHUNK: Final = 500

# These stand in a line: nothing of them is under way.
_AT_REST: Final = frozenset({S.WAITING, S.HELD, S.NEEDS_REVIEW})

# In line for the first stages, or in them.
_PREPARING: Final = frozenset({S.QUEUED, S.CHECKING, S.HASHING})


def can_be_retried(job: JobView) -> bool:
    """A stored job only when its file is gone at the provider."""
    is_gone = job.state in RESEND_MOVES and job.file_state is not None
    return job.state in RETRY_MOVES or is_gone


class Commands:
    def __init__(
        self,
        jobs: JobStore,
        copies: CopyStore,
        scheduler: Scheduler,
        accounts: Accounts,
        in_hand: JobsInHand,
        guard: DiskGuard,
        clock: Clock,
    ) -> None:
        self._jobs, self._copies = jobs, copies
        self._scheduler = scheduler
        self._accounts = accounts
        self._in_hand = in_hand
        self._guard = guard
        self._clock = clock

    async def _views(self, job_ids: Sequence[int]) -> list[JobView]:
        """Raises UNKNOWN_JOB when one does not exist: then nothing is done."""
        wanted = list(dict.fromkeys(job_ids))
        found: dict[int, JobView] = {}
        for start in range(0, len(wanted), CHUNK):
            page = await self._jobs.page(
                JobQuery(ids=tuple(wanted[start : start + CHUNK]), limit=-1)
            )
            found |= {view.id: view for view in page.rows}
        for job_id in wanted:
            if job_id not in found:
                raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
        return [found[job_id] for job_id in wanted]

    async def order(
        self, order: RangeOrder, job_ids: Sequence[int], reason: GroupKey | None = None
    ) -> int:
        """Do this to some jobs of a range; returns to how many. One that was removed meanwhile
        is passed over. `reason`: of the range; a consent is for nothing else."""
        try:
            return await self._order(order, job_ids, reason)
        except EngineError as error:
            if error.code is not ErrorCode.UNKNOWN_JOB:
                raise
        page = await self._jobs.page(JobQuery(ids=tuple(job_ids), limit=-1))
        left = [view.id for view in page.rows]
        return await self._order(order, left, reason) if len(left) < len(job_ids) else 0

    async def _order(
        self, order: RangeOrder, job_ids: Sequence[int], reason: GroupKey | None
    ) -> int:
        match order:
            case RangeOrder.PAUSE:
                return await self.hold(job_ids)
            case RangeOrder.RESUME:
                return await self.resume(job_ids)
            case RangeOrder.CANCEL:
                return len(await self.cancel(job_ids))
            case RangeOrder.REMOVE:
                return await self._jobs.remove(job_ids)
            case RangeOrder.SEND_ANYWAY:
                return await self._send_anyway(job_ids, reason)
        is_allowed = order is RangeOrder.ALLOW_FALLBACK
        again = await self.retry(job_ids, allow_fallback=is_allowed, accepted=(), gone=False)
        return len(again)

    async def _send_anyway(self, job_ids: Sequence[int], reason: GroupKey | None) -> int:
        """Each file for what was found in it, not for what was found in its neighbour."""
        found: dict[str, list[int]] = {}
        for view in await self._views(job_ids):
            if reason not in (None, group_of(view)):
                continue  # since the range was read: nobody was asked about this one
            if view.error is not None and can_be_accepted(view.error.code):
                found.setdefault(view.error.code, []).append(view.id)
        again = 0
        for code, ids in found.items():
            moved = await self.retry(ids, allow_fallback=False, accepted=(code,), gone=False)
            again += len(moved)
        return again

    async def _move_at_rest(
        self, views: Sequence[JobView], new: JobState, note: str, error: AppError | None
    ) -> list[int]:
        moved: list[int] = []
        changes = error_changes(error) | JobChanges(not_before=None, wait_reason=None)
        now = self._clock.now()
        for start in range(0, len(views), CHUNK):
            chunk = views[start : start + CHUNK]
            for view in chunk:
                self._scheduler.drop(view)
            try:
                done = await self._scheduler.move_many(
                    [Move(v.id, v.state, new, now, note, changes) for v in chunk]
                )
            except AppError as fault:
                self._guard.failed(fault)  # when it works again, all take their places anew
                raise
            done_ids = {view.id for view in done}
            moved += done_ids
            for view in chunk:
                if view.id not in done_ids:  # it had just begun to move: let it go on its way
                    await self._replace_in_line(view.id)
        return moved

    async def _replace_in_line(self, job_id: int) -> None:
        view = await self._jobs.get(job_id)
        if view is not None and view.state in (S.QUEUED, S.WAITING):
            self._scheduler.place(view, announce=False)

    async def _stop_running(self, views: Sequence[JobView], intent: Intent) -> list[int]:
        """Stop the tasks of these jobs and wait until each has settled its job."""
        runs = []
        for view in views:
            run = self._in_hand.runs.get(view.id)
            if run is not None and not run.all_left:
                run.stop(intent)
                runs.append((view.id, run.task))
        if runs:
            await asyncio.wait({task for _, task in runs})
        return [job_id for job_id, _ in runs]

    async def cancel(self, job_ids: Sequence[int]) -> list[int]:
        cancelled: list[int] = []
        remaining = list(job_ids)
        # A job can begin to move between the look and the deed: then look again.
        while remaining:
            stopped = await self._stop_running(await self._views(remaining), Intent.CANCEL)
            at_rest = []
            for view in await self._views(remaining):
                if view.state is S.CANCELLED and view.id in stopped:
                    cancelled.append(view.id)
                elif view.state in _AT_REST or view.state in _PREPARING:
                    at_rest.append(view)
                elif view.state in (S.SENDING, S.UNCERTAIN):
                    # Its last block has left: the provider's list will tell whether there is
                    # still something to cancel.
                    await self._jobs.request_cancel(view.id)
                    cancelled.append(view.id)
            error = AppError(ErrorCode.CANCELLED)
            note = "cancelled by the user"
            moved = set(await self._move_at_rest(at_rest, S.CANCELLED, note, error))
            cancelled += moved
            remaining = [view.id for view in at_rest if view.id not in moved]
        return cancelled

    async def reorder(self, job_ids: Sequence[int], to: LinePlace) -> list[int]:
        """Give jobs another place in the line, on disk and then in the lanes. No state changes,
        and what is under way goes on. Raises UNKNOWN_JOB, NOT_IN_LINE; then nothing is done."""
        await self._views(job_ids)
        return list(await uninterrupted(self._reorder(job_ids, to)))

    async def _reorder(self, job_ids: Sequence[int], to: LinePlace) -> tuple[int, ...]:
        done = await self._jobs.reorder(job_ids, to)
        moved = {job_id for job_id, _ in done.places}
        self._accounts.places.note(done.places)
        found = [self._accounts.lane(account.name) for account in self._accounts.all()]
        for lane in (self._scheduler.prepare, *found):
            if lane is not None:
                lane.moved(moved)
        return done.jobs

    async def reorder_many(self, job_ids: Sequence[int], *, first: bool) -> int:
        """To an end of the line, in pieces: the last piece first, if it is the front."""
        found: list[tuple[int, int]] = []
        for start in range(0, len(job_ids), CHUNK):
            wanted = tuple(job_ids[start : start + CHUNK])
            page = await self._jobs.page(JobQuery(ids=wanted, limit=-1))
            found += [(place_of(job), job.id) for job in page.rows]
        line = [job_id for _, job_id in sorted(found)]
        pieces = [line[start : start + CHUNK] for start in range(0, len(line), CHUNK)]
        to = LinePlace(Spot.FIRST if first else Spot.LAST)
        done = 0
        for piece in reversed(pieces) if first else pieces:
            done += len(await uninterrupted(self._reorder(piece, to)))
        return done

    async def hold(self, job_ids: Sequence[int]) -> int:
        remaining, held = list(job_ids), 0
        while remaining:
            stopped = await self._stop_running(await self._views(remaining), Intent.HOLD)
            found = await self._views(remaining)
            waiting = [v for v in found if v.state in _PREPARING or v.state is S.WAITING]
            moved = set(await self._move_at_rest(waiting, S.HELD, "paused by the user", None))
            held += len(moved) + sum(v.state is S.HELD and v.id in stopped for v in found)
            remaining = [view.id for view in waiting if view.id not in moved]
        return held

    async def resume(self, job_ids: Sequence[int]) -> int:
        held = [v for v in await self._views(job_ids) if v.state is S.HELD]
        self._give_another_chance(held)
        return len(await self._move_at_rest(held, S.QUEUED, "resumed", None))

    def _give_another_chance(self, views: Sequence[JobView]) -> None:
        """The user says go on: an account's known problem is tried anew."""
        known = {account.name for account in self._accounts.all()}
        for name in {v.account for v in views if v.account and v.error} & known:
            self._accounts.clear_problem(name)

    async def _all_to_retry(self, *, gone: bool) -> list[JobView]:
        if gone:
            page = await self._jobs.page(JobQuery(gone=True, descending=False, limit=-1))
            return [view for view in page.rows if view.file_state is not CopyState.DELETING]
        rows = await self._jobs.ids([S.FAILED, S.HELD])
        found = await self._views([job_id for job_id, _ in rows])
        return [v for v in found if v.state is S.FAILED or v.error is not None]

    async def retry(
        self,
        job_ids: Sequence[int] | None,
        *,
        allow_fallback: bool,
        accepted: Sequence[str],
        gone: bool,
    ) -> list[int]:
        if job_ids is None:
            views = await self._all_to_retry(gone=gone)
        else:
            views = await self._views(job_ids)
        views = [v for v in views if can_be_retried(v) or v.state is S.HELD]
        self._give_another_chance(views)
        note = f"retried; accepted: {names_of(accepted)}" if accepted else "retried"
        moved = []
        for view in views:
            changes = JobChanges(cancel_requested=False)
            if allow_fallback:
                changes["allow_fallback"] = True
            if accepted:
                changes["accepted"] = tuple(sorted({*view.accepted, *accepted}))
            try:
                await self._scheduler.move(
                    view, S.QUEUED, retry=view.state is not S.HELD, note=note, **changes
                )
            except StaleJobError:
                continue
            moved.append(view.id)
        return moved

    async def resume_account(self, name: str) -> None:
        """The account works again: what was held because of it goes on."""
        self._accounts.clear_problem(name)
        rows = await self._jobs.ids([S.HELD])
        views = await self._views([job_id for job_id, account in rows if account == name])
        held = [v for v in views if v.error is not None]
        await self._move_at_rest(held, S.QUEUED, "the account works again", None)

    async def resume_full(self, name: str) -> None:
        """There is room at the account again: what was held for want of it goes on."""
        problem = self._accounts.problem(name)
        if problem is not None and problem.code in NO_ROOM:
            self._accounts.clear_problem(name)
        rows = await self._jobs.ids([S.HELD])
        views = await self._views([job_id for job_id, account in rows if account == name])
        full = [v for v in views if v.error is not None and v.error.code in NO_ROOM]
        await self._move_at_rest(full, S.QUEUED, "the account has space again", None)

    async def settle(self, job_id: int, remote_id: str | None) -> None:
        """The user's word on a job that needs review."""
        [job] = await self._views([job_id])
        if job.state is not S.NEEDS_REVIEW:
            raise EngineError(ErrorCode.WRONG_STATE, f"job {job_id} is {job.state}")
        job = routed(job)
        if remote_id is None:
            await self._scheduler.move(job, S.WAITING, note="sent again by the user")
            return
        provider, asked_at = await self._accounts.provider(job.account), self._clock.now()
        remote = await provider.find(remote_id, job.purpose)
        if remote is None:
            raise AppError(ErrorCode.REMOTE_NOT_FOUND, remote_id)
        if remote.bytes != job.size:
            raise AppError(ErrorCode.SIZE_MISMATCH, f"{remote.bytes:,} bytes at the provider")
        known = await self._copies.by_remote_id(job.account, remote_id)
        if known is not None and known.origin is CopyOrigin.SENT:
            raise EngineError(ErrorCode.WRONG_STATE, f"{remote_id} belongs to another file")
        copy = new_copy(self._accounts, job, remote, asked_at, usable=True)
        try:
            await self._scheduler.move(
                job, S.DONE, note="the user chose this file", file_id=remote.id, copy=copy
            )
        except IdTakenError as taken:
            raise EngineError(ErrorCode.WRONG_STATE, taken.detail) from taken
