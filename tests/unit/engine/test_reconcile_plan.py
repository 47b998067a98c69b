"""What the provider's list says about uncertain uploads."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.engine.reconciliation.list_matching import (
    MatchResult,
    MatchVerdict,
    Suspect,
    plan,
)

SKEW_S = 120.0
BEGAN = 1_000_000.0


def _suspect(job_id: int, name: str, size: int = 100, began: float = BEGAN) -> Suspect:
    job = JobView(
        job_id, 1, f"/{name}", name, JobState.UNCERTAIN, size, began, began, sent_name=name
    )
    return Suspect(job, began)


def _remote(file_id: str, name: str, size: int = 100, created_at: float = BEGAN + 1) -> RemoteFile:
    return RemoteFile(file_id, name, size, created_at, "file-extract")


def _one(suspect: Suspect, *unknown: RemoteFile) -> MatchResult:
    [finding] = plan([suspect], unknown, SKEW_S)
    assert finding.job is suspect.job
    return finding


def _adopted(findings: Sequence[MatchResult]) -> dict[int, str]:
    return {f.job.id: f.remote.id for f in findings if f.remote is not None}


def test_the_file_of_our_name_size_and_time_is_ours() -> None:
    found = _remote("f1", "a.pdf")
    assert _one(_suspect(1, "a.pdf"), found) == MatchResult(
        _suspect(1, "a.pdf").job, MatchVerdict.ADOPT, found, others=0
    )


@pytest.mark.parametrize("name", ["a (1).pdf", "a(2).pdf", "a (12).pdf"])
def test_a_file_the_provider_renamed_is_ours_too(name: str) -> None:
    assert _one(_suspect(1, "a.pdf"), _remote("f1", name)).verdict is MatchVerdict.ADOPT


def test_an_empty_list_says_absent() -> None:
    assert _one(_suspect(1, "a.pdf")).verdict is MatchVerdict.ABSENT


@pytest.mark.parametrize(
    "other",
    [
        _remote("f1", "a.pdf", size=99),
        _remote("f1", "b.pdf"),
        _remote("f1", "a (1).txt"),
        _remote("f1", "a.pdf", created_at=BEGAN - SKEW_S - 1),
    ],
    ids=["size", "name", "ending", "too old"],
)
def test_another_file_is_not_ours(other: RemoteFile) -> None:
    finding = _one(_suspect(1, "a.pdf"), other)
    assert (finding.verdict, finding.remote) == (MatchVerdict.ABSENT, None)


def test_a_provider_s_clock_may_be_behind_by_the_skew() -> None:
    just = _remote("f1", "a.pdf", created_at=BEGAN - SKEW_S)
    assert _one(_suspect(1, "a.pdf"), just).verdict is MatchVerdict.ADOPT


def test_a_provider_that_stored_it_much_later_is_believed() -> None:
    late = _remote("f1", "a.pdf", created_at=BEGAN + 86_400)
    assert _one(_suspect(1, "a.pdf"), late).verdict is MatchVerdict.ADOPT


def test_of_several_none_is_taken() -> None:
    """One attempt makes one file: at least two of them are somebody else's."""
    files = [_remote(f"f{n}", f"a ({n}).pdf", created_at=BEGAN + 10 - n) for n in (1, 3, 2)]
    finding = _one(_suspect(1, "a.pdf"), *files)
    assert (finding.verdict, finding.remote) == (MatchVerdict.AMBIGUOUS, None)
    assert finding.others == 3


def test_a_job_with_several_leaves_none_of_them_to_another_job() -> None:
    """It may have made the one that both could have made."""
    suspects = [_suspect(1, "a.pdf"), _suspect(2, "a.pdf", began=BEGAN + 3_600)]
    files = [_remote("f1", "a.pdf"), _remote("f2", "a (1).pdf")]
    both = _remote("f3", "a (2).pdf", created_at=BEGAN + 3_601)
    assert _adopted(plan(suspects, [*files[:1], both], SKEW_S)) == {1: "f1", 2: "f3"}
    findings = plan(suspects, [*files, both], SKEW_S)
    assert [f.verdict for f in findings] == [MatchVerdict.AMBIGUOUS, MatchVerdict.AMBIGUOUS]


