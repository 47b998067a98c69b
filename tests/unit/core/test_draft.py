"""A plan that is changed: rules, kinds, sizes, room and consent decide about every file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.jobs import NewJob
from exai_desktop.core.planning.draft import PlanDraft
from exai_desktop.core.planning.kinds import FileKind, kind_named, kind_of
from exai_desktop.core.planning.plan import PlanMove, UploadPlan
from exai_desktop.core.planning.planner import Planner
from exai_desktop.core.routing.folder_rules import FolderRule, rule_of
from exai_desktop.core.routing.routing import Limits, Usage, Wish

KIMI = Account("kimi", "kimi", "intl", "https://kimi.invalid/v1", order=0)
SECOND = Account("second", "kimi", "intl", "https://kimi.invalid/v1", order=1)
GLM = Account("glm", "glm", "zai", "https://glm.invalid/v4", order=2)
ODD = Account("odd", "nobody", "x", "https://odd.invalid/v1", order=3)
E, K = ErrorCode, FileKind


def draft_of(
    *jobs: NewJob,
    wish: Wish | None = None,
    accounts: tuple[Account, ...] = (KIMI, SECOND, GLM, ODD),
    limits: Callable[[str], Limits] = lambda _: Limits(),
    used: Mapping[tuple[str, str], Usage] | None = None,
    rules: Mapping[str, FolderRule] | None = None,
) -> PlanDraft:
    table, wish = load_provider_table(), wish or Wish()
    planner = Planner(
        accounts, table, wish, used or {}, lambda name, _: limits(name), {}, by_file=False
    )
    draft = PlanDraft(planner, accounts, table, wish)
    for job in jobs:
        draft.add(job, [rules[job.path]] if rules and job.path in rules else ())
    return draft


def plan_of(draft: PlanDraft) -> UploadPlan:
    return draft.plan(lambda _, count: float(count), None, is_whole=True)


def counts(draft: PlanDraft) -> dict[str, int]:
    plan = plan_of(draft)
    found = {lane.name: lane.sums.files for lane in plan.lanes if lane.sums.files}
    return found | {group.code: group.files for group in plan.left}


def texts(count: int, size: int = 10) -> list[NewJob]:
    return [NewJob(f"/d/{number}.txt", size) for number in range(count)]


def refused(draft: PlanDraft, move: PlanMove) -> str:
    with pytest.raises(AppError) as caught:
        draft.move(move)
    assert caught.value.code is E.PLAN_MOVE_REFUSED
    return caught.value.detail


def test_kinds_and_their_names() -> None:
    assert (kind_of("pdf"), kind_of("zzz"), kind_of("")) == (K.DOCUMENTS, K.OTHERS, K.OTHERS)
    assert kind_named(" Tables ") is K.TABLES
    with pytest.raises(ValueError, match="the groups are: documents"):
        kind_named("paper")


def test_lanes_and_what_stays() -> None:
    empty = ErrorView.of(AppError(E.EMPTY_FILE))
    draft = draft_of(
        *texts(3), NewJob("/d/a.csv", 5), NewJob("/d/b.zzz", 5), NewJob("/d/e.txt", 0, empty),
        NewJob("/d/none", 5),
        limits=lambda name: Limits(files=3) if name in {"kimi", "second"} else Limits(),
        used={("kimi", "file-extract"): Usage(1, 1, 1)},
    )  # fmt: skip
    plan = plan_of(draft)
    by_name = {lane.name: lane for lane in plan.lanes}
    assert counts(draft) == {
        "kimi": 2,
        "second": 2,
        "INVALID_FILE_TYPE": 1,
        "EMPTY_FILE": 1,
        "INVALID_EXTENSION": 1,
    }
    assert (by_name["kimi"].held, by_name["kimi"].sums.files_left) == (1, 0)
    assert [g.kind for g in by_name["second"].groups] == [K.DOCUMENTS, K.TABLES]
    assert by_name["second"].is_allowed
    assert not by_name["glm"].is_allowed
    assert not any(group.can_move for group in plan.left)
    assert (plan.files, plan.fitting, plan.bytes, plan.reading) == (7, 4, 45, "/d")


def test_a_full_account_and_another_company() -> None:
    draft = draft_of(
        *texts(4),
        accounts=(KIMI, GLM),
        limits=lambda name: Limits(files=1 if name == "kimi" else 2),
        used={("glm", "agent"): Usage()},
    )
    assert counts(draft) == {"kimi": 1, "PROVIDER_FILE_LIMIT": 3}
    plan = plan_of(draft)
    assert [(lane.name, lane.could_take) for lane in plan.lanes] == [("kimi", 0), ("glm", 2)]
    assert plan.for_others == 2
    [group] = plan.left
    assert group.can_move
    births = {job.error.code for job in draft.jobs() if job.error}
    assert births == {E.CONSENT_NEEDED}
    why = refused(draft, PlanMove("glm", reason="PROVIDER_FILE_LIMIT"))
    assert why == f"glm: {AppError(E.CONSENT_NEEDED).title} (glm)"
    moved = draft.allow("glm")
    full = AppError(E.PROVIDER_FILE_LIMIT).title
    assert (moved.files, moved.kept) == (2, ((full, 1),))
    assert counts(draft) == {"kimi": 1, "glm": 2, "PROVIDER_FILE_LIMIT": 1}
    assert {job.account for job in draft.jobs()} == {"kimi", "glm", None}
    assert [(a.name, files, size) for a, _, files, size in draft.wanted_rooms()] == [
        ("kimi", 1, 10),
        ("glm", 2, 20),
    ]


def test_without_a_limit_all_that_is_taken_could_go() -> None:
    draft = draft_of(
        *texts(3),
        accounts=(KIMI, GLM),
        limits=lambda name: Limits(files=1) if name == "kimi" else Limits(),
    )
    assert [lane.could_take for lane in plan_of(draft).lanes] == [0, 2]


def test_room_for_small_files_only() -> None:
    """A large file that has no room does not keep out a small one behind it."""
    jobs = [NewJob("/d/a.txt", 50), NewJob("/d/b.txt", 60), NewJob("/d/c.txt", 5)]
    draft = draft_of(
        *jobs,
        accounts=(KIMI, SECOND),
        limits=lambda name: Limits(bytes=50) if name == "second" else Limits(),
        used={("second", "file-extract"): Usage(1, 20, 1)},
    )
    moved = draft.move(PlanMove("second", account="kimi"))
    assert (moved.files, [files for _, files in moved.kept]) == (1, [2])
    assert counts(draft) == {"kimi": 2, "second": 1}
    # What has left makes room.
    assert draft.move(PlanMove("kimi", account="second")).files == 1
    assert counts(draft) == {"kimi": 3}


def test_what_is_left_out_comes_back_only_by_the_users_word() -> None:
    draft = draft_of(*texts(2), NewJob("/d/a.csv", 5), accounts=(KIMI, GLM))
    assert draft.move(PlanMove(None, account="kimi", kinds=(K.TABLES,))).files == 1
    assert counts(draft) == {"kimi": 2, "LEFT_OUT": 1}
    assert draft.allow("glm").files == 0
    assert refused(draft, PlanMove(None, reason="LEFT_OUT")).startswith("left out: there are no")
    assert draft.move(PlanMove("kimi", reason="LEFT_OUT")).files == 1
    assert counts(draft) == {"kimi": 3}
    with pytest.raises(AppError) as caught:
        draft.move(PlanMove("nobody"))
    assert caught.value.code is E.UNKNOWN_ACCOUNT


def test_all_of_a_kind_wherever_it_is() -> None:
    empty = ErrorView.of(AppError(E.EMPTY_FILE))
    draft = draft_of(*texts(2), NewJob("/d/e.txt", 0, empty), accounts=(KIMI, SECOND, ODD))
    moved = draft.move(PlanMove("second", kinds=(K.DOCUMENTS,)))
    assert (moved.files, moved.kept) == (2, ((AppError(E.EMPTY_FILE).title, 1),))
    with pytest.raises(AppError):
        draft.allow("nobody")
    assert draft.allow("odd").files == 0
    assert refused(draft, PlanMove("odd", account="second")).startswith("odd: ")


def test_rules_of_folders_stand_above_all() -> None:
    only, any_place = rule_of("/d = kimi"), rule_of("/e = * +fallback")
    glm_alone, nowhere = rule_of("/f = glm"), rule_of("/g = kimi/cn")
    jobs = [NewJob(f"/{folder}/a.txt", 10) for folder in "defg"]
    rules = dict(
        zip((job.path for job in jobs), (only, any_place, glm_alone, nowhere), strict=True)
    )
    draft = draft_of(*jobs, rules=rules)
    assert counts(draft) == {"kimi": 2, "glm": 1, "PLACE_NOT_ALLOWED": 1}
    # The rule of /e consents, that of /d forbids it, and nobody has said a word for the rest.
    moved = draft.move(PlanMove("glm", account="kimi"))
    assert (moved.files, moved.kept[0][1]) == (1, 1)
    draft.allow("glm")
    assert str(only) in refused(draft, PlanMove("glm", account="kimi"))
    assert draft.move(PlanMove(None, account="glm")).files == 2
    assert draft.move(PlanMove("glm", reason="LEFT_OUT")).files == 2


def test_whoever_allows_all_companies_needs_no_other_word() -> None:
    draft = draft_of(*texts(2), wish=Wish(allow_fallback=True), accounts=(KIMI, GLM))
    assert draft.move(PlanMove("glm", account="kimi")).files == 2
    assert plan_of(draft_of(accounts=())).lanes == ()


def test_names_that_are_no_text_come_back_as_they_were() -> None:
    paths = ["/d/caf\udce9.txt", "/d/报告.txt"]
    assert [job.path for job in draft_of(*(NewJob(p, 1) for p in paths)).jobs()] == paths
