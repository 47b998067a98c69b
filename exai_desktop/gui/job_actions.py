"""Which commands fit which jobs: plain rules, asked by menus, keys and the details alike."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from exai_desktop.core.capabilities import ProviderTable
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.models import JobView
from exai_desktop.core.states import RETRY_MOVES, JobState

S = JobState

_PAUSABLE = frozenset({S.QUEUED, S.CHECKING, S.HASHING, S.WAITING, S.SENDING})
_STORED = frozenset({S.DONE, S.DUPLICATE})


class Action(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    ALLOW_FALLBACK = "allow_fallback"
    REMOVE = "remove"
    DELETE_REMOTE = "delete_remote"
    SHOW_TEXT = "show_text"
    COPY_ID = "copy_id"


def gives_text(job: JobView, table: ProviderTable | None) -> bool:
    """Whether the provider hands back the text of files of this purpose."""
    provider = table.provider(job.provider) if table and job.provider else None
    if provider is None:
        return False
    return any(p.gives_text for p in provider.purposes if p.name == job.purpose)


def fits(action: Action, job: JobView, table: ProviderTable | None = None) -> bool:
    """Whether the command makes sense for this job now."""
    stored = job.state in _STORED and job.file_id is not None
    match action:
        case Action.PAUSE:
            return job.state in _PAUSABLE
        case Action.RESUME:
            return job.state is S.HELD
        case Action.CANCEL:
            return not job.state.is_final and not job.cancel_requested
        case Action.RETRY:
            return job.state in RETRY_MOVES
        case Action.ALLOW_FALLBACK:
            code = job.error.code if job.error else ""
            return job.state in RETRY_MOVES and code == ErrorCode.CONSENT_NEEDED
        case Action.REMOVE:
            return job.state.is_final
        case Action.DELETE_REMOTE:
            return stored
        case Action.SHOW_TEXT:
            return stored and gives_text(job, table)
    return job.file_id is not None


def fitting(jobs: Iterable[JobView], table: ProviderTable | None = None) -> frozenset[Action]:
    """The commands that fit at least one of the jobs."""
    found: set[Action] = set()
    for job in jobs:
        found.update(action for action in Action if fits(action, job, table))
        if len(found) == len(Action):
            break
    return frozenset(found)