def test_a_file_more_than_jobs_makes_it_a_question_for_each_of_them() -> None:
    """Each has one that only it can have made, but either could have made the third."""
    suspects = [_suspect(1, "a.pdf"), _suspect(2, "a (1).pdf")]
    files = [_remote("f1", "a (7).pdf"), _remote("f2", "a (1) (2).pdf")]
    assert _adopted(plan(suspects, files, SKEW_S)) == {1: "f1", 2: "f2"}
    findings = plan(suspects, [*files, _remote("f3", "a (1).pdf")], SKEW_S)
    assert [(f.verdict, f.others) for f in findings] == [(MatchVerdict.AMBIGUOUS, 2)] * 2


def test_a_file_of_a_job_under_way_is_no_doubt_about_ones_own() -> None:
    later = _suspect(2, "a.pdf", began=BEGAN + 3_600)
    files = [_remote("f1", "a.pdf"), _remote("f2", "a (1).pdf", created_at=BEGAN + 3_601)]
    [finding] = plan([_suspect(1, "a.pdf")], files, SKEW_S, under_way=[later])
    assert (finding.verdict, finding.remote, finding.others) == (MatchVerdict.ADOPT, files[0], 1)


def test_a_file_that_two_contents_could_be_is_left_to_the_user() -> None:
    """Equal name and size in two folders: nothing in the list tells them apart."""
    findings = plan([_suspect(1, "a.pdf"), _suspect(2, "a.pdf")], [_remote("f1", "a.pdf")], SKEW_S)
    assert [f.verdict for f in findings] == [MatchVerdict.AMBIGUOUS, MatchVerdict.AMBIGUOUS]
    assert all(f.remote is None and f.others == 1 for f in findings)


def test_two_files_for_two_of_one_name_are_left_to_the_user_too() -> None:
    files = [_remote("f1", "a.pdf"), _remote("f2", "a (1).pdf")]
    findings = plan([_suspect(1, "a.pdf"), _suspect(2, "a.pdf")], files, SKEW_S)
    assert {f.verdict for f in findings} == {MatchVerdict.AMBIGUOUS}


def test_a_name_that_the_provider_may_have_made_decides_nothing() -> None:
    """`a (1).pdf` is the name one job has sent, but also what a second `a.pdf` becomes."""
    findings = plan(
        [_suspect(1, "a.pdf"), _suspect(2, "a (1).pdf")], [_remote("f1", "a (1).pdf")], SKEW_S
    )
    assert [f.verdict for f in findings] == [MatchVerdict.AMBIGUOUS, MatchVerdict.AMBIGUOUS]


def test_a_file_that_a_job_under_way_may_have_made_is_left_until_that_one_is_settled() -> None:
    [finding] = plan(
        [_suspect(1, "a.pdf")],
        [_remote("f1", "a (1).pdf")],
        SKEW_S,
        under_way=[_suspect(2, "a (1).pdf")],
    )
    assert (finding.verdict, finding.remote) == (MatchVerdict.LATER, None)


def test_each_of_two_names_finds_its_own_file() -> None:
    files = [_remote("f1", "a (1).pdf"), _remote("f2", "a.pdf")]
    suspects = [_suspect(1, "a.pdf"), _suspect(2, "a (1).pdf")]
    assert _adopted(plan(suspects, files, SKEW_S)) == {1: "f2", 2: "f1"}


def test_files_that_differ_in_size_do_not_get_in_each_other_s_way() -> None:
    suspects = [_suspect(1, "a.pdf", 100), _suspect(2, "a.pdf", 200)]
    files = [_remote("f1", "a.pdf", 200), _remote("f2", "a (1).pdf", 100)]
    assert _adopted(plan(suspects, files, SKEW_S)) == {1: "f2", 2: "f1"}


def test_a_later_upload_cannot_have_made_an_earlier_file() -> None:
    suspects = [_suspect(1, "a.pdf"), _suspect(2, "a.pdf", began=BEGAN + 3_600)]
    findings = plan(suspects, [_remote("f1", "a.pdf")], SKEW_S)
    assert [f.verdict for f in findings] == [MatchVerdict.ADOPT, MatchVerdict.ABSENT]


