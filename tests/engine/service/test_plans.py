"""Plans that are changed and sent: every file goes where the plan says, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, Sent, TransferError
from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView, Origin
from exai_desktop.core.planning.kinds import FileKind
from exai_desktop.core.planning.plan import ChangedPlan, PlanChange, PlanLane, PlanMove, UploadPlan
from tests.engine.accounts.test_breaker import write
from tests.engine.engine_kit import GLM, KIMI, Bench, code, open_bench, settings
from tests.engine.scripted_provider import ScriptedProvider
from tests.engine.upload.test_folder_rules import rules

S, K, E = JobState, FileKind, ErrorCode


@contextmanager
def raises(code: ErrorCode) -> Iterator[None]:
    with pytest.raises(AppError) as caught:
        yield
    assert caught.value.code is code


async def begun(bench: Bench, *paths: Path, **options: object) -> tuple[int, UploadPlan]:
    """A plan to be changed, looked at to its end."""
    given = AddOptions(**options)  # type: ignore[arg-type]
    number = await bench.engine.queue.plan([str(p) for p in paths], given, editable=True)
    while True:
        plan = (await bench.engine.queue.planned(number)).plan
        if plan.is_whole:
            return number, plan


async def moved(bench: Bench, number: int, target: str | None, **move: object) -> ChangedPlan:
    change = PlanChange(move=PlanMove(target, **move))  # type: ignore[arg-type]
    return await bench.engine.queue.change_plan(number, change)


async def sent(bench: Bench, number: int) -> list[JobView]:
    batch = await bench.engine.queue.send_plan(number)
    await bench.finished(batch)
    return await bench.rows(batch)


def lane(plan: UploadPlan, name: str) -> PlanLane:
    return next(lane for lane in plan.lanes if lane.name == name)


def counts(plan: UploadPlan) -> dict[str, int]:
    """By account, and by code for what stays."""
    found = {lane.name: lane.sums.files for lane in plan.lanes if lane.sums.files}
    return found | {group.code: group.files for group in plan.left}


def papers(folder: Path, texts: int, tables: int) -> Path:
    """A folder of text files and tables, each with a content of its own."""
    folder.mkdir(exist_ok=True)
    for number in range(texts):
        (folder / f"{number}.txt").write_text(f"text {number} of {folder}", encoding="utf-8")
    for number in range(tables):
        (folder / f"{number}.csv").write_text(f"a,{number},{folder}\n", encoding="utf-8")
    return folder


async def test_send_does_what_the_plan_says_and_the_rest_stays(tmp_path: Path) -> None:
    folder = papers(tmp_path / "papers", 3, 2)
    (folder / "empty.txt").touch()
    async with open_bench(tmp_path, accounts=(KIMI, replace(GLM, order=5))) as bench:
        number, plan = await begun(bench, folder)
        assert counts(plan) == {"kimi": 5, "EMPTY_FILE": 1}
        assert [(g.kind, g.files) for g in lane(plan, "kimi").groups] == [
            (K.DOCUMENTS, 3),
            (K.TABLES, 2),
        ]
        assert not lane(plan, "glm").is_allowed
        await bench.engine.queue.change_plan(number, PlanChange(allow="glm"))
        answer = await moved(bench, number, "glm", account="kimi", kinds=(K.DOCUMENTS,))
        assert (answer.moved, counts(answer.plan)) == (3, {"kimi": 2, "glm": 3, "EMPTY_FILE": 1})
        with raises(E.PLAN_MOVE_REFUSED):
            await moved(bench, number, "glm", account="kimi", kinds=(K.TABLES,))
        answer = await moved(bench, number, None, account="kimi", kinds=(K.TABLES,))
        assert counts(answer.plan) == {"glm": 3, "LEFT_OUT": 2, "EMPTY_FILE": 1}
        rows = await sent(bench, number)
        assert sorted(bench.providers["glm"].uploads) == ["0.txt", "1.txt", "2.txt"]
        assert bench.providers["kimi"].uploads == []
        assert {(row.state, row.account, code(row)) for row in rows} == {
            (S.DONE, "glm", None),
            (S.REFUSED, None, "LEFT_OUT"),
            (S.REFUSED, None, "EMPTY_FILE"),
        }
        with raises(E.UNKNOWN_PLAN):
            await bench.engine.queue.send_plan(number)


async def test_the_rule_of_a_folder_wins_over_a_move(tmp_path: Path) -> None:
    inner = papers(tmp_path / "inner", 1, 0)
    outer = papers(tmp_path / "outer", 2, 0)
    wanted = settings(folder_rules=rules(f"{inner} = kimi"), allow_fallback=True)
    async with open_bench(tmp_path, wanted=wanted) as bench:
        number, plan = await begun(bench, inner, outer)
        assert counts(plan) == {"kimi": 3}
        answer = await moved(bench, number, "glm", account="kimi")
        assert (answer.moved, counts(answer.plan)) == (2, {"kimi": 1, "glm": 2})
        [(why, files)] = answer.kept
        assert files == 1
        assert why.startswith(AppError(E.PLACE_NOT_ALLOWED).title)
        with raises(E.PLAN_MOVE_REFUSED):
            await moved(bench, number, "glm", account="kimi")
        await sent(bench, number)
        assert (len(bench.providers["kimi"].uploads), len(bench.providers["glm"].uploads)) == (1, 2)


async def test_another_company_is_allowed_for_one_plan_only(tmp_path: Path) -> None:
    folder = papers(tmp_path / "papers", 5, 0)
    async with open_bench(tmp_path, wanted=settings(account_max_files=3)) as bench:
        number, plan = await begun(bench, folder)
        # The reason that is told is not that another company would take them.
        assert counts(plan) == {"kimi": 3, "QUOTA_EXCEEDED": 2}
        assert lane(plan, "glm").could_take == 2
        with raises(E.PLAN_MOVE_REFUSED):
            await moved(bench, number, "glm", reason="QUOTA_EXCEEDED")
        answer = await bench.engine.queue.change_plan(number, PlanChange(allow="glm"))
        assert (answer.moved, counts(answer.plan)) == (2, {"kimi": 3, "glm": 2})
        assert all(row.state is S.DONE for row in await sent(bench, number))
        _, plan = await begun(bench, folder)
        assert not lane(plan, "glm").is_allowed


async def test_a_group_that_does_not_fit_as_a_whole_is_split(tmp_path: Path) -> None:
    folder = papers(tmp_path / "papers", 4, 0)
    wanted = settings(account_max_files=5, allow_fallback=True)
    async with open_bench(tmp_path, wanted=wanted) as bench:
        await bench.upload(*write(tmp_path, "a.txt", "b.txt", "c.txt"), account="glm")
        number, _ = await begun(bench, folder)
        answer = await moved(bench, number, "glm", account="kimi")
        assert (answer.moved, counts(answer.plan)) == (2, {"kimi": 2, "glm": 2})
        assert [files for _, files in answer.kept] == [2]
        # Back again there is room, and it is counted.
        answer = await moved(bench, number, "kimi", account="glm")
        assert counts(answer.plan) == {"kimi": 4}
        assert lane(answer.plan, "glm").sums.files_left == 2
        assert lane(answer.plan, "kimi").sums.files_left == 1


async def test_no_file_takes_another_way_than_the_plan_says(tmp_path: Path) -> None:
    """Not by the setting that allows it always, when its account refuses it."""
    folder = papers(tmp_path / "papers", 1, 0)
    refusal = TransferError(E.PROVIDER_REJECTED, "not this one", sent=Sent.ALL, status=400)
    kimi = ScriptedProvider(faults=[refusal, refusal])
    wanted = settings(allow_fallback=True)
    async with open_bench(tmp_path, wanted=wanted, providers={"kimi": kimi}) as bench:
        number, _ = await begun(bench, folder)
        [row] = await sent(bench, number)
        assert (row.state, row.wanted_account) == (S.REFUSED, "kimi")
        assert bench.providers["glm"].uploads == []
        # A drop without a plan goes on to the other one.
        [row] = await bench.upload(folder)
        assert (row.state, row.account) == (S.DONE, "glm")


@pytest.mark.parametrize("change", ["rule", "room", "account"])
async def test_a_plan_that_does_not_hold_any_more_adds_nothing(tmp_path: Path, change: str) -> None:
    folder = papers(tmp_path / "papers", 3, 0)
    async with open_bench(tmp_path, wanted=settings(account_max_files=3)) as bench:
        number, _ = await begun(bench, folder)
        before = len(await bench.rows())
        if change == "rule":
            await bench.engine.settings.set_rule(str(folder), ["glm/zai"])
        elif change == "room":
            await bench.upload(*write(tmp_path, "first.txt"))
            before += 1
        else:
            account = bench.parts.accounts.get("kimi")
            bench.parts.accounts.change(replace(account, key_fingerprint="another"))
        with raises(E.PLAN_OUTDATED):
            await bench.engine.queue.send_plan(number)
        assert len(await bench.rows()) == before
        # It is still there, to be looked at or dropped.
        await bench.engine.queue.drop_plan(number)
        with raises(E.UNKNOWN_PLAN):
            await bench.engine.queue.planned(number)


async def test_a_file_that_changed_since_is_told_and_not_sent(tmp_path: Path) -> None:
    folder = papers(tmp_path / "papers", 3, 0)
    async with open_bench(tmp_path) as bench:
        number, _ = await begun(bench, folder)
        (folder / "0.txt").write_text("longer than it was before", encoding="utf-8")
        (folder / "1.txt").unlink()
        (folder / "new.txt").write_text("not in the plan", encoding="utf-8")
        rows = await sent(bench, number)
        assert {row.name: code(row) for row in rows} == {
            "0.txt": "CHANGED_SINCE_PLAN",
            "1.txt": "FILE_NOT_FOUND",
            "2.txt": None,
        }
        assert bench.providers["kimi"].uploads == ["2.txt"]


async def test_only_a_plan_that_is_whole_is_changed_and_sent(tmp_path: Path) -> None:
    folder = papers(tmp_path / "papers", 3, 0)
    async with open_bench(tmp_path) as bench:
        queue = bench.engine.queue
        number = await queue.plan([str(folder)], AddOptions(), editable=True)
        with raises(E.WRONG_STATE):
            await queue.send_plan(number)
        # Whoever has seen enough goes on with what was found so far.
        answer = await queue.change_plan(number, PlanChange(stop=True))
        assert (answer.plan.is_whole, answer.plan.files) == (True, 0)
        fixed = await queue.plan([str(folder)], AddOptions())
        with raises(E.WRONG_STATE):
            await queue.change_plan(fixed, PlanChange())
        with raises(E.WRONG_STATE):
            await queue.plan([str(folder)], AddOptions(origin=Origin.UNATTENDED), editable=True)
