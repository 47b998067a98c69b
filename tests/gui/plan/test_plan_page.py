"""Before many files are sent: the plan, changed by the user, and nothing before the user's yes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions, JobState
from exai_desktop.core.planning.kinds import FileKind
from exai_desktop.core.planning.plan import (
    ChangedPlan,
    LeftGroup,
    PlanChange,
    PlanLane,
    PlanMove,
    PlannedAccount,
    PlannedGroup,
    UploadPlan,
)
from exai_desktop.gui.plan import words
from exai_desktop.gui.plan.page import PlanPage
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
K = FileKind

FULL = AppError(ErrorCode.PROVIDER_FILE_LIMIT)
EMPTY = AppError(ErrorCode.EMPTY_FILE)


def lane(name: str, *counts: tuple[FileKind, int], allowed: bool = True, **more: int) -> PlanLane:
    files = sum(count for _, count in counts)
    sums = PlannedAccount(name, files, files * 1000, more.get("left", 0), None, 1200.0)
    groups = tuple(PlannedGroup(kind, n, n * 1000, ("pdf", "txt")) for kind, n in counts)
    held, take = more.get("held", 0), more.get("take", 0)
    return PlanLane(sums, "kimi", "intl", allowed, take, held, groups)


def plan(*lanes: PlanLane, full: int = 0, empty: int = 0, is_whole: bool = True) -> UploadPlan:
    left = []
    for error, files in ((FULL, full), (EMPTY, empty)):
        if files:
            can_move = error is FULL
            left.append(LeftGroup(error.code, error.title, files, files, can_move))
    fitting = sum(each.sums.files for each in lanes)
    total = fitting + full + empty
    sums = tuple(each.sums for each in lanes if each.sums.files)
    return UploadPlan(
        *(total, fitting, sums, (), 30.0, is_whole, 0, total * 1000),
        lanes=lanes,
        left=tuple(left),
    )


SOME = plan(
    lane("kimi", (K.DOCUMENTS, 150), (K.TABLES, 50)),
    lane("glm", allowed=False, left=100, take=40),
    full=50,
    empty=2,
)


def test_the_words() -> None:
    assert words.title_of(SOME) == "Plan for 252 files, 252 kB"
    kimi, glm = SOME.lanes
    assert words.lane_count(kimi) == "200 files, 200 kB"
    assert words.lane_count(glm) == "could take 40 files"
    assert words.room_text(kimi) == "Empty now, full afterwards"
    assert words.room_text(lane("a", held=900, left=40)) == "900 held, room for 40 files afterwards"
    assert words.finish_text(SOME, kimi).endswith("(20 min)")
    assert words.sum_text(SOME).startswith("200 go now, done about ")
    assert words.rest_text(SOME) == "52 stay in the queue, one group for each reason"
    answer = ChangedPlan(SOME, 1, ((FULL.title, 3),))
    said = "1 file goes to glm now. 3 could not be moved: The account is full at the provider."
    assert words.move_text(answer, "glm") == said
    counting = plan(lane("kimi", (K.DOCUMENTS, 1)), is_whole=False)
    assert words.title_of(counting) == "Counting: 1 file so far, 1.0 kB"


def page_of(stage: Stage) -> PlanPage:
    stage.until(lambda: stage.window.stack.currentWidget() is stage.window.plans.page)
    page = stage.window.plans.page
    assert page is not None
    return page


def calls(script: ScriptedService, name: str) -> list[tuple[object, ...]]:
    return [call for call in script.calls if call[0] == name]


def begun(open_window: Open, *parts: UploadPlan) -> tuple[Stage, ScriptedService]:
    script = ScriptedService(statuses=[account("kimi"), account("glm")], plan_parts=list(parts))
    stage = open_window(script)
    stage.drop_paths("/d")
    return stage, script


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_many_files_wait_for_a_yes(open_window: Open, key: Qt.Key) -> None:
    stage, script = begun(open_window, SOME)
    page = page_of(stage)
    assert not list(unnamed(page))
    assert page.send.text() == "&Send 200 files"
    assert stage.window.pages.title == "Queue"
    page.send.setFocus()
    stage.press(key)
    stage.until(lambda: stage.window.plans.page is None)
    assert stage.window.stack.currentWidget() is stage.window.page
    assert len(calls(script, "queue.send_plan")) == (key is Qt.Key.Key_Return)
    if key is Qt.Key.Key_Escape:
        stage.until(lambda: len(calls(script, "queue.drop_plan")) == 1)
    assert calls(script, "queue.add") == []


def test_the_first_figures_are_shown_while_files_are_still_being_found(open_window: Open) -> None:
    stage, script = begun(open_window)
    script.plan_parts.append(plan(lane("kimi", (K.DOCUMENTS, 200)), is_whole=False))
    page = page_of(stage)
    assert page.title == "Counting: 200 files so far, 200 kB"
    assert page.send.isHidden()
    [line] = page.lanes["kimi"].rows.values()
    assert not line.move_to.isEnabled()
    script.plan_parts.append(plan(lane("kimi", (K.DOCUMENTS, 300), (K.TABLES, 5)), empty=1))
    stage.until(page.send.isVisible)
    # The row is the one that was there, and can be moved now.
    assert page.lanes["kimi"].rows[K.DOCUMENTS] is line
    assert line.move_to.isEnabled()
    page.send.click()
    stage.until(lambda: len(calls(script, "queue.send_plan")) == 1)


def test_whoever_has_seen_enough_stops_counting(open_window: Open) -> None:
    counting = plan(lane("kimi", (K.DOCUMENTS, 200)), is_whole=False)
    stage, script = begun(open_window, counting)
    page = page_of(stage)
    script.changed_plan = ChangedPlan(plan(lane("kimi", (K.DOCUMENTS, 220))))
    page.stop.click()
    script.plan_parts.append(plan(lane("kimi", (K.DOCUMENTS, 220))))
    stage.until(page.send.isEnabled)
    assert ("queue.change_plan", 1, PlanChange(stop=True)) in script.calls


def test_whoever_cancels_early_ends_the_plan(open_window: Open) -> None:
    stage, script = begun(open_window)
    script.plan_parts.append(plan(lane("kimi", (K.DOCUMENTS, 200)), is_whole=False))
    page_of(stage).cancel.click()
    script.plan_parts.append(SOME)
    stage.until(lambda: stage.parts.tasks.running == 0)
    assert stage.window.plans.page is None
    assert len(calls(script, "queue.drop_plan")) == 1
    assert calls(script, "queue.add") == calls(script, "queue.send_plan") == []


def test_groups_are_moved_one_or_many(open_window: Open) -> None:
    stage, script = begun(open_window, SOME)
    page = page_of(stage)
    tables = page.lanes["kimi"].rows[K.TABLES]
    tables.fill()
    assert [a.text() for a in tables.menu.actions()] == ["glm: not allowed yet", "", "Leave out"]
    moved = plan(lane("kimi", (K.DOCUMENTS, 150)), lane("glm", (K.TABLES, 50)), full=50, empty=2)
    script.changed_plan = ChangedPlan(moved, 50)
    tables.menu.actions()[0].trigger()
    stage.until(lambda: page.result.title == "50 files go to glm now.")
    wanted = PlanChange(move=PlanMove("glm", "kimi", None, (K.TABLES,)))
    assert calls(script, "queue.change_plan") == [("queue.change_plan", 1, wanted)]
    arrived = page.lanes["glm"].rows[K.TABLES].move_to
    stage.until(lambda: stage.window.focusWidget() is arrived)
    # Two that are chosen go together, whichever of them is told where.
    left = page.left["Does not fit"].rows[FULL.code]
    documents = page.lanes["kimi"].rows[K.DOCUMENTS]
    for line in (left, documents):
        line.choose.setChecked(True)
    left.fill()
    left.menu.actions()[-1].trigger()
    stage.until(lambda: len(calls(script, "queue.change_plan")) == 3)
    changes = [call[2] for call in calls(script, "queue.change_plan")[1:]]
    assert changes == [
        PlanChange(move=PlanMove(None, "kimi", None, (K.DOCUMENTS,))),
        PlanChange(move=PlanMove(None, None, FULL.code)),
    ]


def test_a_move_that_must_not_be_is_told_with_its_reason(open_window: Open) -> None:
    stage, script = begun(open_window, SOME)
    page = page_of(stage)
    script.failure = AppError(ErrorCode.PLAN_MOVE_REFUSED, "glm: a rule of the folder")
    tables = page.lanes["kimi"].rows[K.TABLES]
    tables.fill()
    tables.menu.actions()[0].trigger()
    stage.until(lambda: page.result.title == script.failure.title)  # type: ignore[union-attr]
    script.failure = None
    assert page.plan == SOME
    stage.until(page.send.isEnabled)


def test_another_company_is_allowed_there_and_then(open_window: Open) -> None:
    stage, script = begun(open_window, SOME)
    page = page_of(stage)
    assert page.lanes["glm"].allow.isVisible()
    assert not page.lanes["kimi"].allow.isVisible()
    allowed = plan(lane("kimi", (K.DOCUMENTS, 200)), lane("glm", (K.DOCUMENTS, 40)), full=10)
    script.changed_plan = ChangedPlan(allowed, 40)
    page.lanes["glm"].allow.click()
    # What is on show is not what would be sent, until the engine has answered.
    assert not page.send.isEnabled()
    stage.until(lambda: page.result.title == "40 files go to glm now.")
    assert page.send.text() == "&Send 240 files"
    assert not page.lanes["glm"].allow.isVisible()
    assert not stage.window.page.send_menu.options.allow_fallback


def test_what_changed_since_is_told_and_counted_again(open_window: Open) -> None:
    stage, script = begun(open_window, SOME)
    page = page_of(stage)
    script.failure = AppError(ErrorCode.PLAN_OUTDATED, "kimi: it would be 1,001 of 1,000 files")
    page.send.click()
    stage.until(page.again.isVisible)
    assert page.result.title == "The plan does not hold any more"
    assert page.send.isHidden()
    script.failure = None
    script.plan_parts = [plan(lane("kimi", (K.DOCUMENTS, 120)))]
    page.again.click()
    stage.until(page.send.isVisible)
    assert page.send.text() == "&Send 120 files"
    assert len(calls(script, "queue.plan")) == 2


def test_a_second_plan_waits_for_the_first(open_window: Open) -> None:
    stage, script = begun(open_window, SOME)
    page = page_of(stage)
    script.plan_parts = [plan(lane("kimi", (K.DOCUMENTS, 777)))]
    stage.drop_paths("/e")
    stage.until(lambda: stage.parts.notices.title == "Another plan is open")
    assert page.plan == SOME
    page.cancel.click()
    stage.until(lambda: page.send.text() == "&Send 777 files")
    assert stage.window.stack.currentWidget() is page


def test_a_few_go_at_once(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    script.plan_parts = [plan(lane("kimi", (K.DOCUMENTS, 100)))]
    stage = open_window(script)
    stage.drop_paths("/d")
    stage.until(lambda: len(calls(script, "queue.add")) == 1)
    assert calls(script, "queue.add") == [("queue.add", ("/d",), AddOptions())]
    assert stage.window.plans.page is None


@pytest.mark.parametrize("size", [(800, 600), (1280, 800)])
def test_it_fits_low_and_narrow_windows(open_window: Open, size: tuple[int, int]) -> None:
    stage, _ = begun(open_window, SOME)
    page = page_of(stage)
    stage.window.resize(*size)
    stage.until(lambda: stage.window.width() == size[0])
    bar = page.area.horizontalScrollBar()
    stage.until(lambda: bar.maximum() == 0)
    assert page.send.isVisible()
    goes, stays = page.lanes["kimi"], page.left["Does not fit"]

    def are_beside() -> bool:
        lower, upper = (card.mapTo(page, card.rect().topLeft()) for card in (stays, goes))
        return lower.x() > upper.x()

    stage.until(lambda: are_beside() is (size[0] >= 900))
    stage.until(lambda: bar.maximum() == 0)


def test_a_large_drop_with_the_real_engine(open_window: Open, tmp_path: Path) -> None:
    """What is left out stays in the queue, and does not go."""
    for number in range(120):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text(f"a,{number}\n")
    (tmp_path / "program.exe").write_bytes(b"MZ")
    stage = open_window(sandbox=True)
    stage.drop_paths(str(tmp_path))
    page = page_of(stage)
    stage.until(page.send.isEnabled)
    assert stage.rows() == []
    card = next(card for card in page.lanes.values() if K.TABLES in card.rows)
    tables = card.rows[K.TABLES]
    tables.fill()
    tables.menu.actions()[-1].trigger()
    stage.until(lambda: "Left out by you" in page.left and page.send.text() == "&Send 120 files")
    stage.until(page.send.isEnabled)
    page.send.click()
    done = stage.window.page.filter.chips["Done"]
    stage.until(lambda: done.text() == "Done  120")
    # All are in the queue: three that were left out, and one that no account takes.
    stage.until(lambda: stage.window.page.model.rowCount() + 4 >= 124)
    states = {job.name: job.state for job in stage.rows()}
    assert JobState.DONE not in {states.get(f"{n}.csv") for n in range(3)}