def test_a_file_left_out_because_it_is_known_is_not_adopted_again() -> None:
    """The caller keeps back the ids it knows; what is left is judged without them."""
    listed = [_remote("known", "a.pdf"), _remote("new", "a (1).pdf", created_at=BEGAN + 2)]
    finding = _one(_suspect(1, "a.pdf"), *(r for r in listed if r.id != "known"))
    assert finding.remote is not None
    assert (finding.remote.id, finding.others) == ("new", 0)


def test_nothing_to_settle_is_no_fault() -> None:
    assert plan([], [_remote("f1", "a.pdf")], SKEW_S) == []


NAMES = st.sampled_from(["a.pdf", "a (1).pdf", "a (1) (1).pdf", "b.pdf", "a"])
SIZES = st.sampled_from([100, 200])
TIMES = st.floats(BEGAN - 300, BEGAN + 300)
SUSPECTS = st.lists(
    st.builds(_suspect, st.integers(1, 99), NAMES, SIZES, TIMES),
    unique_by=lambda s: s.job.id,
    max_size=6,
)
REMOTES = st.lists(
    st.builds(_remote, st.uuids().map(str), NAMES, SIZES, TIMES),
    unique_by=lambda r: r.id,
    max_size=8,
)


@given(SUSPECTS, REMOTES)
def test_every_suspect_gets_one_finding_and_no_file_two_jobs(
    suspects: list[Suspect], unknown: list[RemoteFile]
) -> None:
    findings = plan(suspects, unknown, SKEW_S)
    assert [f.job.id for f in findings] == [s.job.id for s in suspects]
    taken = list(_adopted(findings).values())
    assert len(set(taken)) == len(taken)
    for suspect, finding in zip(suspects, findings, strict=True):
        assert (finding.remote is not None) == (finding.verdict is MatchVerdict.ADOPT)
        if finding.remote is not None:
            assert finding.remote in unknown
            assert finding.remote.bytes == suspect.job.size
            assert finding.remote.created_at >= suspect.started_at - SKEW_S


@given(SUSPECTS, REMOTES, st.randoms(use_true_random=False))
def test_the_order_of_list_and_jobs_changes_nothing(
    suspects: list[Suspect], unknown: list[RemoteFile], random: Random
) -> None:
    before = {f.job.id: (f.verdict, f.remote) for f in plan(suspects, unknown, SKEW_S)}
    random.shuffle(suspects)
    random.shuffle(unknown)
    after = {f.job.id: (f.verdict, f.remote) for f in plan(suspects, unknown, SKEW_S)}
    tied = len({r.created_at for r in unknown}) < len(unknown)
    assert tied or before == after


def test_where_a_clock_was_wrong_time_proves_nothing_and_the_user_is_asked() -> None:
    doubtful = replace(_suspect(1, "a.pdf"), time_is_doubtful=True)
    long_before = _remote("f1", "a.pdf", created_at=BEGAN - 86_400)
    found = _one(doubtful, long_before)
    assert (found.verdict, found.others) == (MatchVerdict.AMBIGUOUS, 1)
    assert _one(doubtful, _remote("f2", "b.pdf")).verdict is MatchVerdict.ABSENT


def test_where_nobody_knows_how_wrong_a_clock_was_no_file_is_too_old() -> None:
    """A question, not an absence: it would be sent again."""
    unproven = replace(_suspect(1, "a.pdf"), time_is_unproven=True)
    long_before = _remote("f1", "a (1).pdf", created_at=BEGAN - 86_400)
    found = _one(unproven, long_before, _remote("f2", "b.pdf"))
    assert (found.verdict, found.remote, found.others) == (MatchVerdict.AMBIGUOUS, None, 1)
    assert _one(unproven, _remote("f2", "b.pdf")).verdict is MatchVerdict.ABSENT
    # The only one there is, and in time: it is ours.
    assert _one(unproven, _remote("f3", "a.pdf")).verdict is MatchVerdict.ADOPT


def test_nor_is_such_a_file_another_job_s() -> None:
    unproven = replace(_suspect(1, "a.pdf"), time_is_unproven=True)
    earlier = _suspect(2, "a.pdf", began=BEGAN - 3_600)
    findings = plan([unproven, earlier], [_remote("f1", "a.pdf", created_at=BEGAN - 3_600)], SKEW_S)
    assert [f.verdict for f in findings] == [MatchVerdict.AMBIGUOUS, MatchVerdict.AMBIGUOUS]
