"""What the engine promises, looked up on the disk and at the providers behind its back."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from exai_desktop.core.files.names import is_renamed_twin
from exai_desktop.core.jobs.jobs import BIRTH, FINAL, JOB_MOVES, RESEND_MOVES, RETRY_MOVES, JobState

from .faults import BrokenPromiseError
from .network import Stored
from .process import Surroundings

S = JobState


@dataclass(frozen=True)
class Word:
    """The user's word on a job that needs review: this file, or none."""

    remote_id: str | None


def kept(around: Surroundings, accepted: set[int], removed: set[int]) -> None:
    """After every step."""
    connection = around.disk.connection
    jobs = {row["id"]: row for row in connection.execute("SELECT * FROM jobs")}
    lost = accepted - removed - jobs.keys()
    if lost:
        raise BrokenPromiseError(f"P1: jobs {lost} are not on the disk any more")
    (counted,) = connection.execute("SELECT sum(jobs) FROM job_sums").fetchone()
    if counted != len(jobs):
        raise BrokenPromiseError(f"P1: {counted} counted, {len(jobs)} there")
    for job in jobs.values():
        if job["state"] == S.DONE:
            _is_there(around, job["account"], job["file_id"], job["size"], job["sha256"], job["id"])
            if job["sha256"] not in around.files.versions[job["path"].decode()]:
                raise BrokenPromiseError(f"P4: job {job['id']} was sent as what it never was")
        elif job["state"] == S.DUPLICATE:
            _is_there(around, job["account"], job["file_id"], job["size"], job["sha256"], job["id"])


def _is_there(
    around: Surroundings, account: str, file_id: str, size: int, sha256: str, job: int
) -> None:
    file = around.providers[account].files.get(file_id)
    if file is None:
        raise BrokenPromiseError(f"P3: job {job} is done as {file_id}, which {account} never had")
    if file.remote.bytes != size or file.sha256 != sha256:
        raise BrokenPromiseError(f"P3: job {job} is done as {file_id}, which holds something else")


def at_the_end(around: Surroundings) -> None:
    connection = around.disk.connection
    if connection.execute("PRAGMA foreign_key_check").fetchall():
        raise BrokenPromiseError("the tables do not fit together")
    rows = connection.execute("SELECT job_id, old, new FROM history ORDER BY id")
    chains: dict[int, list[tuple[str | None, str]]] = defaultdict(list)
    for job, old, new in rows:
        chains[job].append((old, new))
    for job, chain in chains.items():
        state: JobState | None = None
        for old, new in chain:
            if (None if old is None else JobState(old)) is not state:
                raise BrokenPromiseError(f"job {job}: a move from {old}, but it was {state}")
            if not _is_legal(state, JobState(new)):
                raise BrokenPromiseError(f"job {job}: {state} → {new}")
            state = JobState(new)
    states = dict(connection.execute("SELECT id, state FROM jobs"))
    for job_id, now in states.items():
        if chains[job_id][-1][1] != now:
            raise BrokenPromiseError(
                f"job {job_id} is {now}, its history ends with {chains[job_id][-1][1]}"
            )


def _is_legal(old: JobState | None, new: JobState) -> bool:
    if old is None:
        return new in BIRTH
    return new in JOB_MOVES[old] or (old in RETRY_MOVES | RESEND_MOVES and new is S.QUEUED)


def missing(around: Surroundings, accepted: set[int]) -> set[int]:
    return accepted - {row[0] for row in around.disk.connection.execute("SELECT id FROM jobs")}


def final_jobs(around: Surroundings) -> set[int]:
    rows = around.disk.connection.execute("SELECT id, state FROM jobs")
    return {job for job, state in rows if state in FINAL}


def open_jobs(around: Surroundings) -> dict[int, str]:
    rows = around.disk.connection.execute("SELECT id, state FROM jobs")
    return {job: state for job, state in rows if state not in FINAL}


def whose(around: Surroundings, job_id: int) -> Word | None:
    """What a user finds who compares the provider's page with the job; None: no question open."""
    connection = around.disk.connection
    job = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if job is None or job["state"] != S.NEEDS_REVIEW:
        return None
    provider = around.providers[job["account"]]
    if provider.arriving:
        return None
    known = {
        row["remote_id"]
        for row in connection.execute(
            "SELECT remote_id FROM copies WHERE account = ? AND state <> 'foreign'",
            (job["account"],),
        )
    }
    for file in provider.files.values():
        if file.remote.id not in known and _could_be(file, job["sent_name"], job["sha256"]):
            return Word(file.remote.id)
    return Word(None)


def _could_be(file: Stored, name: str, sha256: str) -> bool:
    return not file.deleted and file.sha256 == sha256 and is_renamed_twin(name, file.remote.name)


def excuse_deleting(around: Surroundings) -> None:
    """What the user wanted gone may lie there after a crash: a new one of it is no second one."""
    rows = around.disk.connection.execute(
        "SELECT account, remote_id FROM copies WHERE state = 'deleting'"
    )
    for account, remote_id in rows:
        file = around.providers[account].files.get(remote_id)
        if file is not None:
            file.excused = True


def excuse_review(around: Surroundings, job_id: int) -> None:
    """Who cancels instead of answering has left a file there that nobody will know of."""
    job = around.disk.connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if job is None or job["state"] != S.NEEDS_REVIEW:
        return
    for file in around.providers[job["account"]].files.values():
        if _could_be(file, job["sent_name"], job["sha256"]):
            file.excused = True
