"""The parts of a window put together, and their orderly end."""

from __future__ import annotations

import asyncio
import logging

from PySide6.QtWidgets import QApplication

from exai_desktop.gui.engine.bridge import EngineBridge
from exai_desktop.gui.engine.session import BackupCalls, EngineClient, EngineSession
from exai_desktop.gui.engine.thread import EngineStoppedError
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.slot_tasks import SlotTasks
from exai_desktop.gui.window.desktop_entries import FileManagerMenu, TaskbarProgress
from exai_desktop.gui.window.main_window import MainWindow
from exai_desktop.gui.window.parts import Outside, Parts
from exai_desktop.gui.window.presence import ENDS_WITHIN_S, Presence

log = logging.getLogger(__name__)


def build(
    app: QApplication, loop: asyncio.AbstractEventLoop, outside: Outside
) -> tuple[MainWindow, Parts, Presence]:
    """All parts of the window, nothing started yet."""
    theme = Theme(app, outside.resources)
    notices = NoticeBar(theme)
    client, bridge = EngineClient(), EngineBridge()
    backups = BackupCalls(outside.verify_backup, outside.restore)
    session = EngineSession(
        outside.make_factory, client, bridge, outside.settle_copy, backups, outside.make_report
    )
    parts = Parts(
        theme=theme,
        table=outside.table,
        client=client,
        bridge=bridge,
        session=session,
        save_report=outside.save_report,
        # While the engine stops, nobody waits for a command.
        tasks=SlotTasks(loop, notices.show_error, EngineStoppedError),
        notices=notices,
    )
    window = MainWindow(parts)
    bridge.setParent(window)
    FileManagerMenu(window, parts, outside.file_managers)
    presence = Presence(window, parts, outside.app_id)
    presence.closing.append(TaskbarProgress(window, parts, outside.app_id).close)
    return window, parts, presence


async def settle(window: MainWindow, parts: Parts, presence: Presence) -> None:
    """Out of sight at once; the engine breaks off and writes down what it was doing."""
    # Nothing is taken any more: who hands over files now starts the program anew.
    parts.bridge.blockSignals(True)
    window.handed.leave()
    window.hide()
    window.deletions.forget()  # deletions that still wait are not carried out
    await parts.tasks.close()
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            await presence.close()
    except Exception:
        # A daemon that hangs or fails keeps the engine from nothing.
        log.warning("tray and notifications did not end well", exc_info=True)
    if not await parts.session.stop():
        log.warning("the engine was not through in time; its jobs are settled at the next start")
