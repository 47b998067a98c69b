"""Jobs for the contracts of the stores: made, and led to a state."""

from __future__ import annotations

import itertools

from exai_desktop.core.copies.store import NewCopy
from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView, NewJob
from exai_desktop.core.jobs.store import JobChanges, JobStore, Move

S = JobState
HASH = "ab" * 32
TO_WAITING = (S.QUEUED, S.CHECKING, S.HASHING, S.WAITING)
TO_SENDING = (*TO_WAITING, S.SENDING)


async def add(store: JobStore, *paths: str, size: int = 10) -> list[JobView]:
    batch = await store.add_batch(AddOptions(), [], 1.0)
    return await store.add_jobs(batch, [NewJob(path, size) for path in paths], 1.0)


def routed(sha256: str = HASH, account: str = "work") -> JobChanges:
    return JobChanges(account=account, purpose="file-extract", provider="kimi", sha256=sha256)


async def lead(
    store: JobStore, job: JobView, *states: JobState, changes: JobChanges | None = None
) -> JobView:
    """Take the job along these states; the first is the one it is in."""
    for number, (old, new) in enumerate(itertools.pairwise(states)):
        move = Move(job.id, old, new, 2.0 + number)
        if new is S.WAITING and old is S.HASHING:
            move = Move(job.id, old, new, 2.0 + number, changes=changes or routed())
        job = await store.apply(move)
    return job


def new_copy(remote_id: str, sha256: str = HASH, *, usable: bool = True) -> NewCopy:
    return NewCopy("kimi", "work", "file-extract", sha256, 10, remote_id, "a.pdf", usable)
