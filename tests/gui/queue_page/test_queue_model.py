"""The queue stays usable with 100,000 rows: paged, sorted and filtered by the service."""

import time
from collections.abc import Callable, Sequence

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication

from exai_desktop.core.events import JobChanged, JobsAdded, JobsRemoved, Progressed
from exai_desktop.core.jobs.jobs import JobState, JobView, SortKey
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.queue_page.columns import Column
from exai_desktop.gui.widgets.page_cache import MAX_LOADED, PAGE, LoadedRows, spans
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, job

MANY = 100_000

Open = Callable[..., Stage]


def jobs(count: int, state: JobState = JobState.DONE) -> list[JobView]:
    return [job(number, state) for number in range(1, count + 1)]


def open_with(open_window: Open, rows: Sequence[JobView]) -> Stage:
    stage = open_window(ScriptedService(rows=list(rows), statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == len(rows))
    return stage


def test_a_hundred_thousand_rows_are_counted_and_few_are_loaded(open_window: Open) -> None:
    stage = open_with(open_window, jobs(MANY))
    model, view = stage.window.page.model, stage.window.page.view
    assert model.row_at(0) == job(MANY)
    assert model.row_at(50_000) is None
    view.scrollTo(model.index(50_000, 0))
    stage.until(lambda: model.row_at(50_000) is not None)
    assert model.row_at(50_000) == job(MANY - 50_000)
    view.scrollToBottom()
    stage.until(lambda: model.row_at(MANY - 1) == job(1))
    assert model._rows.loaded() <= MAX_LOADED


def test_a_hundred_thousand_new_rows_come_in_batches(open_window: Open) -> None:
    stage = open_with(open_window, jobs(10))
    model = stage.window.page.model
    inserts: list[tuple[int, int]] = []

    def note(_parent: QModelIndex, first: int, last: int) -> None:
        inserts.append((first, last))

    model.rowsInserted.connect(note)
    news = News()
    fresh = tuple(job(number, JobState.QUEUED) for number in range(11, MANY + 11))
    for start in range(0, MANY, 500):
        news.note(JobsAdded(1, fresh[start : start + 500]))
    begun = time.thread_time()
    model.apply(news)
    took = time.thread_time() - begun
    assert inserts == [(0, MANY - 1)]
    # Some 60 ms on a slow machine; the bar is that no peer's minute creeps in.
    assert took < 0.5
    assert model.row_at(0) == job(MANY + 10, JobState.QUEUED)
    assert model.row_at(MANY) == job(10)


def test_sorting_and_filtering_are_the_services_work(open_window: Open) -> None:
    rows = [*jobs(300), job(301, JobState.FAILED, name="Zürich.pdf")]
    stage = open_with(open_window, rows)
    page = stage.window.page
    page.view.sortByColumn(Column.NAME, Qt.SortOrder.DescendingOrder)
    stage.until(lambda: page.model.query.sort is SortKey.NAME and stage.names()[0] == "Zürich.pdf")
    page.filter.choose("Needs attention")
    stage.until(lambda: stage.names() == ["Zürich.pdf"])
    page.filter.reset()
    page.filter.search.setText("000007")
    stage.until(lambda: stage.names() == ["file 000007.pdf"])
    page.filter.search.setText("nothing like this")
    stage.until(lambda: page.model.rowCount() == 0)
    assert page.view.isVisible()


def test_a_job_that_leaves_the_filter_leaves_the_list(open_window: Open) -> None:
    stage = open_with(open_window, jobs(3, JobState.QUEUED))
    stage.window.page.filter.choose("Active")
    stage.until(lambda: bool(stage.window.page.model.query.states))
    stage.script.rows[0] = job(1, JobState.DONE)
    stage.script.publish(JobChanged(stage.script.rows[0]))
    stage.until(lambda: stage.names() == ["file 000003.pdf", "file 000002.pdf"])


def test_the_selection_follows_its_job(open_window: Open) -> None:
    stage = open_with(open_window, jobs(5))
    stage.select(2)
    chosen = stage.selected()
    stage.script.rows.append(job(6))
    stage.script.publish(JobsAdded(1, (job(6),)))
    stage.until(lambda: stage.window.page.model.rowCount() == 6)
    assert stage.selected() == chosen
    stage.script.rows = [row for row in stage.script.rows if row.id not in (4, 5)]
    stage.script.publish(JobsRemoved((4, 5)))
    stage.until(lambda: stage.window.page.model.rowCount() == 4)
    stage.qtbot.wait(500)  # the refresh that follows
    assert stage.selected() == chosen


def test_progress_repaints_one_row_and_ends_with_the_state(open_window: Open) -> None:
    stage = open_with(open_window, jobs(3, JobState.SENDING))
    model = stage.window.page.model
    stage.script.publish(Progressed(2, "sending", 512, 1_024, 100.0, 5.0))
    stage.until(lambda: bool(model.moving()))
    cell = model.index(1, Column.STATE)
    assert cell.data() == "Sending: 50 % · 100 B/s · 5 s left"
    stage.script.rows[1] = job(2, JobState.DONE)
    stage.script.publish(JobChanged(stage.script.rows[1]))
    stage.until(lambda: cell.data() == "Done")
    assert model.moving() == []


def test_commands_reach_rows_that_were_never_looked_at(open_window: Open) -> None:
    stage = open_with(open_window, jobs(1_000, JobState.FAILED))
    stage.window.page.view.setFocus()
    stage.window.page.view.selectAll()
    stage.press(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    stage.until(lambda: any(call[0] == "queue.retry" for call in stage.script.calls))
    ids = next(call[1] for call in stage.script.calls if call[0] == "queue.retry")
    assert sorted(ids) == list(range(1, 1_001))  # type: ignore[call-overload]


def test_rows_are_evicted_far_from_where_one_looks() -> None:
    rows: LoadedRows[JobView] = LoadedRows()
    rows.reset([], MANY)
    for offset in range(0, 6_000, PAGE):
        rows.put_page(offset, [job(offset + place + 1) for place in range(PAGE)])
    assert rows.loaded() <= MAX_LOADED
    assert rows.at(5_999) is not None
    assert rows.at(0) is None
    assert rows.missing_page(0) == 0
    assert rows.missing_page(5_999) is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([], []), ([4], [(4, 4)]), ([1, 2, 3, 7, 8], [(1, 3), (7, 8)])],
)
def test_neighbouring_rows_are_one_span(rows: list[int], expected: list[tuple[int, int]]) -> None:
    assert spans(rows) == expected


