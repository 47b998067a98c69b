"""Files that were not sent stand above the list as groups: one line and one action a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.events import SummaryChanged
from exai_desktop.core.jobs.jobs import JobQuery, JobState, JobView, Moment, QueueSummary
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from exai_desktop.core.jobs.reasons import ReasonGroup
from exai_desktop.gui.queue_page.reason_rows import (
    GroupAction,
    ReasonRow,
    actions_of,
    explanation_of,
    title_of,
)
from exai_desktop.gui.widgets.text_dialogs import TextDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, error, job
from tests.gui.window.test_accessibility import unnamed

S = JobState
Open = Callable[..., Stage]
A = GroupAction


def heap() -> list[JobView]:
    """Forty empty files, thirty at a full account, one of its own kind, and three that are good."""
    empty, full = error(ErrorCode.EMPTY_FILE), error(ErrorCode.PROVIDER_FILE_LIMIT)
    large = error(ErrorCode.FILE_TOO_LARGE)
    return [
        *(job(n, S.REFUSED, error=empty) for n in range(1, 41)),
        *(job(n, S.HELD, error=full, account="kimi") for n in range(41, 71)),
        job(71, S.REFUSED, error=large, name="film.mp4"),
        *(job(n, file_id=f"f{n}", account="kimi") for n in range(72, 75)),
    ]


def open_heap(open_window: Open) -> Stage:
    stage = open_window(ScriptedService(statuses=[account("kimi")], rows=heap()))
    stage.until(lambda: len(stage.window.page.reasons.rows) == 2)
    stage.until(lambda: stage.window.page.model.rowCount() == 4)
    return stage


def rows_of(stage: Stage) -> list[ReasonRow]:
    return list(stage.window.page.reasons.rows.values())


def orders(stage: Stage) -> list[tuple[object, ...]]:
    return [call[1:] for call in stage.script.calls if call[0] == "queue.order"]


@pytest.mark.parametrize(
    ("state", "code", "wanted"),
    [
        (S.FAILED, "ATTEMPTS_EXHAUSTED", (A.RETRY, A.REMOVE, A.EXPLAIN)),
        (S.REFUSED, "INVALID_FILE_TYPE", (A.REMOVE, A.RETRY, A.EXPLAIN)),
        (S.REFUSED, "SYSTEM_FILE", (A.REMOVE, A.RETRY, A.EXPLAIN)),
        (S.REFUSED, "CONSENT_NEEDED", (A.ALLOW_FALLBACK, A.RETRY, A.REMOVE, A.EXPLAIN)),
        (S.REFUSED, "MACROS_FOUND", (A.RETRY, A.SEND_ANYWAY, A.REMOVE, A.EXPLAIN)),
        (S.HELD, "PROVIDER_FILE_LIMIT", (A.RESUME, A.EXPLAIN)),
        (S.FAILED, "OF_A_NEWER_VERSION", (A.RETRY, A.REMOVE, A.EXPLAIN)),
    ],
)
def test_what_can_be_done_with_a_group(
    state: JobState, code: str, wanted: tuple[GroupAction, ...]
) -> None:
    group = ReasonGroup(state, code, 1_200, example="a.pdf")
    assert actions_of(group) == wanted
    assert title_of(group).startswith("1,200 files: ")
    assert explanation_of(group).endswith("One of these files: a.pdf")


def test_refused_files_are_no_heap(open_window: Open) -> None:
    stage = open_heap(open_window)
    page = stage.window.page
    assert page.reasons.isVisible()
    assert [row.accessibleName() for row in rows_of(stage)] == [
        "40 files: The file is empty",
        "30 files: The account is full at the provider",
    ]
    # One file of its kind is shown as what it is.
    assert set(stage.names()) == {"film.mp4", *(f"file {n:06}.pdf" for n in (72, 73, 74))}
    assert list(unnamed(page.reasons)) == []
    page.filter.choose("Done")
    stage.until(lambda: page.reasons.isHidden() and page.model.rowCount() == 3)
    page.filter.choose("Needs attention")
    stage.until(lambda: page.reasons.isVisible() and page.model.rowCount() == 1)
    # A search finds every file, whatever became of it.
    page.filter.search.setText("file 000003")
    stage.until(lambda: page.reasons.isHidden() and stage.names() == ["file 000003.pdf"])


def test_a_group_is_opened_and_closed_by_keyboard(open_window: Open) -> None:
    stage = open_heap(open_window)
    page, [first, second] = stage.window.page, rows_of(stage)
    first.open.setFocus()
    stage.press(Qt.Key.Key_Space)
    stage.until(lambda: page.model.rowCount() == 40)
    second.open.setFocus()
    stage.press(Qt.Key.Key_Space)
    stage.until(lambda: page.model.rowCount() == 30)
    assert not first.open.isChecked()
    stage.press(Qt.Key.Key_Space)
    stage.until(lambda: page.model.rowCount() == 4)


def test_one_action_is_for_all_files_of_the_group(open_window: Open) -> None:
    stage = open_heap(open_window)
    empty, full = rows_of(stage)
    empty.usual.click()
    stage.until(lambda: len(orders(stage)) == 1)
    full.usual.click()
    stage.until(lambda: len(orders(stage)) == 2)
    everything = ((None, None),), 74, stage.script.moment
    assert orders(stage) == [
        (RangeOrder.RETRY, JobRange(JobQuery(reason=(S.REFUSED, "EMPTY_FILE")), *everything)),
        (
            RangeOrder.RESUME,
            JobRange(JobQuery(reason=(S.HELD, "PROVIDER_FILE_LIMIT")), *everything),
        ),
    ]
    assert "back in the queue" in stage.parts.notices.title


def test_other_commands_stand_behind_the_dots(open_window: Open) -> None:
    stage = open_heap(open_window)
    [empty, _] = rows_of(stage)
    actions = {action.text(): action for action in empty.menu.actions()}
    empty.more.click()
    stage.until(empty.menu.isVisible)
    empty.menu.close()
    actions[A.EXPLAIN].trigger()
    stage.until(lambda: bool(stage.window.findChildren(TextDialog)))
    [dialog] = stage.window.findChildren(TextDialog)
    assert "Code: EMPTY_FILE" in dialog.view.toPlainText()
    dialog.close()
    actions[A.REMOVE].trigger()
    stage.until(lambda: [order for order, _ in orders(stage)] == [RangeOrder.REMOVE])


def test_to_send_anyway_is_asked_once_for_all(open_window: Open) -> None:
    macros = error(ErrorCode.MACROS_FOUND)
    rows = [job(n, S.REFUSED, error=macros, judged="x") for n in range(1, 6)]
    stage = open_window(ScriptedService(statuses=[account("kimi")], rows=rows))
    stage.until(lambda: len(rows_of(stage)) == 1)
    [group] = rows_of(stage)
    actions = {action.text(): action for action in group.menu.actions()}
    # One more than the row knows of: the question names what its yes is for.
    stage.script.rows.append(job(6, S.REFUSED, error=macros, judged="x"))
    actions[A.SEND_ANYWAY].trigger()
    stage.until(lambda: bool(stage.window.findChildren(QMessageBox)))
    [question] = stage.window.findChildren(QMessageBox)
    assert question.text() == "Send 6 files anyway?"
    assert orders(stage) == []
    asked = stage.script.moment
    # While the question is open another one is refused, and an older one for the same reason.
    stage.script.rows.append(job(7, S.REFUSED, error=macros, judged="x"))
    stage.script.moment = Moment(9, asked.at + 5.0)
    question.accept()
    stage.until(lambda: len(orders(stage)) == 1)
    query = JobQuery(reason=(S.REFUSED, "MACROS_FOUND"))
    [order] = orders(stage)
    assert order == (RangeOrder.SEND_ANYWAY, JobRange(query, ((None, None),), 6, asked))


def test_what_of_a_group_has_another_reason_by_then_is_told(open_window: Open) -> None:
    macros = error(ErrorCode.MACROS_FOUND)
    rows = [job(n, S.REFUSED, error=macros, judged="x") for n in range(1, 6)]
    stage = open_window(ScriptedService(statuses=[account("kimi")], rows=rows))
    stage.until(lambda: len(rows_of(stage)) == 1)
    [group] = rows_of(stage)
    {action.text(): action for action in group.menu.actions()}[A.SEND_ANYWAY].trigger()
    stage.until(lambda: bool(stage.window.findChildren(QMessageBox)))
    [question] = stage.window.findChildren(QMessageBox)
    stage.script.rows[1] = job(2, S.REFUSED, error=error(ErrorCode.SECRET_INSIDE), judged="y")
    question.accept()
    stage.until(lambda: stage.parts.notices.title == "4 files back in the queue")
    assert "1 file was left out" in stage.parts.notices._text.text()


def test_counts_follow_and_new_files_of_a_group_add_no_row(open_window: Open) -> None:
    stage = open_heap(open_window)
    rows = rows_of(stage)
    empty = error(ErrorCode.EMPTY_FILE)
    stage.script.rows += [job(n, S.REFUSED, error=empty) for n in range(75, 85)]
    stage.script.publish(SummaryChanged(QueueSummary({S.REFUSED: 51, S.HELD: 30, S.DONE: 3})))
    stage.until(lambda: rows[0].accessibleName() == "50 files: The file is empty")
    # The same line: it was not made anew.
    assert rows_of(stage) == rows
    assert stage.window.page.model.rowCount() == 4


def test_a_selection_outlives_a_group_that_comes_late(open_window: Open) -> None:
    stage = open_heap(open_window)
    page = stage.window.page
    page.view.setFocus()
    page.view.selectAll()
    assert page.view.selected_count() == 4
    large = error(ErrorCode.FILE_TOO_LARGE)
    stage.script.rows += [job(90, S.REFUSED, error=large)]
    stage.script.publish(SummaryChanged(QueueSummary({S.REFUSED: 42, S.HELD: 30, S.DONE: 3})))
    stage.until(lambda: page._has_late_groups)
    assert page.view.selected_count() >= 4
    page.view.clearSelection()
    stage.until(lambda: len(rows_of(stage)) == 3)


def test_a_low_window_shows_one_group_at_a_time(open_window: Open) -> None:
    stage = open_heap(open_window)
    panel = stage.window.page.reasons
    high = panel.height()
    stage.window.resize(800, 520)
    stage.until(lambda: panel.height() < high)
