"""The one place where a job changes state: rule, disk, lane, announcement, in this order.

Also keeps what goes with it: which lane a job stands in, who waits for whom, and how a batch
ended. All calls are made in the engine's loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final, Unpack

from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.events import BatchFinished, EventBus, JobChanged, JobsAdded
from exai_desktop.core.files.files import SMALL
from exai_desktop.core.jobs.jobs import FINAL, IN_FLIGHT, Attempt, JobState, JobView, check_move
from exai_desktop.core.jobs.store import JobChanges, JobStore, Move, Step
from exai_desktop.core.machine import Clock
from exai_desktop.core.routing.routing import Limits
from exai_desktop.engine.scheduling.lanes import Lane
from exai_desktop.engine.scheduling.passed_states import NOT_WAITING, LastWritten, PassedStates
from exai_desktop.engine.waiting import uninterrupted

S = JobState

UNDECIDED: Final = "the same file, or one very similar, needs your decision first"


class Parking:
    """`line_up` puts a job back into its lane, `announce` tells of what is known in memory only."""

    def __init__(
        self, line_up: Callable[[JobView], None], announce: Callable[[JobView], None]
    ) -> None:
        self._line_up = line_up
        self._announce = announce
        self._behind: dict[int, list[JobView]] = {}
        self._undecided: set[int] = set()

    def put(self, job: JobView, behind: int) -> None:
        self._behind.setdefault(behind, []).append(job)
        if behind in self._undecided:
            self._tell(job)

    def wake(self, job_id: int) -> None:
        """The one they waited for has left the provider's hands."""
        for job in self._behind.pop(job_id, ()):
            self._line_up(job)

    def note(self, job_id: int, *, undecided: bool) -> None:
        """Whether only the user can settle this job: whoever is behind it waits for that."""
        if not undecided:
            self._undecided.discard(job_id)
        elif job_id not in self._undecided:
            self._undecided.add(job_id)
            for job in self._behind.get(job_id, ()):
                self._tell(job)

    def _tell(self, job: JobView) -> None:
        # Not a move: the state stays, but whoever looks on is told why nothing happens.
        error = ErrorView.of(AppError(ErrorCode.REVIEW_NEEDED, UNDECIDED))
        self._announce(replace(job, error=error, wait_reason=UNDECIDED))


# Nothing more happens to these by itself: a batch of them is over.
SETTLED: Final = FINAL | {S.HELD, S.NEEDS_REVIEW}