def test_a_large_selection_reaches_the_engine_by_its_ends(open_window: Open) -> None:
    stage = open_with(open_window, jobs(6_000, JobState.FAILED))
    view, model = stage.window.page.view, stage.window.page.model
    view.setFocus()
    view.selectAll()
    stage.script.rows.append(job(6_001))
    stage.script.publish(JobsAdded(1, (job(6_001),)))
    stage.until(lambda: model.rowCount() == 6_001)
    stage.press(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    stage.until(lambda: any(call[0] == "queue.order" for call in stage.script.calls))
    # The file that came afterwards was not selected.
    whole = JobRange(model.query, ((None, None),), 6_000)
    assert ("queue.order", RangeOrder.RETRY, whole) in stage.script.calls
    assert not any(call[0] == "queue.retry" for call in stage.script.calls)

    rows = QItemSelectionModel.SelectionFlag.Toggle | QItemSelectionModel.SelectionFlag.Rows
    view.selectionModel().select(model.index(3, 0), rows)
    stage.press(Qt.Key.Key_Delete)
    stage.until(lambda: any(RangeOrder.REMOVE in call for call in stage.script.calls))
    parts = next(call[2] for call in stage.script.calls if RangeOrder.REMOVE in call)
    assert isinstance(parts, JobRange)
    assert parts.spans == ((6_000, 5_999), (5_997, 1))


def test_the_ids_of_a_large_selection_are_copied_in_pieces(open_window: Open) -> None:
    rows = [job(number, JobState.DONE, file_id=f"id-{number}") for number in range(1, 6_001)]
    stage = open_with(open_window, rows)
    stage.window.page.view.setFocus()
    stage.window.page.view.selectAll()
    stage.press(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text
    stage.until(lambda: copied().startswith("id-1\n"))
    assert copied().count("\n") == 5_999
    assert sum(call[0] == "queue.file_ids" for call in stage.script.calls) == 6 + 1


def test_what_is_for_few_files_is_not_begun_for_thousands(open_window: Open) -> None:
    rows = [job(number, JobState.DONE, file_id=f"id-{number}") for number in range(1, 6_001)]
    stage = open_with(open_window, rows)
    stage.window.page.view.setFocus()
    stage.window.page.view.selectAll()
    stage.press(Qt.Key.Key_Delete, Qt.KeyboardModifier.ShiftModifier)
    stage.until(lambda: "Too many files" in stage.parts.notices.title)
    assert not any(str(call[0]).startswith("files.delete") for call in stage.script.calls)
