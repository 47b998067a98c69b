"""Names and answers are shown literally, whatever they hold."""

from collections.abc import Callable

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel, QMessageBox

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.gui.queue_page.columns import Column
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel, label_text, tip
from exai_desktop.gui.widgets.text_dialogs import TextDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, error, job

EVIL = "<img src='file:///etc/passwd'><b>fdp.\u202eexe</b>\x1b[31m\n.pdf"
SHOWN = "<img src='file:///etc/passwd'><b>fdp. exe</b> [31m .pdf"


class Watch(QTextDocument):
    """Notes what a document would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        self.fetched.append(str(name))
        return super().loadResource(kind, name)


def test_labels_show_markup_literally(qtbot: object) -> None:
    label = PlainLabel(EVIL)
    assert label.text() == SHOWN
    assert ElidedLabel(EVIL).text() == SHOWN
    assert "&" not in label_text("a").replace("&&", "")
    assert label_text("Tom & Jerry") == "Tom && Jerry"


def test_tips_fetch_nothing(qtbot: object) -> None:
    watch = Watch()
    watch.setHtml(tip(EVIL))
    assert watch.toPlainText() == SHOWN
    assert watch.fetched == []
    assert tip("") == ""


def test_a_hostile_name_is_harmless_everywhere(open_window: Callable[..., Stage]) -> None:
    hostile = job(
        1,
        JobState.FAILED,
        name=EVIL,
        path=f"/tmp/{EVIL}",
        file_id=EVIL,
        route_reason=EVIL,
        error=error(ErrorCode.PROVIDER_REJECTED, EVIL),
    )
    stage = open_window(ScriptedService(rows=[hostile], statuses=[account(EVIL)]))
    stage.until(lambda: stage.window.page.model.rowCount() == 1)
    stage.select(0)
    stage.until(lambda: stage.window.page.details.job_id == 1)
    index = stage.window.page.model.index(0, Column.NAME)
    assert index.data() == SHOWN
    for label in stage.window.findChildren(QLabel):
        assert "\u202e" not in label.text()
        assert "\x1b" not in label.text()
    stage.window.grab()


def test_every_label_and_box_is_plain(stage: Stage) -> None:
    stage.window.open_accounts()
    dialog = stage.window.accounts_dialog
    assert dialog is not None
    for label in (*stage.window.findChildren(QLabel), *dialog.findChildren(QLabel)):
        assert isinstance(label, PlainLabel), label.text()
    for box in stage.window.findChildren(QMessageBox):
        assert box.textFormat().name == "PlainText"
    dialog.close()


def test_the_providers_text_is_not_markup(stage: Stage) -> None:
    dialog = TextDialog(stage.window, stage.parts.theme, EVIL, "<b>bold</b>")
    dialog.open()
    assert dialog.view.toPlainText() == "<b>bold</b>"
    dialog.close()


def test_dropped_text_that_looks_like_markup_is_nothing(stage: Stage) -> None:
    mime = QMimeData()
    mime.setHtml("<a href='file:///etc/passwd'>x</a>")
    mime.setText("x")
    stage.drop(mime)
    assert stage.window.page.model.rowCount() == 0
