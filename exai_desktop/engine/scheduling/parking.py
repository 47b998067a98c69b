"""Jobs that wait for another: its content, or a look-alike of it, is in the provider's hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.jobs import JobView

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
