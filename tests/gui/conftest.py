"""A real window for each test; nothing of it may be left afterwards."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import qasync  # type: ignore[import-untyped]
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.gui import app as entry
from exai_desktop.gui.window import making
from exai_desktop.gui.window.main_window import MainWindow
from exai_desktop.gui.window.parts import Parts
from exai_desktop.gui.window.presence import Presence

from .scripted_service import ScriptedService, account

PATIENCE_MS = 180_000


@dataclass
class Stage:
    """A window with everything behind it."""

    qtbot: QtBot
    window: MainWindow
    parts: Parts
    presence: Presence
    script: ScriptedService = field(default_factory=ScriptedService)

    def until(self, check: Callable[[], bool], timeout_ms: int = PATIENCE_MS) -> None:
        self.qtbot.waitUntil(check, timeout=timeout_ms)

    def rows(self) -> list[JobView]:
        model = self.window.page.model
        jobs = (model.row_at(row) for row in range(model.rowCount()))
        return [job for job in jobs if job is not None]

    def names(self) -> list[str]:
        return [job.name for job in self.rows()]

    def states(self) -> list[JobState]:
        return [job.state for job in self.rows()]

    def select(self, row: int) -> None:
        view = self.window.page.view
        view.setFocus()
        # Not selectRow: it asks for modifier keys, and a key released in a dialog still counts.
        how = QItemSelectionModel.SelectionFlag
        index = view.model().index(row, 0)
        view.selectionModel().setCurrentIndex(index, how.ClearAndSelect | how.Rows)
        self.until(lambda: self.selected() is not None)

    def selected(self) -> JobView | None:
        found = self.window.page.view.loaded_selection()
        return found[0] if found else None

    def press(
        self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        if QApplication.activeWindow() is None:
            # The offscreen platform has no window manager to hand the activation back.
            self.window.activateWindow()
            self.until(self.window.isActiveWindow)
        target = QApplication.focusWidget() or self.window
        QTest.keyClick(target, key, modifier)

    def drop(self, mime: QMimeData) -> None:
        """What Qt delivers when something is dragged in and let go."""
        at = QPoint(300, 300)
        action, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        none = Qt.KeyboardModifier.NoModifier
        enter = QDragEnterEvent(at, action, mime, buttons, none)
        QApplication.sendEvent(self.window, enter)
        QApplication.sendEvent(self.window, QDropEvent(QPointF(at), action, mime, buttons, none))

    def drop_paths(self, *paths: str) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
        self.drop(mime)


class CalmApplication(QApplication):
    """Dresses itself only when the dress is another: each time costs a third of a second."""

    def setStyleSheet(self, sheet: str) -> None:
        if sheet != self.styleSheet():
            super().setStyleSheet(sheet)


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    return CalmApplication


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    """The window's loop, run by whatever runs Qt: here qtbot's waiting."""
    running = qasync.QEventLoop(qapp, already_running=True)
    asyncio.set_event_loop(running)
    yield running
    # Not stop(): it tells Qt to leave its loop, and every later wait would return at once.
    qapp.aboutToQuit.disconnect(running._after_run_forever)
    running._QEventLoop__is_running = False
    asyncio.events._set_running_loop(None)
    running.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def open_window(
    qapp: QApplication, qtbot: QtBot, loop: asyncio.AbstractEventLoop
) -> Iterator[Callable[..., Stage]]:
    """Opens windows; at the end they are settled as the program does it, and nothing is left."""
    stages: list[Stage] = []
    threads = set(threading.enumerate())

    def open_(script: ScriptedService | None = None, *, sandbox: bool = False) -> Stage:
        factory = script.factory if script is not None else None
        window, parts, presence = making.build(qapp, loop, entry.outside(factory))
        parts.theme.choose("light")
        stage = Stage(qtbot, window, parts, presence, script or ScriptedService())
        stages.append(stage)
        window.show()
        qtbot.waitExposed(window)
        window.enter(sandbox=sandbox)
        stage.until(lambda: window.stack.currentWidget() is not window.starting)
        return stage

    yield open_
    for stage in stages:
        settled = loop.create_task(making.settle(stage.window, stage.parts, stage.presence))
        stage.until(settled.done)
        # What a timer began meanwhile ends by itself: the engine has stopped.
        stage.until(lambda stage=stage: stage.parts.tasks.running == 0)  # type: ignore[misc]
        _delete(stage.window, qtbot)
    stages.clear()
    gc.collect()
    assert not asyncio.all_tasks(loop), "a task was left"
    left = set(threading.enumerate()) - threads
    assert not left, f"threads were left: {left}"
    assert not [w for w in qapp.topLevelWidgets() if w.isVisible()], "a window was left"


@pytest.fixture
def stage(open_window: Callable[..., Stage]) -> Stage:
    """A window with one account and an empty queue, on a scripted engine."""
    return open_window(ScriptedService(statuses=[account("kimi")]))


def _delete(window: QWidget, qtbot: QtBot) -> None:
    gone: list[bool] = []
    window.destroyed.connect(lambda: gone.append(True))
    window.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))