def error_changes(error: AppError | None) -> JobChanges:
    """The columns that hold an error; None clears them."""
    if error is None:
        return JobChanges(error_code=None, error_detail=None, error_retry_after=None)
    return JobChanges(
        error_code=error.code.value,
        error_detail=error.detail[:500],
        error_retry_after=error.retry_after,
    )


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told by the scheduler, in the engine's loop.

    `uncertain`: a job became uncertain. `waiting`: a job waits for its account. `shown`: a job
    as it is announced, which may say more than the disk: why its account is paused.
    """

    uncertain: Callable[[JobView], None] = lambda _: None
    waiting: Callable[[JobView], None] = lambda _: None
    shown: Callable[[JobView], JobView] = lambda view: view


class Scheduler:
    """`lane_of` names the lane of an account, None when there is no such account any more."""

    def __init__(
        self,
        store: JobStore,
        bus: EventBus,
        clock: Clock,
        prepare: Lane,
        lane_of: Callable[[str], Lane | None],
        listeners: Listeners,
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self.prepare = prepare
        self._lane_of = lane_of
        self._parking = Parking(self._line_up, self.announce)
        self._in_flight: dict[tuple[str | None, str | None, int], int] = {}
        self._reserved: dict[tuple[str | None, str | None, int], int] = {}
        self._keys: dict[int, tuple[str | None, str | None, int]] = {}
        self._open: dict[int, set[int]] = {}
        self._ended: dict[int, Counter[JobState]] = {}
        self._scanning: set[int] = set()
        self._passed = PassedStates()
        self._written = LastWritten()
        self._listeners = listeners

    # -- batches

    def batch_opened(self, batch_id: int) -> None:
        self._scanning.add(batch_id)
        self._open[batch_id] = set()
        self._ended[batch_id] = Counter()

    def admit(self, batch_id: int, views: Sequence[JobView]) -> None:
        """Line up what `JobStore.add_jobs` has put on disk, and announce it."""
        self._bus.publish(JobsAdded(batch_id, tuple(views)))
        for view in views:
            if view.state is S.QUEUED:
                self._open[batch_id].add(view.id)
                self.prepare.put(view.id)
            else:
                self._ended[batch_id][view.state] += 1

    def batch_scanned(self, batch_id: int) -> None:
        self._scanning.discard(batch_id)
        self._finish_batch(batch_id)

    def _count(self, view: JobView) -> None:
        open_jobs = self._open.get(view.batch_id)
        if open_jobs is None or view.id not in open_jobs or view.state not in SETTLED:
            return
        open_jobs.discard(view.id)
        self._ended[view.batch_id][view.state] += 1
        self._finish_batch(view.batch_id)

    def _finish_batch(self, batch_id: int) -> None:
        if batch_id in self._scanning or self._open.get(batch_id) != set():
            return
        del self._open[batch_id]
        ended = self._ended.pop(batch_id)
        self._bus.publish(
            BatchFinished(
                batch_id,
                done=ended[S.DONE],
                duplicate=ended[S.DUPLICATE],
                refused=ended[S.REFUSED],
                failed=ended[S.FAILED],
                cancelled=ended[S.CANCELLED],
                review=ended[S.NEEDS_REVIEW] + ended[S.HELD],
            )
        )

    # -- moves

    async def move(
        self,
        job: JobView,
        new: JobState,
        *,
        note: str = "",
        error: AppError | None = None,
        attempt: Attempt | None = None,
        copy: NewCopy | None = None,
        limits: Limits | None = None,
        retry: bool = False,
        **changes: Unpack[JobChanges],
    ) -> JobView:
        """Move one job. Raises what `JobStore.apply` raises; then nothing has happened."""
        check_move(job.state, new, retry=retry)
        values = error_changes(error) | NOT_WAITING | changes
        now = self._clock.now()
        move = Move(job.id, job.state, new, now, note, values, attempt, copy, limits)
        return await uninterrupted(self._carry_out(self._passed.before(move)))

    async def _carry_out(self, move: Move) -> JobView:
        with self._written.writing([move]):
            view = await self._store.apply(move)
            self._written.note(view)
        self._passed.forget(move.job_id)
        self.place(view)
        return view

    def followed(self, job_id: int) -> AbstractContextManager[Callable[[], JobView | None]]:
        """In the block, the function tells the job as it was written last in it.

        None: nothing was written, or nobody knows what. Then the record must be asked.
        """
        return self._written.followed(job_id)

    async def pass_through(
        self,
        job: JobView,
        new: JobState,
        *,
        note: str = "",
        attempt: Attempt | None = None,
        **changes: Unpack[JobChanges],
    ) -> JobView:
        """Move a small job on without a write of its own: it is written with the next move.

        For a state that is over in a moment. A crash leaves the job where it is on disk: nothing
        may have been done meanwhile that this would not be true for. Whoever ends the work on
        the job calls `forget_passed`.
        """
        if job.size > SMALL:
            return await self.move(job, new, note=note, attempt=attempt, **changes)
        check_move(job.state, new)
        values = error_changes(None) | NOT_WAITING | changes
        view = self._passed.add(job, Step(new, self._clock.now(), note, attempt), values)
        self.place(view)
        return view

    async def write_passed(self, job: JobView) -> None:
        """Write the states that a job has passed through, if there are any."""
        move = self._passed.as_move(job.id)
        if move is not None:
            await uninterrupted(self._carry_out(move))

    def forget_passed(self, job_id: int, since: JobState) -> None:
        """What was passed through since this state was written did not happen.

        Another stage may be at the job already: what it has passed through stays.
        """
        self._passed.forget(job_id, since)

    async def move_many(self, moves: Sequence[Move]) -> list[JobView]:
        """Many jobs in one transaction; a job that has moved meanwhile is left out."""
        for move in moves:
            check_move(move.old, move.new)
        return await uninterrupted(self._carry_out_many(moves))

    async def _carry_out_many(self, moves: Sequence[Move]) -> list[JobView]:
        with self._written.writing(moves):
            views = await self._store.apply_many(moves)
            for view in views:
                self._written.note(view)
        for view in views:
            self._passed.forget(view.id)
            self.place(view)
        return views

    def place(self, view: JobView, *, announce: bool = True) -> None:
        """Put a job into the line its state on disk calls for, and say so."""
        self.prepare.places.see(view)
        if view.state is S.QUEUED:
            self.prepare.put(view.id, self._due(view))
        elif view.state is S.WAITING and view.account:
            if (lane := self._lane_of(view.account)) is not None:
                lane.put(view.id, self._due(view))
                self.waits(view)
        elif view.state is S.UNCERTAIN:
            self._listeners.uncertain(view)
        self._note_in_flight(view)
        if announce:
            self.announce(view)
        self._count(view)

    def _due(self, view: JobView) -> float | None:
        """When it may go on: a clock set back meanwhile makes no wait longer than it was meant."""
        if view.not_before is None:
            return None
        meant_s = view.not_before - view.updated_at
        return min(view.not_before, self._clock.now() + max(0.0, meant_s))

    def announce(self, view: JobView) -> None:
        """Tell of something that is only known in memory."""
        self._bus.publish(JobChanged(self._listeners.shown(view)))

    def shown(self, view: JobView) -> JobView:
        """A job as it is announced, which may be further than it is on disk."""
        return self._listeners.shown(self.now(view))

    def now(self, on_disk: JobView) -> JobView:
        """The job with the states that it has passed through since it was written."""
        return self._passed.now(on_disk)

    def waits(self, view: JobView) -> None:
        """It came to its account's line, or back to it."""
        self._listeners.waiting(view)

    def drop(self, view: JobView) -> None:
        """Take a job out of every line."""
        self.prepare.drop(view.id)
        lane = self._lane_of(view.account) if view.account else None
        if lane is not None:
            lane.drop(view.id)

    def reserve_name(self, job: JobView) -> int | None:
        """Claim this name and size at the account, or name the job that holds them.

        Two files that the provider's list could not tell apart are never in flight together:
        with both answers lost, their ids could be swapped. Give it back with `release_name`.
        """
        key = (job.account, job.sent_name, job.size)
        holder = self._in_flight.get(key, self._reserved.get(key))
        if holder is not None and holder != job.id:
            return holder
        self._reserved[key] = job.id
        return None

    def release_name(self, job: JobView) -> None:
        key = (job.account, job.sent_name, job.size)
        if self._reserved.get(key) == job.id:
            del self._reserved[key]
            if self._in_flight.get(key) != job.id:
                self._parking.wake(job.id)

    def accounts_in_flight(self) -> list[str]:
        """The account of every job whose bytes are on their way or may be at the provider."""
        return [account for account, _, _ in self._in_flight if account]

    def _note_in_flight(self, view: JobView) -> None:
        self._parking.note(view.id, undecided=view.state is S.NEEDS_REVIEW)
        if view.state in IN_FLIGHT:
            key = (view.account, view.sent_name, view.size)
            self._in_flight[key] = view.id
            self._keys[view.id] = key
            return
        # By its own key: a job that goes on to another account has changed the rest.
        old = self._keys.pop(view.id, None)
        if old is not None and self._in_flight.get(old) == view.id:
            del self._in_flight[old]
        if view.id not in self._reserved.values():
            self._parking.wake(view.id)

    def _line_up(self, job: JobView) -> None:
        lane = self._lane_of(job.account) if job.account else None
        if lane is not None:
            lane.put(job.id)

    def park(self, job: JobView, behind: int) -> None:
        """Let a job wait until another has left the provider's hands."""
        self._parking.put(job, behind)
        if behind not in (*self._in_flight.values(), *self._reserved.values()):
            # It was settled between the refusal and now: nobody else would wake this job.
            self._parking.wake(behind)
