"""Where files would go: by what accounts take, and as long as there is room."""

from __future__ import annotations

from collections.abc import Mapping

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.core.planning.plan import UploadPlan
from exai_desktop.core.planning.planner import Planner
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
) -> UploadPlan:
    planner = Planner(
        [KIMI, GLM],
        load_provider_table(),
        wish or Wish(),
        used or {},
        lambda account, _: limits if limits and account == "kimi" else Limits(),
        {},
    )
    for job in jobs:
        planner.add(job)
    return planner.plan(lambda _, count: pace_s * count, speed)


def test_what_fits_goes_and_what_does_not_says_why() -> None:
    bad = ErrorView.of(AppError(ErrorCode.EMPTY_FILE))
    plan = planned(
        NewJob("/a.txt", 10), NewJob("/b.exe", 10), NewJob("/c.txt", 0, bad), NewJob("/d.txt", 5)
    )
    assert [(f.account, f.error.code if f.error else None) for f in plan.files] == [
        ("kimi", None),
        (None, "INVALID_FILE_TYPE"),
        (None, "EMPTY_FILE"),
        ("kimi", None),
    ]
    assert plan.fitting == 2
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
    plan = planned(*jobs, used=used, limits=Limits(files=10))
    assert [f.account for f in plan.files] == ["kimi", "kimi", None, None]
    assert {f.error.code for f in plan.files if f.error} == {"CONSENT_NEEDED"}
    assert plan.accounts[0].files_left == 0
    plan = planned(*jobs, used=used, limits=Limits(files=10), wish=Wish(allow_fallback=True))
    assert [f.account for f in plan.files] == ["kimi", "kimi", "glm", "glm"]
    plan = planned(*jobs, limits=Limits(own_bytes=25, purpose_files=3), wish=Wish("kimi"))
    assert [f.account for f in plan.files] == ["kimi", "kimi", None, None]
    assert (plan.accounts[0].files_left, plan.accounts[0].bytes_left) == (1, 5)


def test_the_time_is_the_longer_of_line_and_limits() -> None:
    jobs = [NewJob("/a.txt", 1000), NewJob("/b.txt", 1000)]
    assert planned(*jobs).seconds is None
    assert planned(*jobs, speed=100.0).seconds == 20.0
    assert planned(*jobs, speed=100.0, pace_s=60.0).seconds == 120.0
    assert planned(*jobs, pace_s=60.0).seconds == 120.0
    assert planned(speed=100.0).seconds == 0.0
