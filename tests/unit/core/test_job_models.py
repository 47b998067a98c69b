"""A job from waiting on: its account, purpose, hash and sent name are never empty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.jobs import JobState, JobView, RoutedJob, routed
from exai_desktop.core.jobs.store import IdTakenError

JOB = JobView(
    7, 1, "/a.txt", "a.txt", JobState.WAITING, 3, 1.0, 2.0,
    provider="kimi", account="work", purpose="file-extract", sha256="ab", sent_name="a.txt",
)  # fmt: skip


def test_a_routed_job_says_the_same_as_the_job() -> None:
    job = routed(JOB)
    assert isinstance(job, RoutedJob)
    assert (job.account, job.sent_name, job.id, job.path) == ("work", "a.txt", 7, "/a.txt")
    assert routed(job) is job


@pytest.mark.parametrize("name", ["provider", "account", "purpose", "sha256", "sent_name"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_job_without_its_account_is_no_routed_job(name: str, nothing: str | None) -> None:
    with pytest.raises(EngineError) as caught:
        routed(replace(JOB, **{name: nothing}))  # type: ignore[arg-type]
    assert caught.value.code is ErrorCode.WRONG_STATE
    assert name in caught.value.detail


def test_an_id_that_is_taken_names_its_file_and_its_job() -> None:
    copy = Copy(
        1, "kimi", "work", "p", "ab", 3, "f1", "a.pdf", CopyState.PRESENT, usable=True,
        recorded_at=0.0, job_id=7,
    )  # fmt: skip
    assert IdTakenError(copy).detail == "f1 is already the ID of a.pdf (job 7)"
    assert IdTakenError(replace(copy, job_id=None)).detail == "f1 is already the ID of a.pdf"
