"""A job: its states and what may follow what, its values, the progress of its transfer.

The values are frozen and cross floors, threads and the local socket. Times are Unix seconds. Every
change of state in the program goes through `check_move`; the tables here are the only place that
says what may follow what. Property tests hold their laws (tests/unit/core/test_states.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.errors.codes import ErrorCode, Outcome
from exai_desktop.core.errors.tree import EngineError, ErrorView, IllegalMoveError
from exai_desktop.core.files.files import ScanResult
from exai_desktop.core.jobs.states import (
    BIRTH,
    CUT,
    FINAL,
    FORGOTTEN,
    IN_FLIGHT,
    RESEND_MOVES,
    RETRY_MOVES,
    JobState,
)

# Their place is a module that loads nothing else; they are known here as well.
__all__ = [
    "BIRTH",
    "CUT",
    "FINAL",
    "FORGOTTEN",
    "IN_FLIGHT",
    "RESEND_MOVES",
    "RETRY_MOVES",
    "JobState",
]

S = JobState


_STOPS: Final = frozenset({S.REFUSED, S.HELD, S.FAILED, S.CANCELLED})

JOB_MOVES: Final[dict[JobState, frozenset[JobState]]] = {
    S.QUEUED: frozenset({S.CHECKING, S.HELD, S.CANCELLED}),
    S.CHECKING: _STOPS | {S.HASHING, S.QUEUED},
    S.HASHING: _STOPS | {S.WAITING, S.DUPLICATE, S.QUEUED},
    S.WAITING: _STOPS | {S.SENDING, S.DUPLICATE, S.QUEUED},
    # To waiting, queued, held, cancelled only when nothing can have been stored.
    S.SENDING: _STOPS | {S.CONFIRMING, S.UNCERTAIN, S.WAITING, S.QUEUED},
    S.CONFIRMING: frozenset({S.DONE, S.FAILED}),
    # Only reconcile takes a job out of uncertain.
    S.UNCERTAIN: frozenset({S.DONE, S.WAITING, S.NEEDS_REVIEW}),
    # Only the user takes a job out of needs_review.
    S.NEEDS_REVIEW: frozenset({S.DONE, S.WAITING, S.CANCELLED}),
    S.HELD: frozenset({S.QUEUED, S.CANCELLED}),
    S.DONE: frozenset(),
    S.DUPLICATE: frozenset(),
    S.REFUSED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
}

# The outcomes of attempts that ended before the end of the body had left, by the connection or by
# us. Nothing whole can have been stored, but a provider may have kept what had come.
BROKEN_OFF: Final = frozenset({CUT, Outcome.CANCELLED, Outcome.LOCAL})

# What a job found in this state at start-up becomes. `confirming` has its file id on disk and
# simply goes on; `sending` may have been stored, so only the provider's list can tell.
AFTER_CRASH: Final = {S.CHECKING: S.QUEUED, S.HASHING: S.QUEUED, S.SENDING: S.UNCERTAIN}


def check_move(old: JobState, new: JobState, *, retry: bool = False) -> None:
    """Raise `IllegalMoveError` unless `old → new` is allowed (`retry`: by the command retry)."""
    is_way_out = old in RETRY_MOVES | RESEND_MOVES and new is S.QUEUED
    allowed = is_way_out if retry else new in JOB_MOVES[old]
    if not allowed:
        raise IllegalMoveError(f"{old} → {new} is not allowed (retry={retry})")


class Origin(StrEnum):
    WINDOW = "window"
    CLI = "cli"
    # By a script: only from the allowed folders.
    UNATTENDED = "unattended"
    # Found in a watched folder, which a person has chosen.
    WATCHED = "watched"
    # As a plan says: a file with an account goes there or nowhere.
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A scanned file on its way into the queue; `error` when it is born refused. `account`: wanted
    for this one, whatever is wanted for its batch.

    `path` may hold surrogate escapes (a name that is not UTF-8): never shown or sent as it is.
    """

    path: str
    size: int
    error: ErrorView | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class AddOptions:
    account: str | None = None
    purpose: str | None = None
    allow_fallback: bool = False
    origin: Origin = Origin.WINDOW
    # Codes of `core.files.files`, for whatever is found in these files.
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobView:
    """One job as everybody outside the engine sees it.

    `judged` tells which content the last question was about; None: none was asked yet, or it is
    not one to be answered. `accepted` holds for that content only.
    """

    id: int
    batch_id: int
    path: str
    name: str
    state: JobState
    size: int
    created_at: float
    updated_at: float
    wanted_account: str | None = None
    wanted_purpose: str | None = None
    allow_fallback: bool = False
    accepted: tuple[str, ...] = ()
    judged: str | None = None
    unattended: bool = False
    provider: str | None = None
    account: str | None = None
    purpose: str | None = None
    mtime_ns: int | None = None
    device: int | None = None
    inode: int | None = None
    sha256: str | None = None
    sent_name: str | None = None
    route_reason: str | None = None
    transport: str | None = None
    attempts: int = 0
    not_before: float | None = None
    wait_reason: str | None = None
    cancel_requested: bool = False
    file_id: str | None = None
    twin_of: int | None = None
    error: ErrorView | None = None
    finished_at: float | None = None
    # Of a stored job: what became of its file since. None: it is there, as far as known.
    file_state: CopyState | None = None
    # The watched folder in which it was found: size, mtime, device and inode are those found.
    watched: int | None = None
    # In the line, if it was moved there: see `core.jobs.line`.
    place: int | None = None


