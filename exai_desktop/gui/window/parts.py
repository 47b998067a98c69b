"""What the window is given by the rest of the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exai_desktop.core.machine import BackupContent, FileManagerEntry, Restored
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.engine.bridge import EngineBridge
from exai_desktop.gui.engine.session import EngineClient, EngineSession, MakeReport
from exai_desktop.gui.engine.thread import EngineFactory
from exai_desktop.gui.notices.notice_bar import NoticeBar
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

MakeFactory = Callable[[bool], EngineFactory]


@dataclass(frozen=True, slots=True)
class Outside:
    """What the window knows of the rest of the program; the calls block."""

    resources: Path
    table: ProviderTable
    make_factory: MakeFactory
    settle_copy: Callable[[str], None]
    verify_backup: Callable[[str], BackupContent]
    restore: Callable[[str, str], Restored]
    make_report: MakeReport
    # The text of the diagnostics, and the file it goes to.
    save_report: Callable[[str, str], None]
    app_id: str
    file_managers: Callable[[str], list[FileManagerEntry]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the parts of the window are made from."""

    theme: Theme
    table: ProviderTable
    client: EngineClient
    bridge: EngineBridge
    session: EngineSession
    save_report: Callable[[str, str], None]
    tasks: SlotTasks
    notices: NoticeBar
