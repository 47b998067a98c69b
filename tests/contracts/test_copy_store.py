"""The contract of `core.stores.CopyStore`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.models import AddOptions, Copy, NewJob
from exai_desktop.core.states import COPY_MOVES, CopyState, IllegalMoveError, JobState
from exai_desktop.core.stores import CopyStore, JobChanges, Move, NewCopy, StaleJobError
from exai_desktop.storage.copies import SqliteCopyStore
from exai_desktop.storage.database import Database
from exai_desktop.storage.jobs import SqliteJobStore

S, C = JobState, CopyState
COPY = NewCopy("kimi", "work", "file-extract", "ab" * 32, 10, "f1", "a.pdf", expires_at=99.0)


class Desk:
    """The copy store, and jobs that bring copies: there is no other way for one to come in."""

    def __init__(self, database: Database) -> None:
        self.copies: CopyStore = SqliteCopyStore(database)
        self._jobs = SqliteJobStore(database)

    async def job(self, *states: JobState, changes: JobChanges | None = None) -> int:
        batch = await self._jobs.add_batch(AddOptions(), [], 1.0)
        (job,) = await self._jobs.add_jobs(batch, [NewJob("/a.pdf", 10)], 1.0)
        for old, new in zip((S.QUEUED, *states), states, strict=False):
            is_last = new is states[-1]
            await self._jobs.apply(
                Move(job.id, old, new, 2.0, changes=(is_last and changes) or JobChanges())
            )
        return job.id

    async def record(self, *copies: NewCopy, at: float = 3.0) -> int:
        """One job that ends with these copies noted; returns its number."""
        job_id = await self.job(S.CHECKING, S.HASHING, S.WAITING)
        # An own content: what is in flight shall not matter here.
        changes = JobChanges(account="work", purpose="p", sha256=f"{job_id:064x}")
        steps = [S.WAITING, S.SENDING, S.CONFIRMING, S.DONE]
        for old, new, copy in zip(steps, steps[1:], [None, *copies, None][:2] + list(copies)[-1:], strict=True):
            await self._jobs.apply(Move(job_id, old, new, at, changes=changes, copy=copy))
        return job_id

    async def get(self, remote_id: str = "f1") -> Copy:
        copy = await self.copies.by_remote_id("work", remote_id)
        assert copy is not None
        return copy

    async def move(self, copy: Copy, *states: CopyState, at: float = 4.0) -> Copy:
        for state in states:
            copy = await self.copies.move(copy.id, copy.state, state, at)
        return copy


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(tmp_path / "test.db")
    yield Desk(database)
    database.close()
