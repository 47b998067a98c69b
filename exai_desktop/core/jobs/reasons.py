"""Why files were not sent, as groups: one reason, how many files, whatever drop they came with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exai_desktop.core.errors.codes import SKIPPED
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.jobs.states import JobState
from exai_desktop.core.jobs.words import STATE_WORDS

if TYPE_CHECKING:
    from exai_desktop.core.jobs.jobs import JobView

S = JobState
GroupKey = tuple[JobState, str]

# In these a file stays until somebody does something. *Held* only with an error: the user's own
# pause is no trouble.
STOPPED: Final = (S.REFUSED, S.FAILED, S.HELD)


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """`code` "": no error, the state says all. `example`: the name of one of the files."""

    state: JobState
    code: str
    files: int
    bytes: int = 0
    example: str = ""

    @property
    def key(self) -> GroupKey:
        """What a `JobQuery` asks for."""
        return self.state, self.code

    @property
    def error(self) -> ErrorView | None:
        return ErrorView.of_code(self.code) if self.code else None

    @property
    def title(self) -> str:
        """What happened, for people."""
        error = self.error
        return STATE_WORDS[self.state] if error is None else error.title

    @property
    def hint(self) -> str:
        """What to do; "": nothing, or nobody knows."""
        error = self.error
        return "" if error is None else error.hint

    @property
    def is_skipped(self) -> bool:
        """No work of the user stays behind."""
        return self.state is S.REFUSED and self.code in SKIPPED


def group_of(job: JobView) -> GroupKey:
    """The key of the group that it would belong to."""
    return job.state, job.error.code if job.error else ""


def largest_first(groups: Iterable[ReasonGroup]) -> tuple[ReasonGroup, ...]:
    """What was only skipped comes last: there is nothing to do."""
    return tuple(sorted(groups, key=lambda g: (g.is_skipped, -g.files, g.state, g.code)))
