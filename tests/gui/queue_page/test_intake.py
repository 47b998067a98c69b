"""Files come in by drop, paste and dialog, and only paths are taken from them."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.gui.queue_page.drop_zone import gather
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def text(value: str) -> QMimeData:
    mime = QMimeData()
    mime.setText(value)
    return mime


def test_dropped_files_and_folders_become_rows(stage: Stage) -> None:
    stage.drop_paths("/tmp/a b.pdf", "/tmp/folder", "/tmp/团队 🎉.md")
    stage.until(lambda: len(stage.names()) == 3)
    assert sorted(stage.names()) == ["a b.pdf", "folder", "团队 🎉.md"]
    assert not stage.window.intake.drop_zone.isVisible()


def test_dragging_covers_the_window_until_it_leaves(stage: Stage) -> None:
    zone = stage.window.intake.drop_zone
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/tmp/a.pdf")])
    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
    from PySide6.QtWidgets import QApplication

    enter = QDragEnterEvent(
        QPoint(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, CTRL
    )
    QApplication.sendEvent(stage.window, enter)
    assert enter.isAccepted()
    assert zone.isVisible()
    assert zone.size() == stage.window.size()
    QApplication.sendEvent(stage.window, QDragLeaveEvent())
    assert not zone.isVisible()


def test_a_web_link_is_refused_with_a_reason(stage: Stage) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/a.pdf")])
    stage.drop(mime)
    assert stage.window.page.model.rowCount() == 0
    assert stage.parts.notices.isVisible()
    assert stage.parts.notices.title == "This cannot be uploaded"


def test_local_files_among_links_are_taken(stage: Stage) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/a.pdf"), QUrl.fromLocalFile("/tmp/b.pdf")])
    stage.drop(mime)
    stage.until(lambda: stage.names() == ["b.pdf"])
    assert stage.parts.notices.isVisible()


def test_paste_takes_copied_files(stage: Stage) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/tmp/copied.pdf")])
    QGuiApplication.clipboard().setMimeData(mime)
    stage.press(Qt.Key.Key_V, CTRL)
    stage.until(lambda: stage.names() == ["copied.pdf"])


def test_paste_takes_lines_of_paths(stage: Stage) -> None:
    QGuiApplication.clipboard().setText('/tmp/one.pdf\n"/tmp/two.txt"\r\nfile:///tmp/3%204.md\n')
    stage.press(Qt.Key.Key_V, CTRL)
    stage.until(lambda: sorted(stage.names()) == ["3 4.md", "one.pdf", "two.txt"])


def test_paste_of_anything_else_says_so(stage: Stage) -> None:
    QGuiApplication.clipboard().setText("a shopping list\nmilk")
    stage.press(Qt.Key.Key_V, CTRL)
    stage.until(stage.parts.notices.isVisible)
    assert stage.script.calls == []


def test_a_pasted_name_is_kept_to_its_last_space() -> None:
    """Without its space it may be another file, in a folder without a rule."""
    lines = '  /tmp/contracts /c.txt \r\n/tmp/a\u2028b.txt\n"/tmp/two words.txt" \n"/tmp/x'
    paths = ("/tmp/contracts /c.txt ", "/tmp/a\u2028b.txt", "/tmp/two words.txt")
    assert gather(text(lines)) == (paths, 1)


def test_a_step_back_in_an_address_is_left_to_the_system() -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("file:///tmp/mywork/../c.txt"), QUrl("file:///tmp/~")])
    assert gather(mime).paths == ("/tmp/mywork/../c.txt", "/tmp/~")
    assert gather(text("/tmp/mywork/../c.txt")).paths == ("/tmp/mywork/../c.txt",)


@pytest.mark.parametrize("value", ["relative/name.pdf", "~/name.pdf", "", "https://x.org/a"])
def test_only_whole_paths_count(value: str) -> None:
    assert gather(text(value)).paths == ()


def test_dialogs_do_not_block(stage: Stage) -> None:
    for modifiers, mode in (
        (CTRL, QFileDialog.FileMode.ExistingFiles),
        (CTRL | SHIFT, QFileDialog.FileMode.Directory),
    ):
        stage.press(Qt.Key.Key_O, modifiers)
        stage.until(lambda: bool(stage.window.findChildren(QFileDialog)), 3_000)
        [dialog] = stage.window.findChildren(QFileDialog)
        assert dialog.isVisible()
        assert dialog.fileMode() == mode
        dialog.filesSelected.emit(["/tmp/chosen.pdf"])
        dialog.close()
        stage.until(lambda: not stage.window.findChildren(QFileDialog))
    stage.until(lambda: stage.names() == ["chosen.pdf", "chosen.pdf"])


def test_the_send_menu_decides_where_to(open_window: Callable[..., Stage]) -> None:
    stage = open_window(ScriptedService(statuses=[account("kimi"), account("glm & co", "glm")]))
    menu = stage.window.page.send_menu
    choose = {action.text(): action for action in menu.menu().actions()}
    choose["glm && co"].trigger()
    choose["Allow other providers if the chosen one does not accept a file"].trigger()
    assert menu.accessibleName() == "Send to: glm & co"
    stage.drop_paths("/tmp/a.pdf")
    stage.until(lambda: stage.script.calls[-1:] != [] and len(stage.script.calls[-1]) == 3)
    options = stage.script.calls[-1][2]
    assert (options.account, options.allow_fallback) == ("glm & co", True)  # type: ignore[attr-defined]


def test_a_refused_command_is_a_notice_with_its_hint(stage: Stage) -> None:
    stage.script.failure = EngineError(ErrorCode.NO_ACCOUNT)
    stage.drop_paths("/tmp/a.pdf")
    stage.until(stage.parts.notices.isVisible)
    assert stage.parts.notices.title == "No account is set up"
