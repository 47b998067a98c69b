"""States that small jobs pass through within a moment: announced at once, written together.

The disk says where a job would go on after a crash. That is the same before and after it was
checked, and a write for each state costs more than the state itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.store import JobChanges, Move, Step

# Why a job waited is over with the state it waited in, unless a move says otherwise.
NOT_WAITING: Final = JobChanges(not_before=None, wait_reason=None)

_SHOWN: Final = frozenset(field.name for field in fields(JobView))


@dataclass(frozen=True, slots=True)
class _Passed:
    """`view`: the job as it is now; `old`: its state on disk."""

    old: JobState
    view: JobView
    steps: tuple[Step, ...]
    changes: JobChanges


class PassedStates:
    """All calls are made in the engine's loop."""

    def __init__(self) -> None:
        self._by_job: dict[int, _Passed] = {}

    def add(self, job: JobView, step: Step, changes: JobChanges) -> JobView:
        """The job in its new state."""
        earlier = self._of(job)
        old, steps, before = (
            (job.state, (), JobChanges())
            if earlier is None
            else (earlier.old, earlier.steps, earlier.changes)
        )
        shown: dict[str, Any] = {name: changes[name] for name in changes if name in _SHOWN}  # type: ignore[literal-required]
        view = replace(job, state=step.new, updated_at=step.at, error=None, **shown)
        self._by_job[job.id] = _Passed(old, view, (*steps, step), before | changes)
        return view

    def before(self, move: Move) -> Move:
        """The move with the states passed through before it."""
        passed = self._by_job.get(move.job_id)
        if passed is None or passed.view.state is not move.old:
            return move
        changes = passed.changes | move.changes
        return replace(move, old=passed.old, changes=changes, passed=passed.steps)

    def as_move(self, job_id: int) -> Move | None:
        """What is not written yet; None: nothing."""
        passed = self._by_job.get(job_id)
        if passed is None:
            return None
        *steps, last = passed.steps
        return Move(
            job_id,
            passed.old,
            last.new,
            last.at,
            last.note,
            passed.changes,
            last.attempt,
            passed=tuple(steps),
        )

    def now(self, on_disk: JobView) -> JobView:
        passed = self._by_job.get(on_disk.id)
        return on_disk if passed is None or passed.old is not on_disk.state else passed.view

    def forget(self, job_id: int, since: JobState | None = None) -> None:
        """`since`: only if this is its state on disk."""
        passed = self._by_job.get(job_id)
        if passed is not None and since in (None, passed.old):
            del self._by_job[job_id]

    def _of(self, job: JobView) -> _Passed | None:
        passed = self._by_job.get(job.id)
        return None if passed is None or passed.view.state is not job.state else passed


class LastWritten:
    """Jobs as they are on disk, of those that somebody follows: they need not be read again.

    All calls are made in the engine's loop.
    """

    def __init__(self) -> None:
        self._views: dict[int, JobView | None] = {}

    @contextmanager
    def followed(self, job_id: int) -> Iterator[Callable[[], JobView | None]]:
        self._views[job_id] = None
        try:
            yield lambda: self._views.get(job_id)
        finally:
            self._views.pop(job_id, None)

    @contextmanager
    def writing(self, moves: Sequence[Move]) -> Iterator[None]:
        """Around a write. When it fails, or while it goes on, nobody knows what is on disk."""
        self._unknown(moves)
        try:
            yield
        except BaseException:
            self._unknown(moves)
            raise

    def note(self, view: JobView) -> None:
        """This is on disk now."""
        if view.id in self._views:
            self._views[view.id] = view

    def _unknown(self, moves: Sequence[Move]) -> None:
        for move in moves:
            if move.job_id in self._views:
                self._views[move.job_id] = None
