"""Progress on the taskbar, and the entry in file managers, from the window."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jeepney import MatchRule, message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from exai_desktop.core.events import SummaryChanged
from exai_desktop.core.jobs.jobs import JobState, QueueSummary
from exai_desktop.core.machine import FileManagerEntry
from exai_desktop.gui.window.desktop_entries import FileManagerMenu
from tests.e2e.desktop_bus import session_bus
from tests.gui.conftest import Stage
from tests.gui.scripted_service import job

S = JobState
Told = tuple[str, float, bool]


@contextmanager
def listening(address: str) -> Iterator[queue.Queue[Told]]:
    """A dock: it hears what is said on the bus."""
    bus, told = open_dbus_connection(bus=address), queue.Queue[Told]()
    rule = MatchRule(type="signal", interface="com.canonical.Unity.LauncherEntry", member="Update")
    bus.send_and_get_reply(message_bus.AddMatch(rule))
    is_over = threading.Event()

    def listen() -> None:
        with bus.filter(rule) as found:
            while not is_over.is_set():
                try:
                    message: Any = bus.recv_until_filtered(found, timeout=0.2)
                except TimeoutError:
                    continue
                uri, values = message.body
                told.put((uri, values["progress"][1], values["progress-visible"][1]))

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield told
    finally:
        is_over.set()
        thread.join()
        bus.close()


def test_a_dock_is_told_the_progress_and_its_end(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_bus(tmp_path / "bus") as address, listening(address) as told:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        stage.script.rows = [job(1, S.DONE)]
        stage.window.enter(sandbox=False)
        stage.until(lambda: bool(stage.rows()))

        def say(sent: int, left: int, state: JobState) -> None:
            summary = QueueSummary({state: 1}, open_bytes=left, sent_bytes=sent)
            stage.script.publish(SummaryChanged(summary))

        def until(wanted: Told) -> None:
            def has_come() -> bool:
                return not told.empty() and told.get() == wanted

            stage.until(has_come)

        app = "application://io.github.exai_desktop.ExaiDesktop.desktop"
        say(0, 1_000, S.SENDING)
        until((app, 0.0, True))
        say(420, 580, S.SENDING)
        until((app, 0.42, True))
        say(1_000, 0, S.DONE)
        until((app, 0.0, False))
        # As at the end of the program, before that of the bus.
        [close] = stage.presence.closing
        closed: list[bool] = []

        async def close_it() -> None:
            await close()
            closed.append(True)

        stage.parts.tasks.start(close_it())
        stage.until(lambda: bool(closed))


def test_the_menu_adds_and_removes_the_entry_of_the_file_managers(stage: Stage) -> None:
    here, asked = [False], list[str]()

    def change(what: str) -> list[FileManagerEntry]:
        if what != "look":
            asked.append(what)
            here[0] = what == "install"
        return [FileManagerEntry("Nemo", "/nemo", is_there=True, is_set=here[0])]

    menu = FileManagerMenu(stage.window, stage.parts, change, "linux")
    assert menu.action in stage.window.menu_actions.files_menu.actions()
    menu.action.trigger()
    stage.until(lambda: stage.parts.notices.title == "The file manager has an entry now")
    stage.until(menu.action.isChecked)
    menu.action.trigger()
    stage.until(lambda: stage.parts.notices.title == "The entry was removed")
    stage.until(lambda: not menu.action.isChecked())
    assert asked == ["install", "remove"]
    assert not FileManagerMenu(stage.window, stage.parts, change, "darwin").action.isVisible()
