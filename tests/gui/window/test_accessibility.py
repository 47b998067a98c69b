"""Every control has a name a screen reader can say, every icon button too."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QScrollBar, QWidget

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.gui.queue_page.columns import Column
from exai_desktop.gui.queue_page.state_look import LOOKS
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, error, job

Open = Callable[..., Stage]


def unnamed(root: QWidget) -> Iterator[str]:
    """Controls that take focus and have nothing to say."""
    for widget in (root, *root.findChildren(QWidget)):
        if isinstance(widget, QScrollBar) or not _is_control(widget):
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if not interface.text(QAccessible.Text.Name).strip():
            yield f"{type(widget).__name__} in {type(widget.parent()).__name__}"


def _is_control(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    is_viewport = isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget
    is_inner = bool(widget.objectName().startswith("qt_"))
    return widget.focusPolicy() != Qt.FocusPolicy.NoFocus and not is_viewport and not is_inner


def every_state() -> list[JobView]:
    return [
        job(
            number,
            state,
            file_id="file-1" if state in (JobState.DONE, JobState.DUPLICATE) else None,
            error=error(ErrorCode.TIMEOUT) if state is JobState.FAILED else None,
        )
        for number, state in enumerate(JobState, start=1)
    ]


def test_no_control_of_the_window_is_unnamed(open_window: Open) -> None:
    stage = open_window(ScriptedService(rows=every_state(), statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == len(JobState))
    for row in range(len(JobState)):
        stage.select(row)
        assert not list(unnamed(stage.window))


def test_no_control_of_the_dialogs_is_unnamed(stage: Stage) -> None:
    stage.window.open_accounts()
    dialog = stage.window.accounts_dialog
    assert dialog is not None
    stage.until(lambda: bool(dialog.cards))
    assert not list(unnamed(dialog))
    dialog.close()
    stage.window.menu_actions.shortcuts.trigger()
    active = QApplication.activeModalWidget()
    assert active is not None
    assert not list(unnamed(active))
    active.close()


def test_the_first_choice_is_named(open_window: Open) -> None:
    stage = open_window(ScriptedService())
    assert stage.window.stack.currentWidget() is stage.window.first_run
    assert not list(unnamed(stage.window))


@pytest.mark.parametrize("state", JobState)
def test_a_state_is_told_by_word_and_shape(stage: Stage, state: JobState) -> None:
    look = LOOKS[state]
    assert look.word
    same = [other for other, o in LOOKS.items() if (o.word, o.icon) == (look.word, look.icon)]
    assert same == [state]
    path = stage.parts.theme._resources / "icons" / f"{look.icon}.svg"
    assert path.is_file()


def test_rows_speak(open_window: Open) -> None:
    view = job(1, JobState.FAILED, error=error(ErrorCode.TIMEOUT), name="Zürich 🎉.pdf")
    stage = open_window(ScriptedService(rows=[view], statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 1)
    role = Qt.ItemDataRole.AccessibleTextRole
    said = [stage.window.page.model.index(0, column).data(role) for column in Column]
    assert said[:3] == [
        "Zürich 🎉.pdf",
        "Failed: The provider did not answer in time",
        "1.0 kB",
    ]
