"""A stored file whose id no longer works: shown, not copied, sent again by a button."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from exai_desktop.core.copies.models import CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.gui.queue_page.job_actions import Action
from exai_desktop.gui.queue_page.state_look import look_of
from exai_desktop.gui.style.tokens import Tone
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, error, job

from .test_details import buttons, press, show

Open = Callable[..., Stage]
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
STORED: dict[str, Any] = {
    "provider": "kimi",
    "account": "kimi",
    "purpose": "image",
    "file_id": "file-1",
}
GONE = job(
    1,
    file_state=CopyState.DELETED,
    error=error(ErrorCode.FILE_GONE, "file-1: Deleted"),
    **STORED,
)
TITLE = "The file ID no longer works"


@pytest.mark.parametrize("state", ["deleting", "deleted", "missing", "expired"])
def test_it_is_never_green(state: str) -> None:
    for stored in (JobState.DONE, JobState.DUPLICATE):
        look = look_of(job(1, stored, file_state=CopyState(state)))
        assert look.tone is not Tone.GOOD
        assert look.word not in ("Done", "Already uploaded")


def test_its_details_say_it_and_send_it_again(open_window: Open) -> None:
    stage = show(open_window, GONE)
    details = stage.window.page.details
    assert details.error._title.text() == TITLE
    assert not details.file_id.button.isVisible()
    assert buttons(stage) == ["retry", "remove"]
    press(stage, Action.RETRY)
    stage.until(lambda: ("queue.retry", [1], False) in stage.script.calls)


def test_its_id_is_not_copied(open_window: Open) -> None:
    stage = show(open_window, GONE)
    QGuiApplication.clipboard().setText("before")
    stage.press(Qt.Key.Key_C, CTRL)
    stage.until(lambda: stage.parts.notices.title == TITLE)
    assert QGuiApplication.clipboard().text() == "before"


def test_of_several_only_those_that_work_are_copied(open_window: Open) -> None:
    good = job(2, **(STORED | {"file_id": "file-2"}))
    stage = open_window(ScriptedService(rows=[GONE, good], statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 2)
    stage.window.page.view.selectAll()
    stage.press(Qt.Key.Key_C, CTRL)
    stage.until(lambda: stage.parts.notices.title == "File ID copied")
    assert QGuiApplication.clipboard().text() == "file-2"


def test_before_a_shared_id_is_deleted_the_number_of_its_files_is_said(open_window: Open) -> None:
    rows = [job(n, JobState.DONE if n == 1 else JobState.DUPLICATE, **STORED) for n in (1, 2, 3)]
    stage = open_window(ScriptedService(rows=rows, statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 3)
    stage.window.deletions.seconds = 60
    stage.select(0)
    stage.press(Qt.Key.Key_Delete, SHIFT)
    stage.until(lambda: stage.window.deletions.is_open)
    assert "1 file is about to be deleted" in stage.parts.notices.title
    assert "for 3 files in the list" in stage.parts.notices._text.text()
    stage.window.deletions.undo()


def test_all_of_them_are_sent_again_from_the_menu(open_window: Open) -> None:
    stage = show(open_window, GONE)
    stage.window.menu_actions.retry_gone.trigger()
    stage.until(lambda: ("queue.retry", None, False, "gone") in stage.script.calls)
