"""What a provider's list says about uploads whose answer was lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.files.names import is_renamed_twin
from exai_desktop.core.jobs.jobs import JobView


class MatchVerdict(StrEnum):
    ADOPT = "adopt"
    ABSENT = "absent"
    # It may be there, but a job that is still under way may be its owner: look again later.
    LATER = "later"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class MatchResult:
    job: JobView
    verdict: MatchVerdict
    remote: RemoteFile | None = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class Suspect:
    """A job whose bytes may be at the provider, and when its attempt began by the provider's
    clock (Unix seconds). `time_is_doubtful`: a clock was wrong then, so time proves nothing.
    `time_is_unproven`: nobody knows how wrong ours was, so that a file is too old proves nothing.
    """

    job: JobView
    started_at: float
    time_is_doubtful: bool = False
    time_is_unproven: bool = False


def _is_in_time(remote: RemoteFile, suspect: Suspect, skew_s: float) -> bool:
    return remote.created_at >= suspect.started_at - skew_s


def _could_be(remote: RemoteFile, suspect: Suspect, skew_s: float) -> bool:
    no_time = suspect.time_is_doubtful or suspect.time_is_unproven
    return (
        remote.bytes == suspect.job.size
        and (no_time or _is_in_time(remote, suspect, skew_s))
        and is_renamed_twin(suspect.job.sent_name or "", remote.name)
    )


def _is_ours(remote: RemoteFile, suspect: Suspect, skew_s: float) -> bool:
    """Whether time says so, too, of the only file that it could be."""
    return not suspect.time_is_doubtful and _is_in_time(remote, suspect, skew_s)


def _owners(
    suspects: Sequence[Suspect],
    under_way: Sequence[Suspect],
    unknown: Sequence[RemoteFile],
    skew_s: float,
) -> tuple[dict[int, RemoteFile], dict[int, list[RemoteFile]]]:
    """Files that only one job can have made, by job; and what else each job could have made.

    A job that has found its file claims no other, which may leave that one to a single job too.
    A job has made one file: where there are more than jobs, none is known to be which.
    """
    claims = {
        r.id: {s.job.id for s in (*suspects, *under_way) if _could_be(r, s, skew_s)}
        for r in unknown
    }
    mine: dict[int, RemoteFile] = {}
    may_take = {s.job.id for s in suspects}
    while True:
        found: dict[int, list[RemoteFile]] = {}
        for remote in unknown:
            owners = claims[remote.id] - mine.keys()
            taken = remote in mine.values()
            if not taken and len(owners) == 1 and owners <= may_take:
                found.setdefault(next(iter(owners)), []).append(remote)
        alone = {job_id: files[0] for job_id, files in found.items() if len(files) == 1}
        if not alone:
            break
        mine |= alone
    one_too_many = [
        claims[r.id]
        for r in unknown
        if r not in mine.values() and claims[r.id] and claims[r.id] <= mine.keys()
    ]
    for job_id in set[int]().union(*one_too_many):
        del mine[job_id]
    left = {
        s.job.id: [r for r in unknown if s.job.id in claims[r.id] and r not in mine.values()]
        for s in suspects
    }
    return mine, left


def plan(
    suspects: Sequence[Suspect],
    unknown: Sequence[RemoteFile],
    skew_s: float,
    under_way: Sequence[Suspect] = (),
) -> list[MatchResult]:
    """What the list says of each suspect.

    `unknown` are the remote files nobody of us claims, `under_way` the jobs whose own answer may
    still come. A file that several jobs could have made proves nothing, nor do several files that
    one job could have made.
    """
    mine, left = _owners(suspects, under_way, unknown, skew_s)
    findings: list[MatchResult] = []
    for suspect in suspects:
        job, rest = suspect.job, left[suspect.job.id]
        if job.id in mine and not _is_ours(mine[job.id], suspect, skew_s):
            findings.append(MatchResult(job, MatchVerdict.AMBIGUOUS, others=len(rest) + 1))
        elif job.id in mine:
            findings.append(MatchResult(job, MatchVerdict.ADOPT, mine[job.id], len(rest)))
        elif not rest:
            findings.append(MatchResult(job, MatchVerdict.ABSENT))
        elif any(_could_be(r, other, skew_s) for r in rest for other in under_way):
            findings.append(MatchResult(job, MatchVerdict.LATER, others=len(rest)))
        else:
            findings.append(MatchResult(job, MatchVerdict.AMBIGUOUS, others=len(rest)))
    return findings
