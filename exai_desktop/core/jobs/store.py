"""Where the record keeps jobs: what changes in one transaction, and what is asked."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypedDict

from exai_desktop.core.copies.models import Copy
from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.jobs.jobs import (
    AddOptions,
    Attempt,
    JobDetail,
    JobPage,
    JobQuery,
    JobState,
    JobView,
    NewJob,
    QueueSummary,
)
from exai_desktop.core.jobs.line import LinePlace, Reordered
from exai_desktop.core.jobs.ranges import FileIds, JobRange, RangeOrder
from exai_desktop.core.routing.routing import Limits, Room, Usage


class JobChanges(TypedDict, total=False):
    """Columns of a job that a move may set along with the state. None clears a column."""

    allow_fallback: bool
    accepted: tuple[str, ...]
    judged: str | None
    provider: str | None
    account: str | None
    purpose: str | None
    size: int
    mtime_ns: int | None
    device: int | None
    inode: int | None
    sha256: str | None
    sent_name: str | None
    route_reason: str | None
    transport: str | None
    attempts: int
    not_before: float | None
    wait_reason: str | None
    cancel_requested: bool
    file_id: str | None
    twin_of: int | None
    error_code: str | None
    error_detail: str | None
    error_retry_after: float | None
    finished_at: float | None
    scan_verdict: str | None
    scan_detail: str | None
    scan_engine: str | None
    scan_database: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A state that a job passed through before it was written."""

    new: JobState
    at: float
    note: str = ""
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One change of state with all that belongs to it: one transaction, all or nothing.

    `passed`: the states between `old`, which is on disk, and `new`. `changes` are of all of them.
    """

    job_id: int
    old: JobState
    new: JobState
    at: float
    note: str = ""
    changes: JobChanges = field(default_factory=JobChanges)
    # A new attempt (number not yet there), or the end of the one with this number.
    attempt: Attempt | None = None
    copy: NewCopy | None = None
    # A move into *sending* that would leave less than no room at the account is refused.
    limits: Limits | None = None
    passed: tuple[Step, ...] = ()

    def stages(self) -> Iterator[Move]:
        """Each single change of state, in order."""
        old = self.old
        for step in self.passed:
            yield Move(self.job_id, old, step.new, step.at, step.note, attempt=step.attempt)
            old = step.new
        yield replace(self, old=old, passed=())


class StaleJobError(Exception):
    """The job is not in the state the move starts from: somebody else moved it first."""


class TwinInFlightError(Exception):
    """Another job is sending the same content to the same account and purpose."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id)
        self.job_id = job_id


class TwinPresentError(Exception):
    """The same content is already there."""

    def __init__(self, copy: Copy) -> None:
        super().__init__(copy.remote_id)
        self.copy = copy


class IdTakenError(Exception):
    """The id of a copy that is to be recorded is already that of another content."""

    def __init__(self, copy: Copy) -> None:
        super().__init__(copy.remote_id)
        self.copy = copy

    @property
    def detail(self) -> str:
        job = "" if self.copy.job_id is None else f" (job {self.copy.job_id})"
        return f"{self.copy.remote_id} is already the ID of {self.copy.remote_name}{job}"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An upload of which the provider may have a file, or the beginning of one, unknown to us."""

    sent_name: str
    sha256: str


class JobStore(Protocol):
    async def add_batch(self, options: AddOptions, jobs: Sequence[NewJob], at: float) -> int:
        """Open a batch; returns its id. `jobs` may be empty."""
        ...

    async def add_jobs(self, batch_id: int, jobs: Sequence[NewJob], at: float) -> list[JobView]:
        """Add to an open batch, in order. Jobs with an error are born refused; a job's own account
        goes before that of the batch."""
        ...

    async def is_of_plan(self, batch_id: int) -> bool:
        """Whether the batch was added as a plan said."""
        ...

    async def apply(self, move: Move) -> JobView:
        """Carry out one move if the job is still in `move.old` (else `StaleJobError`).

        A move into *sending* is where the dedupe law is enforced: it raises `TwinPresentError`
        when a usable copy of (account, purpose, sha256) is present, `TwinInFlightError` when
        another job of the same triple is in flight. A unique index backs both. With `move.limits`
        it raises PROVIDER_FILE_LIMIT or QUOTA_EXCEEDED when there is no room for one more.
        With `move.copy` it raises `IdTakenError` when its id is that of another content.
        """
        ...

    async def apply_many(self, moves: Sequence[Move]) -> list[JobView]:
        """Many moves in one transaction; those whose job has moved meanwhile are left out."""
        ...

    async def request_cancel(self, job_id: int) -> None:
        """Note the wish on a job that cannot be cancelled before it is settled."""
        ...

    async def get(self, job_id: int) -> JobView | None: ...

    async def detail(self, job_id: int) -> JobDetail | None: ...

    async def page(self, query: JobQuery) -> JobPage: ...

    async def ids(self, states: Sequence[JobState]) -> list[tuple[int, str | None]]:
        """(id, account) of all jobs in these states, in the order of the line."""
        ...

    async def ids_in(self, jobs: JobRange, order: RangeOrder) -> array[int]:
        """The numbers of the jobs of a range that the order fits, as they stand in the list.
        Raises UNKNOWN_JOB when an end of the range is not there."""
        ...

    async def reorder(self, job_ids: Sequence[int], to: LinePlace) -> Reordered:
        """Give jobs another place in the line, all or none. Those that are not in it, and not
        paused, are left out. Raises UNKNOWN_JOB, NOT_IN_LINE for the one named in `to`."""
        ...

    async def file_ids(self, jobs: JobRange, after: int, most: int) -> FileIds:
        """Of at most so many jobs of the range behind number `after`."""
        ...

    async def summary(self) -> QueueSummary:
        """Counts and open bytes; speed and ETA are filled in by the engine."""
        ...

    async def answer_delays(self, account: str, most: int) -> list[float]:
        """Seconds from the last block to the answer of stored files, the newest first."""
        ...

    async def room_used(self, rooms: Collection[Room]) -> dict[Room, Usage]:
        """What lies at each account or is on its way there. One read, however many are asked."""
        ...

    async def line_speed(self) -> float | None:
        """Bytes a second of the last files of some size; None: there were none."""
        ...

    async def given_up(self, account: str, size: int) -> list[GivenUp]:
        """Uploads to the account that may have left a file of this size, of forgotten jobs too.

        Those looked for in vain, and those that broke off before the end of the body: a provider
        may have kept what had come.
        """
        ...

    async def has_attempt(self, account: str, sha256: str, since: float) -> bool:
        """Whether an attempt to send this content there, begun then or later, is on record."""
        ...

    async def remove(self, job_ids: Sequence[int] | None) -> int:
        """Forget final jobs (None: all final ones); copies and fingerprints stay."""
        ...
