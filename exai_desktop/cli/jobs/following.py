"""Following one drop: each file is printed once, when it is settled or stuck."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from exai_desktop.cli.output import Exit, Output, when
from exai_desktop.core.errors.codes import STORAGE, ErrorCode, Outcome, Retry
from exai_desktop.core.errors.table import CODES
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.events import (
    BatchScanned,
    Event,
    JobChanged,
    JobsAdded,
    ProblemRaised,
    ProblemSolved,
    SummaryChanged,
)
from exai_desktop.core.jobs.jobs import (
    AddOptions,
    JobQuery,
    JobState,
    JobView,
    QueueSummary,
    SortKey,
)
from exai_desktop.core.jobs.words import STATE_WORDS, is_skipped, state_word
from exai_desktop.core.service import UploadService

S = JobState

_GOOD: Final = frozenset({S.DONE, S.DUPLICATE})
# These do not go on by themselves.
_SETTLED: Final = frozenset(s for s in S if s.is_final) | {S.HELD, S.NEEDS_REVIEW}

# A fault that a wait of seconds did not cure is reported; the file stays in the queue.
_PATIENCE_S: Final = 10.0
_PATIENCE_TRIES: Final = 3


class Following:
    """One drop and what became of it. Survives the end of the process that carries it out."""

    def __init__(
        self,
        paths: Sequence[str],
        options: AddOptions,
        output: Output,
        begin: Callable[[UploadService], Awaitable[int]] | None = None,
    ) -> None:
        """`begin` adds the files otherwise than all as they are, and gives the batch."""
        self._begin = begin or (lambda service: service.queue.add(paths, options))
        self._output = output
        self._batch_id: int | None = None
        self._is_scanned = False
        self._pending: dict[int, JobView] = {}
        self._storage = StorageTrouble()
        self._pause: ErrorView | None = None
        self._lists_failed: Counter[int] = Counter()
        self._printed: set[int] = set()
        # How many files of what, in words; see `state_word`.
        self._outcomes: Counter[str] = Counter()
        self._good = self._skipped = 0

    async def run(self, service: UploadService) -> None:
        """Add (or take up again), print each file once, return when none is left."""
        events = await service.events()
        try:
            if self._batch_id is None or not self._is_scanned:
                self._pending.clear()
                self._batch_id = await self._begin(service)
            else:
                for job in await rows_of(service, JobQuery(batch_id=self._batch_id)):
                    self._see(job)
            self._learn_pause(await service.queue.summary())
            while not self._is_scanned or self._pending:
                try:
                    async with asyncio.timeout(self._storage.left_s(time.monotonic())):
                        event = await anext(events)
                except TimeoutError:
                    if self._give_up():
                        return
                else:
                    self._take(event)
        finally:
            await events.aclose()

    def _take(self, event: Event) -> None:
        if isinstance(event, JobsAdded):
            for job in event.jobs:
                self._see(job)
        elif isinstance(event, JobChanged):
            self._see(event.job)
        elif isinstance(event, ProblemRaised) and event.account is None:
            self._output.problem(event.error)
            self._storage.raised(event.error, time.monotonic())
        elif isinstance(event, ProblemSolved) and event.account is None:
            self._storage.solved(event.error)
        elif isinstance(event, SummaryChanged):
            self._learn_pause(event.summary)
        elif isinstance(event, BatchScanned) and event.batch_id == self._batch_id:
            self._is_scanned = True

    def _see(self, job: JobView) -> None:
        if job.batch_id != self._batch_id or job.id in self._printed:
            return
        self._pending[job.id] = job
        if job.state in _SETTLED or self._is_stuck(job):
            self._report(job)
        elif self._storage.given_up is not None and job.state in _NOT_BEGUN:
            self._report(replace(job, state=S.WAITING, error=self._storage.given_up))
        elif self._pause is not None and job.state in _IN_LINE:
            self._report(replace(job, error=self._pause))

    def _learn_pause(self, summary: QueueSummary) -> None:
        """What has not begun is not waited for: the pause may last for days."""
        self._pause = pause_of(summary, time.time())
        if self._pause is not None:
            self._output.problem(self._pause)
            for job in list(self._pending.values()):
                self._see(job)

    def _report(self, job: JobView) -> None:
        self._pending.pop(job.id, None)
        self._printed.add(job.id)
        self._good += job.state in _GOOD
        self._skipped += is_skipped(job)
        self._outcomes[state_word(job)] += 1
        self._output.job(job)

    def _give_up(self) -> bool:
        """Nothing can be written down: what has not begun waits. Whether that is all."""
        problem = self._storage.give_up()
        for job in list(self._pending.values()):
            self._see(job)
        if not self._printed and not self._pending:
            raise AppError(ErrorCode(problem.code), problem.detail)
        return not self._pending

    @property
    def exit(self) -> Exit:
        """What was skipped is no failure: a system's own file is nobody's work."""
        return Exit.OK if self._good == self._wanted else Exit.SOME_FAILED

    @property
    def _wanted(self) -> int:
        return len(self._printed) - self._skipped

    def summary(self) -> str:
        """One line: how many are uploaded, and how many of what are not."""
        line = f"{self._good} of {self._wanted} files are uploaded."
        good = {STATE_WORDS[state] for state in _GOOD}
        rest = [f"{word}: {count}." for word, count in self._outcomes.items() if word not in good]
        return " ".join([line, *sorted(rest)])

    def _is_stuck(self, job: JobView) -> bool:
        if job.state is S.UNCERTAIN and job.wait_reason:
            self._lists_failed[job.id] += 1
            return self._lists_failed[job.id] >= _PATIENCE_TRIES
        return is_stuck(job, time.time())


# These stand still while the queue is paused; what is under way comes to its end.
_IN_LINE: Final = frozenset({S.QUEUED, S.WAITING})
# Nothing of these has left.
_NOT_BEGUN: Final = frozenset({S.QUEUED, S.CHECKING, S.HASHING, S.WAITING})


def pause_of(summary: QueueSummary, now: float) -> ErrorView | None:
    """That the whole queue stands still, and until when; None: it goes on, or will in a moment."""
    if not summary.paused:
        return None
    until = summary.paused_until
    if until is None:
        return ErrorView.of(EngineError(ErrorCode.QUEUE_PAUSED, summary.pause_reason))
    if until - now <= _PATIENCE_S:
        return None
    error = EngineError(ErrorCode.QUEUE_PAUSED, f"until {when(until)}", retry_after=until - now)
    return ErrorView.of(error)


class StorageTrouble:
    """The profile cannot be written: at first that may pass, then it is reported.

    What the user alone can mend is reported at once, and so is what comes back again and again.
    Times are of the monotonic clock.
    """

    def __init__(self) -> None:
        self._problem: ErrorView | None = None
        self._until = 0.0
        self._times = 0
        self.given_up: ErrorView | None = None

    def raised(self, error: ErrorView, now: float) -> None:
        if error.code not in STORAGE and error.code != ErrorCode.DISK_LOW:
            return
        if self._problem is None:
            self._times += 1
            self._until = now + _PATIENCE_S
        is_lasting = error.code != ErrorCode.DATABASE_ERROR and is_for_the_user(error.code)
        if is_lasting or self._times >= _PATIENCE_TRIES:
            self._until = now
        self._problem = error

    def solved(self, error: ErrorView) -> None:
        if error.code in STORAGE or error.code == ErrorCode.DISK_LOW:
            self._problem = None

    def left_s(self, now: float) -> float | None:
        """How long to go on waiting; None: as long as it takes."""
        if self._problem is None or self._problem is self.given_up:
            return None
        return max(0.0, self._until - now)

    def give_up(self) -> ErrorView:
        assert self._problem is not None
        self.given_up = self._problem
        return self._problem


def is_for_the_user(code: str) -> bool:
    """Whether no wait cures it."""
    return CODES[ErrorCode(code)].retry is Retry.ASK


def is_stuck(job: JobView, now: float) -> bool:
    """Whether a waiting job's trouble lies outside: the network, the provider, the file."""
    if job.error is None or job.state not in (S.WAITING, S.QUEUED):
        return False
    if job.error.code == ErrorCode.REVIEW_NEEDED:
        return True  # behind another file that only the user can settle
    try:
        info = CODES[ErrorCode(job.error.code)]
    except ValueError:
        return False
    if info.outcome not in (Outcome.UNAVAILABLE, Outcome.UNCERTAIN, Outcome.LOCAL):
        return False
    if is_for_the_user(job.error.code):
        return True
    wait_s = (job.not_before or now) - now
    return job.attempts >= _PATIENCE_TRIES or wait_s > _PATIENCE_S


async def rows_of(service: UploadService, query: JobQuery) -> list[JobView]:
    """All rows of a query, page by page, each from the last row on: what comes meanwhile moves no
    row to another page."""
    rows: list[JobView] = []
    while True:
        known = (len(rows) - 1, rows[-1].id) if rows else None
        wanted = replace(query, sort=SortKey.ID, offset=len(rows), limit=500, known=known)
        page = await service.queue.page(wanted)
        rows += page.rows
        if not page.rows or len(rows) >= page.total:
            return rows
