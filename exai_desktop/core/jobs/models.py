"""Frozen values that cross floors, threads and the local socket. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, ErrorView
from exai_desktop.core.files.scans import ScanResult
from exai_desktop.core.jobs.states import JobState


class Origin(StrEnum):
    WINDOW = "window"
    CLI = "cli"
    # By a script: only from the allowed folders.
    UNATTENDED = "unattended"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A scanned file on its way into the queue; `error` when it is born refused.

    `path` may hold surrogate escapes (a name that is not UTF-8): never shown or sent as it is.
    """

    path: str
    size: int
    error: ErrorView | None = None


@dataclass(frozen=True, slots=True)
class AddOptions:
    account: str | None = None
    purpose: str | None = None
    allow_fallback: bool = False
    origin: Origin = Origin.WINDOW
    # Codes of `core.files.checks`, for whatever is found in these files.
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


# The outcome of an attempt that was not made because a recovered record may have forgotten it.
FORGOTTEN: Final = "perhaps sent before the recovery"


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


@dataclass(frozen=True, slots=True)
class JobQuery:
    """`search` matches name, path, file id and hash; `states` empty means all.

    `file` is an account and an id there: the stored jobs that share this id. `gone`: only those
    whose file is not at the provider any more.
    """

    states: tuple[JobState, ...] = ()
    search: str = ""
    batch_id: int | None = None
    ids: tuple[int, ...] | None = None
    file: tuple[str, str] | None = None
    gone: bool = False
    sort: SortKey = SortKey.ID
    descending: bool = True
    offset: int = 0
    limit: int = 200


@dataclass(frozen=True, slots=True)
class JobPage:
    rows: tuple[JobView, ...]
    total: int


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

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def open_jobs(self) -> int:
        return sum(n for state, n in self.counts.items() if not state.is_final)
