"""The order of sending: seen in the list, and changed by keys, menu and mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.jobs.jobs import JobState, SortKey
from exai_desktop.core.jobs.line import LinePlace, Spot
from exai_desktop.gui.queue_page.job_actions import Action
from tests.gui.conftest import Stage
from tests.gui.scripted_service import job

S = JobState
ALT = Qt.KeyboardModifier.AltModifier


def waiting(stage: Stage, order: str) -> None:
    """One is being sent, four wait, one is done. The double gives rows by number."""
    stage.script.rows = [
        job(1, S.SENDING),
        *(job(n, S.QUEUED) for n in (2, 3, 4, 5)),
        job(6, S.DONE, file_id="file-6"),
    ]
    stage.window.enter(sandbox=False)
    stage.until(lambda: len(stage.rows()) == 6)
    # The saved settings are read behind the rows, and set the order as well.
    stage.until(lambda: stage.parts.tasks.running == 0)
    for action in stage.window.menu_actions.list_order.actions():
        if action.data() == order:
            action.trigger()
    is_down = order == "newest"
    stage.until(lambda: [j.id for j in stage.rows()] == sorted(range(1, 7), reverse=is_down))


def moves(stage: Stage) -> list[tuple[object, ...]]:
    return [call[1:] for call in stage.script.calls if call[0] == "queue.reorder"]


def test_the_list_shows_the_order_of_sending_if_one_wants_and_it_is_kept(stage: Stage) -> None:
    waiting(stage, "sending")
    query = stage.window.page.model.query
    assert (query.sort, query.descending) == (SortKey.LINE, False)
    assert ("settings.change", "list_order", "sending") in stage.script.calls
    # A column that is sorted by and let go again: the chosen order comes back.
    header = stage.window.page.view.horizontalHeader()
    header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
    stage.until(lambda: stage.window.page.model.query.sort is SortKey.NAME)
    header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    assert stage.window.page.model.query.sort is SortKey.LINE


@pytest.mark.parametrize(
    ("key", "spot"),
    [
        (Qt.Key.Key_Home, Spot.FIRST),
        (Qt.Key.Key_Up, Spot.UP),
        (Qt.Key.Key_Down, Spot.DOWN),
        (Qt.Key.Key_End, Spot.LAST),
    ],
)
def test_keys_move_the_selected_file(stage: Stage, key: Qt.Key, spot: Spot) -> None:
    waiting(stage, "sending")
    stage.select(2)
    stage.press(key, ALT)
    stage.until(lambda: moves(stage) == [([3], LinePlace(spot))])
    # What is being sent cannot be moved: the command is grey.
    stage.select(0)
    assert not stage.window.menu_actions.file_actions[Action(spot.value)].isEnabled()
    assert stage.parts.notices.isHidden()


def test_in_another_order_it_is_said_and_the_order_is_one_button_away(stage: Stage) -> None:
    waiting(stage, "newest")
    stage.select(2)
    stage.press(Qt.Key.Key_Home, ALT)
    stage.until(lambda: not stage.parts.notices.isHidden())
    assert stage.parts.notices.title == "1 file was moved in the queue"
    [button] = [
        b for b in stage.parts.notices.findChildren(type(stage.parts.notices.undo))
        if "Show" in b.text()
    ]  # fmt: skip
    button.click()
    stage.until(lambda: stage.window.page.model.query.sort is SortKey.LINE)


def test_rows_are_dropped_at_another_place_of_the_line(stage: Stage) -> None:
    waiting(stage, "sending")
    view = stage.window.page.view
    stage.select(3)
    places = {
        0: LinePlace(Spot.FIRST),  # above what is being sent
        1: LinePlace(Spot.BEFORE, 2),
        2: LinePlace(Spot.BEFORE, 3),
        4: LinePlace(Spot.BEFORE, 5),
        5: LinePlace(Spot.AFTER, 5),
        6: LinePlace(Spot.LAST),
    }
    assert {edge: view.place_at(edge) for edge in places} == places
    content = view.drag_content()
    assert content is not None
    assert not content.hasText()
    drop_row(stage, content, 1, source=True)
    stage.until(lambda: moves(stage) == [([4], LinePlace(Spot.BEFORE, 2))])
    # From outside these are no rows of ours: the window takes files, the list does not.
    drop_row(stage, content, 1, source=False)
    QApplication.processEvents()
    assert len(moves(stage)) == 1


class _From(QDropEvent):
    """Qt knows the source of a real drag only."""

    widget: object = None

    def source(self) -> object:  # type: ignore[override]
        return self.widget


def drop_row(stage: Stage, content: QMimeData, row: int, *, source: bool) -> None:
    view = stage.window.page.view
    y = view.rowViewportPosition(row) + 3
    action, buttons = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton
    event = _From(QPointF(20, y), action, content, buttons, Qt.KeyboardModifier.NoModifier)
    event.widget = view if source else None
    view.dropEvent(event)


def test_a_drag_gives_the_ids_as_text(stage: Stage) -> None:
    stage.script.rows = [
        job(1, S.DONE, file_id="file-1"),
        job(2, S.DONE, file_id="file-2"),
        job(3, S.DONE, file_id="file-3", file_state=CopyState.DELETED),
        job(4, S.FAILED),
    ]
    stage.window.enter(sandbox=False)
    stage.until(lambda: len(stage.rows()) == 4)
    view, carried = stage.window.page.view, []
    view.carry_out_drag = lambda content: carried.append(content.text())  # type: ignore[method-assign]
    stage.select(0)
    view.selectAll()

    def at(row: int) -> QPoint:
        return QPoint(60, view.rowViewportPosition(row) + 20)

    left = Qt.MouseButton.LeftButton
    QTest.mousePress(view.viewport(), left, pos=at(1))
    QTest.mouseMove(view.viewport(), at(1) + QPoint(80, 30))
    stage.until(lambda: bool(carried))
    # An id that works no more is not given out, and the selection stays what it was.
    assert carried == ["file-2\nfile-1"]
    assert view.selected_count() == 4
    QTest.mouseRelease(view.viewport(), left, pos=at(1))
    # A click without a way is a click: that row alone.
    QTest.mouseClick(view.viewport(), left, pos=at(2))
    assert [j.id for j in view.loaded_selection()] == [2]


class _Enter(QDragEnterEvent):
    widget: object = None

    def source(self) -> object:  # type: ignore[override]
        return self.widget


@pytest.mark.parametrize("is_own", [True, False])
def test_a_drag_of_our_own_rows_is_no_upload(stage: Stage, *, is_own: bool) -> None:
    waiting(stage, "newest")
    content = QMimeData()
    content.setText("file-6")
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = _Enter(QPoint(9, 9), Qt.DropAction.CopyAction, content, left, none)
    enter.widget = stage.window.page.view if is_own else None
    QApplication.sendEvent(stage.window, enter)
    assert stage.window.intake.drop_zone.isHidden() is is_own
