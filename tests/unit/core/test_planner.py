"""Where files would go: by what accounts take, and as long as there is room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.core.planning.plan import PlannedAccount, PlannedFile, UploadPlan
from exai_desktop.core.planning.planner import Planner
from exai_desktop.core.routing.capabilities import Provider, ProviderTable
from exai_desktop.core.routing.routing import Limits, Usage, Wish

KIMI = Account("kimi", "kimi", "intl", "https://kimi.invalid/v1", order=0)
GLM = Account("glm", "glm", "zai", "https://glm.invalid/v4", order=1)


def planned(
    *jobs: NewJob,
    wish: Wish | None = None,
    used: Mapping[tuple[str, str], Usage] | None = None,
    limits: Limits | None = None,
    speed: float | None = None,
    pace_s: float = 0.0,
) -> tuple[list[PlannedFile], UploadPlan]:
    planner = Planner(
        [KIMI, GLM],
        load_provider_table(),
        wish or Wish(),
        used or {},
        lambda account, _: limits if limits and account == "kimi" else Limits(),
        {},
    )
    files = [planner.add(job) for job in jobs]
    return files, planner.plan(lambda _, count: pace_s * count, speed)


def test_what_fits_goes_and_what_does_not_says_why() -> None:
    bad = ErrorView.of(AppError(ErrorCode.EMPTY_FILE))
    files, plan = planned(
        NewJob("/a.txt", 10), NewJob("/b.exe", 10), NewJob("/c.txt", 0, bad), NewJob("/d.txt", 5)
    )
    assert [(f.account, f.error.code if f.error else None) for f in files] == [
        ("kimi", None),
        (None, "INVALID_FILE_TYPE"),
        (None, "EMPTY_FILE"),
        ("kimi", None),
    ]
    assert (plan.files, plan.fitting) == (4, 2)
    assert plan.refusals == ((str(files[1].error and files[1].error.title), 1), (bad.title, 1))
    [account] = plan.accounts
    assert (account.files, account.bytes, account.files_left, account.bytes_left) == (
        2,
        15,
        None,
        None,
    )


def test_a_full_account_takes_no_more_and_another_one_only_where_allowed() -> None:
    jobs = [NewJob(f"/{number}.txt", 10) for number in range(4)]
    used = {("kimi", "file-extract"): Usage(8, 80, 8), ("kimi", "image"): Usage(8, 80, 0)}
    files, plan = planned(*jobs, used=used, limits=Limits(files=10))
    assert [f.account for f in files] == ["kimi", "kimi", None, None]
    assert {f.error.code for f in files if f.error} == {"CONSENT_NEEDED"}
    # The real reason, and not that another company would take them.
    assert plan.refusals == ((AppError(ErrorCode.PROVIDER_FILE_LIMIT).title, 2),)
    assert plan.for_others == 2
    assert plan.accounts[0].files_left == 0
    files, plan = planned(*jobs, used=used, limits=Limits(files=10), wish=Wish(allow_fallback=True))
    assert [f.account for f in files] == ["kimi", "kimi", "glm", "glm"]
    assert plan.for_others == 0
    files, plan = planned(*jobs, limits=Limits(own_bytes=25, purpose_files=3), wish=Wish("kimi"))
    assert [f.account for f in files] == ["kimi", "kimi", None, None]
    assert (plan.accounts[0].files_left, plan.accounts[0].bytes_left) == (1, 5)


def test_the_time_is_the_longer_of_line_and_limits() -> None:
    jobs = [NewJob("/a.txt", 1000), NewJob("/b.txt", 1000)]
    assert planned(*jobs)[1].seconds is None
    assert planned(*jobs, speed=100.0)[1].seconds == 20.0
    assert planned(*jobs, speed=100.0, pace_s=60.0)[1].seconds == 120.0
    assert planned(*jobs, pace_s=60.0)[1].seconds == 120.0
    assert planned(speed=100.0)[1].seconds == 0.0


def test_each_account_has_a_time_of_its_own() -> None:
    quick = PlannedAccount("quick", 1, 3_000, None, None, 0.0)
    slow = PlannedAccount("slow", 9, 1_000, None, None, 90.0)
    plan = UploadPlan(10, 10, (quick, slow), (), 40.0)
    assert (plan.seconds_of(quick), plan.seconds_of(slow)) == (30.0, 90.0)
    unknown = UploadPlan(10, 10, (quick, slow), (), None)
    assert (unknown.seconds_of(quick), unknown.seconds_of(slow)) == (None, 90.0)


class Counted(ProviderTable):
    """Counts how often an account is held against a file."""

    def of(self, account: Account) -> Provider | None:
        asked.append(account.name)
        return super().of(account)


asked: list[str] = []


@pytest.mark.parametrize("by_file", [True, False])
@pytest.mark.parametrize(
    "limits", [Limits(), Limits(files=5), Limits(bytes=100), Limits(purpose_files=7)]
)
def test_a_file_costs_no_question_when_one_like_it_was_planned(
    limits: Limits, by_file: bool
) -> None:
    """As slow as the questions to the accounts are: a few for all of them."""
    slow = load_provider_table()
    table = Counted(schema_version=slow.schema_version, providers=slow.providers)
    sizes = [10, 12, 600_000_000, 3, 0, 200_000_000]
    jobs = [
        NewJob(f"/{n}.{ending}", sizes[n % 6] + n % 3)
        for n in range(3_000)
        for ending in ("txt", "png", "exe")
    ]
    planner, plain = (
        Planner([KIMI, GLM], which, Wish(allow_fallback=True), {}, lambda *_: limits, {},
                by_file=by_file)
        for which in (table, slow)
    )  # fmt: skip
    asked.clear()
    # With an error for each size nothing is saved: those that are compared will do.
    files = [planner.add(job) for job in (jobs[:300] if by_file else jobs)]
    if not by_file:
        assert len(asked) < 200
    for job, file in zip(jobs[:300], files[:300], strict=True):
        plain._ways.clear()  # nothing is remembered
        plain._full_from.clear()
        expected = plain.add(job)
        assert (file.account, file.purpose) == (expected.account, expected.purpose)
        assert (file.error is None) == (expected.error is None)
        if file.error is not None and expected.error is not None:
            assert file.error.code == expected.error.code
            assert not by_file or file.error.detail == expected.error.detail


def test_an_account_with_a_purpose_that_makes_no_sense_is_told_with_each_file() -> None:
    odd = replace(KIMI, purposes=("a b",))
    planner = Planner([odd], load_provider_table(), Wish(), {}, lambda *_: Limits(), {})
    file = planner.add(NewJob("/a.txt", 10))
    assert file.error is not None
    assert file.error.code == ErrorCode.INVALID_ACCOUNT