@dataclass(frozen=True, slots=True)
class RoutedJob(JobView):
    """A job from *waiting* on: none of these is empty. Made by `routed`."""

    provider: str = ""
    account: str = ""
    purpose: str = ""
    sha256: str = ""
    sent_name: str = ""


_ROUTED_FIELDS: Final = ("provider", "account", "purpose", "sha256", "sent_name")


def routed(job: JobView) -> RoutedJob:
    """The same job as one that has its account. Raises WRONG_STATE for one that has none yet."""
    if isinstance(job, RoutedJob):
        return job
    missing = [name for name in _ROUTED_FIELDS if not getattr(job, name)]
    if missing:
        raise EngineError(ErrorCode.WRONG_STATE, f"job {job.id} has no {missing[0]}")
    return RoutedJob(**{field.name: getattr(job, field.name) for field in fields(job)})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at sending. `ended_at` is None while it runs, or when the program died in it."""

    number: int
    transport: str
    sent_name: str
    size: int
    sha256: str
    started_at: float
    ended_at: float | None = None
    outcome: str | None = None
    error_code: str | None = None
    detail: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    # When the last block was handed to the network.
    left_at: float | None = None
    # The provider's clock minus ours, as far as it was known when the attempt began.
    clock_offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    at: float
    old: JobState | None
    new: JobState
    note: str = ""


@dataclass(frozen=True, slots=True)
class JobDetail:
    view: JobView
    copy: Copy | None = None
    attempts: tuple[Attempt, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    # None: never checked, or by a version that had no scan.
    scan: ScanResult | None = None


class SortKey(StrEnum):
    ID = "id"
    NAME = "name"
    STATE = "state"
    SIZE = "size"
    ACCOUNT = "account"
    UPDATED = "updated_at"
    # What is being sent, what waits in its order, what is stopped, then the finished, newest first.
    LINE = "line"


@dataclass(frozen=True, slots=True)
class JobQuery:
    """`search` matches name, path, file id and hash; `states` empty means all.

    `file` is an account and an id there: the stored jobs that share this id. `gone`: only those
    whose file is not at the provider any more. `reason`: only those of a group of
    `core.jobs.reasons`, by state and error code; `without` leaves whole groups out. `before`: only
    those with a lower number, so that one who reads on is not confused by what has come in
    meanwhile. `known` is a row that the list shows not far from `offset`, its place and its id:
    the page is read from there on, wherever it stands by now.
    """

    states: tuple[JobState, ...] = ()
    search: str = ""
    batch_id: int | None = None
    ids: tuple[int, ...] | None = None
    file: tuple[str, str] | None = None
    gone: bool = False
    reason: tuple[JobState, str] | None = None
    without: tuple[tuple[JobState, str], ...] = ()
    before: int | None = None
    sort: SortKey = SortKey.ID
    descending: bool = True
    offset: int = 0
    limit: int = 200
    known: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """How far the record had come: the number of the last change of any job, and the time of the
    latest one. Numbers of removed jobs are given again, and a clock may be put back: a job that
    is beyond either has changed since."""

    change: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class JobPage:
    """`newest`: the highest number that a job has, in this list or not. `moment`: when all of
    this was so."""

    rows: tuple[JobView, ...]
    total: int
    newest: int = 0
    moment: Moment = Moment()


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """Sums over the whole queue; `open_*` are the jobs that are not final."""

    counts: Mapping[JobState, int] = field(default_factory=dict)
    open_bytes: int = 0
    sent_bytes: int = 0
    speed: float = 0.0
    # The longer of what the line takes and what the accounts' limits take; `pace_s` is the latter.
    eta_s: float | None = None
    pace_s: float = 0.0
    paused: bool = False
    # When it goes on by itself, and why it stands still if not by the user.
    paused_until: float | None = None
    pause_reason: str = ""
    # False: it could not be written down, and ends with the process.
    pause_is_kept: bool = True

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def open_jobs(self) -> int:
        return sum(n for state, n in self.counts.items() if not state.is_final)


# Speed is an exponential average over about this long: steady enough to read, quick to follow.
WINDOW_S: Final = 3.0


class Meter:
    """`at` is monotonic seconds. A new attempt has a new meter."""

    def __init__(self, total: int, at: float) -> None:
        self.total = total
        self.done = 0
        self._at = at
        self._mark = 0
        self._speed: float | None = None

    def advance(self, done: int, at: float) -> None:
        """Set the bytes done so far; values that go back are ignored."""
        if done <= self.done:
            return
        self.done = done
        elapsed = at - self._at
        # Blocks can come within a microsecond of each other: wait for a measurable stretch.
        if elapsed < 0.05:
            return
        current = (done - self._mark) / elapsed
        weight = min(1.0, elapsed / WINDOW_S)
        self._speed = (
            current if self._speed is None else self._speed + weight * (current - self._speed)
        )
        self._at, self._mark = at, done

    def speed(self, at: float) -> float:
        """Bytes a second; fades to 0 when nothing moves."""
        if self._speed is None:
            return 0.0
        silent = max(0.0, at - self._at - 1.0)
        return self._speed / (1.0 + silent)

    def eta_s(self, at: float) -> float | None:
        """Seconds left, None when it cannot be said."""
        speed = self.speed(at)
        if speed < 1.0:
            return None
        return max(0.0, (self.total - self.done) / speed)
