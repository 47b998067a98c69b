"""Everything can be done without a mouse, and the list of keys tells the truth."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QPushButton, QWidget

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.gui.widgets.text_dialogs import SHORTCUTS, ShortcutsDialog
from exai_desktop.gui.window import making
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, error, job

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier

Open = Callable[..., Stage]


@pytest.fixture
def stage(open_window: Open) -> Stage:
    rows = [
        job(1, JobState.DONE, file_id="file-abc", provider="kimi", purpose="file-extract"),
        job(2, JobState.QUEUED),
        job(3, JobState.HELD),
        job(4, JobState.FAILED),
    ]
    stage = open_window(ScriptedService(rows=rows, statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 4)
    return stage


def select(stage: Stage, number: int) -> None:
    stage.select(4 - number)
    stage.until(lambda: stage.window.page.details.job_id == number)


def called(stage: Stage, name: str) -> Callable[[], bool]:
    return lambda: any(call[0] == name for call in stage.script.calls)


def test_space_pauses_and_resumes_the_row(stage: Stage) -> None:
    select(stage, 2)
    stage.press(Qt.Key.Key_Space)
    stage.until(lambda: ("queue.pause", [2]) in stage.script.calls)
    select(stage, 3)
    stage.press(Qt.Key.Key_Space)
    stage.until(lambda: ("queue.resume", [3]) in stage.script.calls)


def test_space_on_a_button_presses_the_button(stage: Stage) -> None:
    select(stage, 2)
    stage.window.page.details_toggle.setFocus()
    stage.press(Qt.Key.Key_Space)
    assert not stage.window.page.details.isVisible()
    assert stage.script.calls == []


def test_delete_removes_finished_files_only(stage: Stage) -> None:
    select(stage, 2)
    stage.press(Qt.Key.Key_Delete)
    stage.until(lambda: stage.parts.notices.title == "These files are still in progress")
    select(stage, 4)
    stage.press(Qt.Key.Key_Delete)
    stage.until(lambda: ("queue.remove", [4]) in stage.script.calls)


def delete_first(stage: Stage, seconds: int) -> None:
    stage.window.deletions.seconds = seconds
    select(stage, 1)
    stage.press(Qt.Key.Key_Delete, SHIFT)
    stage.until(lambda: stage.window.deletions.is_open)
    assert stage.parts.notices.undo.isVisible()
    assert not called(stage, "files.delete_of_job")()


def test_deleting_at_the_provider_begins_after_a_delay(stage: Stage) -> None:
    delete_first(stage, seconds=4)
    assert "1 file is about to be deleted" in stage.parts.notices.title
    stage.until(called(stage, "files.delete_of_job"))
    stage.until(lambda: stage.parts.notices.title == "1 file deleted at the provider")
    assert not stage.window.deletions.is_open


@pytest.mark.parametrize("way", ["key", "button"])
def test_a_deletion_is_called_off(stage: Stage, way: str) -> None:
    delete_first(stage, seconds=60)
    if way == "key":
        stage.press(Qt.Key.Key_Z, CTRL)
    else:
        stage.parts.notices.undo.click()
    assert not stage.window.deletions.is_open
    assert stage.parts.notices.title == "1 file stays at the provider"
    assert not stage.parts.notices.undo.isVisible()
    assert not called(stage, "files.delete_of_job")()
    # With nothing to undo the key does nothing.
    stage.press(Qt.Key.Key_Z, CTRL)
    assert stage.parts.notices.title == "1 file stays at the provider"


def test_a_notice_during_the_delay_is_shown_after_it(stage: Stage) -> None:
    delete_first(stage, seconds=60)
    notices = stage.parts.notices
    notices.show_error(error(ErrorCode.OFFLINE))
    notices.show_notice("Something less important")
    assert "about to be deleted" in notices.title
    stage.window.deletions.undo()
    assert notices.title == error(ErrorCode.OFFLINE).title


def test_a_deletion_during_the_delay_of_another_joins_it(stage: Stage) -> None:
    stage.script.rows.append(
        job(5, JobState.DONE, file_id="file-5", provider="kimi", purpose="file-extract")
    )
    stage.window.page.model.refresh()
    stage.until(lambda: stage.window.page.model.rowCount() == 5)
    stage.window.deletions.seconds = 60
    for row in (0, 4):
        stage.select(row)
        stage.press(Qt.Key.Key_Delete, SHIFT)
        stage.until(lambda: stage.window.deletions.is_open)
    stage.until(lambda: "2 files are about to be deleted" in stage.parts.notices.title)
    stage.window.deletions.undo()
    assert stage.parts.notices.title == "2 files stay at the provider"


def test_quitting_during_the_delay_deletes_nothing(stage: Stage) -> None:
    delete_first(stage, seconds=3)
    entry_settled = stage.parts.tasks.start(
        making.settle(stage.window, stage.parts, stage.presence)
    )
    stage.until(entry_settled.done)
    QTest.qWait(3_500)
    assert not called(stage, "files.delete_of_job")()


def test_copy_puts_the_id_on_the_clipboard(stage: Stage) -> None:
    select(stage, 1)
    stage.press(Qt.Key.Key_C, CTRL)
    stage.until(lambda: QGuiApplication.clipboard().text() == "file-abc")
    assert stage.parts.notices.title == "File ID copied"


def test_retry_and_pause_all(stage: Stage) -> None:
    select(stage, 4)
    stage.press(Qt.Key.Key_R, CTRL)
    stage.until(called(stage, "queue.retry"))
    stage.press(Qt.Key.Key_P, CTRL | SHIFT)
    stage.until(lambda: ("queue.pause", None) in stage.script.calls)
    stage.until(lambda: stage.window.page.strip.pause.text() == "Resume")


def test_find_and_back(stage: Stage) -> None:
    stage.press(Qt.Key.Key_F, CTRL)
    assert stage.window.page.filter.search.hasFocus()
    for key in (Qt.Key.Key_F, Qt.Key.Key_4):
        stage.press(key)
    assert stage.window.page.filter.text == "f4"


def test_return_opens_the_details(stage: Stage) -> None:
    stage.window.page.toggle_details()
    select(stage, 1)
    stage.press(Qt.Key.Key_Return)
    assert stage.window.page.details.isVisible()


@pytest.mark.parametrize(("key", "modifier"), [(Qt.Key.Key_F1, None), (Qt.Key.Key_Comma, CTRL)])
def test_dialogs_open_and_escape_closes_them(
    stage: Stage, key: Qt.Key, modifier: Qt.KeyboardModifier | None
) -> None:
    stage.press(key, modifier or Qt.KeyboardModifier.NoModifier)
    stage.until(lambda: any(d.isVisible() for d in stage.window.findChildren(QDialog)))
    [dialog] = stage.window.findChildren(QDialog)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    stage.until(lambda: not stage.window.findChildren(QDialog))


def test_the_list_of_keys_is_true(stage: Stage) -> None:
    actions = stage.window.menu_actions.findChildren(QAction)
    real = {action.shortcut() for action in actions if not action.shortcut().isEmpty()}
    # Return belongs to the table itself, it is no action.
    told = {QKeySequence(keys) for keys, _ in SHORTCUTS} - {QKeySequence("Return")}
    assert {key.toString() for key in real} == {key.toString() for key in told}


def test_tab_visits_every_part_of_the_page(stage: Stage) -> None:
    page = stage.window.page
    page.add_files.setFocus()
    visited = []
    for _ in range(40):
        focused = QApplication.focusWidget()
        visited.append(focused)
        stage.press(Qt.Key.Key_Tab)
    wanted: list[QWidget] = [page.add_files, page.add_folder, page.send_menu, page.details_toggle]
    wanted += [page.filter.search, page.view, page.strip.pause]
    places = [visited.index(widget) for widget in wanted]
    assert places == sorted(places)


def test_the_only_row_is_selected_by_keyboard(open_window: Open) -> None:
    stage = open_window(ScriptedService(rows=[job(1)], statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 1)
    stage.window.page.filter.search.setFocus()
    stage.press(Qt.Key.Key_Tab)
    assert stage.window.page.view.hasFocus()
    stage.until(lambda: stage.window.page.details.job_id == 1)


def test_menus_reach_every_command(stage: Stage) -> None:
    bar = stage.window.menuBar()
    titles = [action.text() for action in bar.actions()]
    assert titles == ["&File", "&Edit", "&Queue", "&View", "&Help"]
    in_menus = {a for menu in bar.actions() for a in _all_actions(menu)}
    ours = set(stage.window.menu_actions.findChildren(QAction))
    hidden = {stage.window.menu_actions._space}
    assert ours - hidden <= in_menus


def _all_actions(action: QAction) -> list[QAction]:
    menu = action.menu()
    if not isinstance(menu, QMenu):
        return [action]
    return [a for inner in menu.actions() for a in _all_actions(inner)]


def test_shortcuts_dialog_has_a_way_out(stage: Stage) -> None:
    stage.press(Qt.Key.Key_F1)
    stage.until(lambda: bool(stage.window.findChildren(ShortcutsDialog)))
    [dialog] = stage.window.findChildren(ShortcutsDialog)
    dialog.findChildren(QPushButton)[0].click()
    stage.until(lambda: not stage.window.findChildren(ShortcutsDialog))


def test_pause_for_an_hour_and_a_limit_of_speed_are_in_the_menu(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    stage = open_window(script)
    actions = stage.window.menu_actions
    actions.pause_hour.trigger()
    stage.until(lambda: ("queue.pause", None, 3600.0) in script.calls)
    stage.until(actions.speeds.actions()[0].isChecked)
    actions.speeds.actions()[2].trigger()
    stage.until(lambda: ("settings.change", "upload_bytes_per_s", "500000") in script.calls)
    actions.speeds.show_limit(77_000)
    assert [a.text() for a in actions.speeds.actions() if a.isChecked()] == ["At most 77.0 kB/s"]


def test_what_the_queue_waits_for_is_ticked_in_the_menu(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    stage = open_window(script)
    ticks = stage.window.menu_actions.waiting.actions
    assert not any(tick.isChecked() for tick in ticks.values())
    ticks["on_battery"].trigger()
    stage.until(lambda: ("settings.change", "on_battery", "wait") in script.calls)
    ticks["on_battery"].trigger()
    stage.until(lambda: ("settings.change", "on_battery", "go") in script.calls)
