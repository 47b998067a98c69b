"""The history on the page *Files*: what failed is told apart, and old ids are checked first."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.history import PastFile
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.receipts import ReceiptForm
from exai_desktop.gui.files_page.history_columns import HistoryColumn
from exai_desktop.gui.files_page.history_commands import HistoryAction
from exai_desktop.gui.files_page.history_panel import HistoryPanel
from tests.gui.conftest import Stage
from tests.gui.files_page.test_files_page import called, stored
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
CTRL = Qt.KeyboardModifier.ControlModifier
A, C = HistoryAction, HistoryColumn
DAY = 86_400.0


def past(number: int, state: JobState = JobState.DONE, **values: object) -> PastFile:
    is_sent = state in (JobState.DONE, JobState.DUPLICATE)
    now = time.time()  # not when the tests were collected: that may be long ago
    given: dict[str, object] = {
        "batch_id": 1 + number // 4,
        "batch_at": now - DAY,
        "path": f"/home/u/Invoices/file {number}.pdf",
        "name": f"file {number}.pdf",
        "size": 1_000 * number,
        "added_at": now - DAY,
        "ended_at": now,
        "cleared_at": now,
        "provider": "kimi",
        "account": "work",
        "purpose": "file-extract",
        "file_id": f"file-{number}" if is_sent else None,
        "copy_id": number if is_sent else None,
        "error": None if is_sent else ErrorView.of(AppError(ErrorCode.TIMEOUT, "no answer")),
    }
    return PastFile(id=number, state=state, **(given | values))  # type: ignore[arg-type]


def files() -> list[PastFile]:
    return [
        past(1),
        past(2, verified_at=time.time() - 4 * DAY),
        past(3, JobState.FAILED),
        past(4, file_state=CopyState.DELETED),
        past(5, JobState.CANCELLED, error=None, cleared_at=None),
        past(6, sharing=40),
    ]


@pytest.fixture
def stage_and_panel(open_window: Open) -> tuple[Stage, HistoryPanel]:
    script = ScriptedService(copies=[stored(n) for n in (1, 2, 6)], statuses=[account("work")])
    script.history.files = files()
    stage = open_window(script)
    stage.press(Qt.Key.Key_2, CTRL)
    stage.until(stage.window.files.isVisible)
    stage.window.files.show_history()
    panel = stage.window.files.history
    stage.until(lambda: len(names(panel)) == 6)
    return stage, panel


def names(panel: HistoryPanel) -> list[str]:
    rows = (panel.model.row_at(row) for row in range(panel.model.rowCount()))
    return [row.name for row in rows if row is not None]


def select(stage: Stage, panel: HistoryPanel, *numbers: int) -> None:
    selection = panel.view.selectionModel()
    selection.clear()
    for number in numbers:
        row = panel.model.row_of(number)
        assert row is not None
        how = QItemSelectionModel.SelectionFlag
        selection.setCurrentIndex(panel.model.index(row, 0), how.Select | how.Rows)
    stage.until(lambda: len(panel.view.loaded_selection()) == len(numbers))


def text(panel: HistoryPanel, number: int, column: HistoryColumn = C.STATE) -> str:
    row = panel.model.row_of(number)
    assert row is not None
    return str(panel.model.index(row, column).data())


def test_each_id_has_a_light_in_words_and_what_failed_its_reason(
    stage_and_panel: tuple[Stage, HistoryPanel],
) -> None:
    stage, panel = stage_and_panel
    assert text(panel, 1).startswith("Seen ")
    assert text(panel, 2) == "Seen 4 days ago"
    assert text(panel, 3) == "Failed: The provider did not answer in time"
    assert text(panel, 4) == "Deleted at the provider"
    assert text(panel, 5) == "Cancelled: not sent"
    assert text(panel, 6) == "Shared by 40 names, seen now"
    assert text(panel, 1, C.ENDED).startswith("Today, ")
    select(stage, panel, 3)
    stage.until(panel.details.error.isVisible)
    assert "no answer" in panel.details.error.text()
    assert not panel.actions_[A.COPY_ID].isEnabled()
    assert not list(unnamed(stage.window))


def test_kinds_are_counted_and_filtered(stage_and_panel: tuple[Stage, HistoryPanel]) -> None:
    stage, panel = stage_and_panel
    stage.until(lambda: panel.filter.chips["Failed"].text() == "Failed  1")
    panel.filter.chips["Failed"].click()
    stage.until(lambda: names(panel) == ["file 3.pdf"])
    panel.filter.chips["All"].click()
    stage.press(Qt.Key.Key_F, CTRL)
    assert panel.filter.search.hasFocus()
    panel.filter.search.setText("file 6")
    stage.until(lambda: names(panel) == ["file 6.pdf"])


def test_an_old_id_is_checked_before_it_is_copied(
    stage_and_panel: tuple[Stage, HistoryPanel],
) -> None:
    stage, panel = stage_and_panel
    clipboard = QGuiApplication.clipboard()
    clipboard.clear()
    select(stage, panel, 1, 2)
    panel.copy_id.click()
    stage.until(lambda: clipboard.text().split() == ["file-2", "file-1"])
    # The other one was seen a moment ago.
    assert [call for call in stage.script.calls if call[0] == "files.check"] == [("files.check", 2)]


def test_an_id_that_is_found_gone_is_not_copied(
    stage_and_panel: tuple[Stage, HistoryPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, panel = stage_and_panel
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("before")
    select(stage, panel, 2)
    stage.script.history.files[1] = replace(files()[1], file_state=CopyState.MISSING)
    panel.copy_id.click()
    title = ErrorView.of_code(ErrorCode.FILE_GONE, "").title
    stage.until(lambda: stage.window._parts.notices.title == title)
    assert clipboard.text() == "before"


def test_an_id_that_cannot_be_checked_is_copied_with_a_warning(
    stage_and_panel: tuple[Stage, HistoryPanel],
) -> None:
    stage, panel = stage_and_panel
    select(stage, panel, 2)
    stage.script.failure = AppError(ErrorCode.OFFLINE)
    panel.copy_id.click()
    stage.until(lambda: stage.window._parts.notices.title == "1 file ID copied")
    assert QGuiApplication.clipboard().text() == "file-2"
    assert called(stage, "files.check")()


def test_batches_are_groups_and_one_can_be_shown_alone(
    stage_and_panel: tuple[Stage, HistoryPanel],
) -> None:
    stage, panel = stage_and_panel
    panel.by_batch.click()
    stage.until(lambda: panel.model.is_by_batch and len(names(panel)) == 6)
    assert not panel.view.isColumnHidden(C.BATCH)
    firsts = [row for row in range(6) if panel.model.begins_batch(row)]
    assert firsts == [0, 3]
    select(stage, panel, 2)
    panel.actions_[A.THIS_BATCH].trigger()
    stage.until(lambda: len(names(panel)) == 3)
    assert panel.only_batch.isVisible()
    panel.only_batch.click()
    stage.until(lambda: len(names(panel)) == 6)
    panel.by_batch.click()
    stage.until(lambda: not panel.model.is_by_batch)


def test_columns_are_shown_by_choice(stage_and_panel: tuple[Stage, HistoryPanel]) -> None:
    _, panel = stage_and_panel
    assert panel.view.isColumnHidden(C.FILE_ID)
    by_title = {action.text(): action for action in panel.columns.menu().actions()}
    by_title["File ID"].trigger()
    by_title["Size"].trigger()
    assert panel.view.isColumnHidden(C.SIZE)
    assert C.FILE_ID not in panel.view.unwanted


def test_snippets_exports_and_forgetting(stage_and_panel: tuple[Stage, HistoryPanel]) -> None:
    stage, panel = stage_and_panel
    select(stage, panel, 1, 3)
    panel.actions_[A.AS_PYTHON].trigger()
    stage.until(lambda: QGuiApplication.clipboard().text().startswith("python [1]"))
    panel._commands.save_to(ReceiptForm.CSV, panel.model.query, "/tmp/x.csv")
    stage.until(called(stage, "history.save"))
    select(stage, panel, 3, 5)
    panel.actions_[A.FORGET].trigger()
    stage.until(lambda: panel._commands.question is not None)
    assert panel._commands.question is not None
    panel._commands.question.accept()
    stage.until(called(stage, "history.forget"))
    # The other one is in the queue, and stays.
    assert ("history.forget", [3], None) in stage.script.calls
    stage.until(lambda: len(names(panel)) == 5)
