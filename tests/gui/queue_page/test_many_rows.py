"""A million rows: what the window does does not grow with the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from PySide6.QtCore import QItemSelectionModel, QObject, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from exai_desktop.core.jobs.jobs import JobPage, JobQuery, JobView
from exai_desktop.gui.queue_page.columns import HEADINGS
from exai_desktop.gui.widgets.page_cache import PAGE, LoadedRows
from exai_desktop.gui.widgets.paged_model import Index, PagedRows
from exai_desktop.gui.widgets.row_table import RowTable, TableWords, Widths
from exai_desktop.gui.widgets.slot_tasks import SlotTasks
from tests.gui.conftest import Stage
from tests.gui.scripted_service import job

MILLION = 1_000_000
ALL = Qt.KeyboardModifier.ControlModifier


class Numbers(PagedRows[JobView, JobQuery]):
    """Counts what Qt asks of it."""

    def __init__(self, total: int, tasks: SlotTasks, parent: QObject) -> None:
        super().__init__(self._page, JobQuery(limit=PAGE), HEADINGS, tasks, parent)
        self.total = total
        self.asked = 0

    async def _page(self, query: JobQuery) -> JobPage:
        last = min(self.total, query.offset + query.limit)
        return JobPage(
            tuple(job(self.total - row) for row in range(query.offset, last)), self.total
        )

    def flags(self, index: Index) -> Qt.ItemFlag:
        self.asked += 1
        return super().flags(index)

    def text_of(self, row: JobView, column: int) -> str:
        return f"{row.name} {column}"

    def tip_of(self, row: JobView, column: int) -> str:
        return self.text_of(row, column)


@dataclass
class Table:
    view: RowTable
    model: Numbers

    def settle(self) -> None:
        for _ in range(50):
            QApplication.processEvents()

    def asked_in(self, deed: Callable[[], object]) -> int:
        """How often Qt asked about a cell."""
        self.model.asked = 0
        deed()
        self.settle()
        return self.model.asked

    def deeds(self) -> dict[str, Callable[[], object]]:
        view, model = self.view, self.model
        how = QItemSelectionModel.SelectionFlag
        one = how.Toggle | how.Rows
        shift = ALL | Qt.KeyboardModifier.ShiftModifier
        return {
            "Ctrl+A": lambda: QTest.keyClick(view, Qt.Key.Key_A, ALL),
            "refresh": model.refresh,
            "one off": lambda: view.selectionModel().select(model.index(3, 0), one),
            "refresh with a hole": model.refresh,
            "Home": lambda: QTest.keyClick(view, Qt.Key.Key_Home, ALL),
            "Shift+End": lambda: QTest.keyClick(view, Qt.Key.Key_End, shift),
            "End": lambda: QTest.keyClick(view, Qt.Key.Key_End, ALL),
        }


@pytest.fixture
def table(stage: Stage) -> Callable[[int], Table]:
    def open_table(total: int) -> Table:
        model = Numbers(total, stage.parts.tasks, stage.window)
        words = TableWords("rows", "columns", "nothing")
        view = RowTable(model, stage.parts.theme, words, Widths({}), stage.window)
        made = Table(view, model)
        view.setGeometry(0, 0, 900, 600)
        view.show()
        view.setFocus()
        model.restart()
        stage.until(lambda: model.row_at(0) is not None)
        made.settle()
        return made

    return open_table


@pytest.mark.parametrize("reads_screen", [False, True])
def test_selecting_a_million_rows_asks_about_no_more_cells_than_a_thousand(
    table: Callable[[int], Table], reads_screen: bool
) -> None:
    QAccessible.setActive(reads_screen)
    try:
        asked = {}
        for total in (2_000, MILLION):
            there = table(total)
            asked[total] = {name: there.asked_in(deed) for name, deed in there.deeds().items()}
            there.asked_in(there.view.selectAll)
            assert there.view.selected_count() == total
            assert there.view.spans() == [(0, total - 1)]
    finally:
        QAccessible.setActive(False)
    for name, few in asked[2_000].items():
        assert asked[MILLION][name] <= few + 2_000, (name, asked)


def test_a_refresh_keeps_no_index_for_every_selected_row(table: Callable[[int], Table]) -> None:
    there = table(MILLION)
    there.asked_in(there.view.selectAll)
    there.asked_in(there.deeds()["one off"])
    there.asked_in(there.model.refresh)
    assert len(there.model.persistentIndexList()) < 50
    assert there.view.selected_count() == MILLION - 1
    assert there.view.spans() == [(0, 2), (4, MILLION - 1)]


def test_the_window_keeps_no_place_for_rows_that_are_not_loaded() -> None:
    rows: LoadedRows[JobView] = LoadedRows()
    rows.reset([job(number) for number in range(PAGE)], MILLION)
    rows.insert(0, [job(MILLION + number) for number in range(3)])
    rows.remove(1, 1)
    assert len(rows) == MILLION + 2
    assert rows.loaded() == PAGE + 2
    assert [rows.at(row) for row in range(3)] == [job(MILLION), job(MILLION + 2), job(0)]
    assert rows.row_of(0) == 2
    assert rows.nearest(MILLION) == (PAGE + 1, PAGE - 1)
    rows.resize(5)
    assert rows.loaded() == len(rows) == 5
    assert rows.row_of(100) is None


def test_a_refresh_that_moves_no_row_lays_out_nothing(table: Callable[[int], Table]) -> None:
    there = table(5_000)
    changes: list[object] = []
    there.model.layoutChanged.connect(lambda: changes.append(1))
    there.asked_in(there.model.refresh)
    assert changes == []
    there.model.total += 1  # a new one above all others
    there.asked_in(there.model.refresh)
    assert changes == [1]
