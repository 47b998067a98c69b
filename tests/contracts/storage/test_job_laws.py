"""Laws of states, held by the store under random moves: one model, one database."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.jobs.jobs import (
    IN_FLIGHT,
    JOB_MOVES,
    RETRY_MOVES,
    AddOptions,
    JobState,
    NewJob,
)
from exai_desktop.core.jobs.store import (
    JobChanges,
    Move,
    StaleJobError,
    TwinInFlightError,
    TwinPresentError,
)
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.copies import SqliteCopyStore
from exai_desktop.storage.record.jobs import SqliteJobStore
from exai_desktop.storage.sqlite.driver import Connection

S = JobState
JOBS = 4  # 0 and 2 have the same content, and so have 1 and 3


@dataclass
class Model:
    """What the database should hold, in the plainest form."""

    states: list[JobState] = field(default_factory=lambda: [S.QUEUED] * JOBS)
    history: list[list[JobState]] = field(default_factory=lambda: [[S.QUEUED] for _ in range(JOBS)])
    present: set[int] = field(default_factory=set)

    def expected(self, job: int, old: JobState, new: JobState) -> type[Exception] | None:
        if self.states[job] is not old:
            return StaleJobError
        if new is S.SENDING and job % 2 in self.present:
            return TwinPresentError
        if new is S.SENDING and self.states[(job + 2) % JOBS] in IN_FLIGHT:
            return TwinInFlightError
        return None

    def move(self, job: int, new: JobState) -> None:
        self.states[job] = new
        self.history[job].append(new)
        if new is S.DONE:
            self.present.add(job % 2)


@dataclass(frozen=True)
class Step:
    """A move to try: `given` as it is, or one that starts from where the job stands."""

    job: int
    follows: bool
    given: tuple[JobState, JobState]
    choice: int

    def move(self, state: JobState) -> tuple[JobState, JobState]:
        moves = sorted(JOB_MOVES[state] | ({S.QUEUED} if state in RETRY_MOVES else set()))
        if not self.follows or not moves:
            return self.given
        if self.choice >= len(moves):
            # Most of the time towards the end: the interesting conflicts are there.
            return state, ONWARD.get(state, moves[0])
        return state, moves[self.choice]


ONWARD = dict(
    itertools.pairwise(
        (S.QUEUED, S.CHECKING, S.HASHING, S.WAITING, S.SENDING, S.CONFIRMING, S.DONE)
    )
)
plans = st.lists(
    st.builds(
        Step,
        job=st.integers(0, JOBS - 1),
        follows=st.sampled_from([True] * 9 + [False]),
        given=st.sampled_from([(old, new) for old in S for new in sorted(JOB_MOVES[old])]),
        choice=st.integers(0, 40),
    ),
    min_size=40,
    max_size=120,
)


async def play(database: Database, plan: list[Step]) -> None:
    store, copies, model = SqliteJobStore(database), SqliteCopyStore(database), Model()
    batch = await store.add_batch(AddOptions(), [], 0.0)
    jobs = await store.add_jobs(batch, [NewJob(f"/{n}", n + 1) for n in range(JOBS)], 0.0)
    for at, step in enumerate(plan, 1):
        job = step.job
        old, new = step.move(model.states[job])
        content = f"{job % 2:064x}"
        move = Move(
            jobs[job].id,
            old,
            new,
            float(at),
            changes=JobChanges(account="a", purpose="p", sha256=content),
            copy=NewCopy("kimi", "a", "p", content, 1, f"f{at}", "n") if new is S.DONE else None,
        )
        if refusal := model.expected(job, old, new):
            with pytest.raises(refusal):
                await store.apply(move)
            continue
        view = await store.apply(move)
        model.move(job, new)
        assert (view.state, view.updated_at) == (new, float(at))
        assert (view.finished_at is not None) == new.is_final

    for number, job_view in enumerate(jobs):
        detail = await store.detail(job_view.id)
        assert detail is not None
        assert detail.view.state is model.states[number]
        assert [entry.new for entry in detail.history] == model.history[number]
        # An unbroken chain: nothing moved without being written down.
        assert [entry.old for entry in detail.history] == [None, *model.history[number][:-1]]
    summary = await store.summary()
    assert summary.total == JOBS
    assert {s: n for s in S if (n := model.states.count(s))} == summary.counts
    assert summary.open_bytes == sum(
        n + 1 for n, state in enumerate(model.states) if not state.is_final
    )
    recorded = sum(history.count(S.DONE) for history in model.history)
    assert len(await copies.of_account("a")) == recorded
    for kind in range(2):
        found = await copies.find_present("a", "p", f"{kind:064x}")
        assert (found is not None) == (kind in model.present)


def forget(connection: Connection) -> None:
    for table in ("copies", "jobs", "batches"):
        connection.execute(f"DELETE FROM {table}")


@pytest.mark.early
def test_random_moves_keep_the_laws() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "test.db")

        @given(plans)
        def laws(plan: list[Step]) -> None:
            async def run() -> None:
                await database.write(forget)
                await play(database, plan)

            asyncio.run(run())

        try:
            laws()
        finally:
            database.close()
