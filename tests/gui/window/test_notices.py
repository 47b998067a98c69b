"""Messages stand over the page, are reached by keys, and are kept for the session."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication

from exai_desktop.core.events import BatchFinished
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.gui.style.tokens import Tone
from tests.gui.conftest import Stage
from tests.gui.scripted_service import job

S = JobState


def shown(stage: Stage) -> None:
    stage.script.rows = [job(1, S.DONE), job(2, S.REFUSED)]
    stage.window.resize(1000, 700)
    stage.window.enter(sandbox=False)
    # The list is read a moment before its page is shown.
    stage.until(lambda: len(stage.rows()) == 2 and stage.window.page.view.isVisible())


def test_the_page_does_not_move_when_a_message_comes_and_goes(stage: Stage) -> None:
    shown(stage)
    view, bar = stage.window.page.view, stage.parts.notices

    def place() -> tuple[QPoint, int]:
        QApplication.processEvents()
        return view.mapTo(stage.window, QPoint(0, 0)), view.height()

    before = place()
    bar.show_notice("Something happened", "And this is why. " * 12, Tone.BAD)
    assert place() == before
    whole = bar.parentWidget()
    assert whole is not None
    assert whole.rect().contains(bar.geometry())
    assert not bar.geometry().intersects(
        stage.window.page.strip.geometry().translated(stage.window.stack.pos())
    )
    stage.window.resize(800, 600)
    QApplication.processEvents()
    assert whole.rect().contains(bar.geometry())
    bar.dismiss()
    stage.window.resize(1000, 700)
    assert place() == before


def test_f6_leads_to_the_message_and_escape_closes_it(stage: Stage) -> None:
    shown(stage)
    bar = stage.parts.notices
    stage.select(0)
    view = stage.window.page.view
    bar.show_notice("Something happened", "", Tone.BAD)
    stage.press(Qt.Key.Key_F6)
    focus = QApplication.focusWidget()
    assert focus is not None
    assert bar.isAncestorOf(focus)
    stage.press(Qt.Key.Key_F6)
    assert QApplication.focusWidget() is view
    stage.press(Qt.Key.Key_F6)
    stage.press(Qt.Key.Key_Escape)
    assert bar.isHidden()
    assert QApplication.focusWidget() is view
    # What can be undone is not closed by a key that means something else a moment before.
    bar.show_undo("A file is about to be deleted", "", lambda: None)
    stage.press(Qt.Key.Key_Escape)
    assert not bar.isHidden()
    bar.end_undo()


def test_past_messages_are_kept_and_the_unread_ones_counted(stage: Stage) -> None:
    shown(stage)
    status, bar = stage.window.status, stage.parts.notices
    unread, before = status.unread, len(status.kept)
    bar.show_notice("Copied", "", Tone.GOOD)  # of no number: it is what somebody just did
    bar.show_notice("First", "why", Tone.BAD)
    stage.script.publish(BatchFinished(1, 1, 0, 1, 0, 0, 0))
    stage.until(lambda: bar.title == "1 file was not uploaded")
    assert status.unread == unread + 2
    assert status.text() == str(unread + 2)
    assert status.accessibleName() == f"{unread + 2} unread messages"
    bar.close_by_user()
    assert status.unread == unread + 1
    status.click()
    centre = status.centre
    assert centre is not None
    assert (status.unread, status.text(), status.accessibleName()) == (0, "", "Messages")
    assert centre.list.count() == before + 3
    assert "1 file was not uploaded" in centre.list.item(0).text()
    assert "First: why" in centre.list.item(1).text()
    # Its buttons still work: the files that were refused are shown.
    [show] = [b for b in centre.findChildren(QAbstractButton) if b.text() == "&Show them"]
    show.click()
    stage.until(lambda: stage.names() == [stage.script.rows[1].name])
    stage.until(lambda: status.centre is None)
