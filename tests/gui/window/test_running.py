"""Starting, failing to start, errors nobody caught, signals, quitting."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import BatchFinished, ProblemRaised, WindowWanted, WindowWish
from exai_desktop.core.service import UploadService
from exai_desktop.gui import app as entry
from exai_desktop.gui.engine.thread import EngineStoppedError, EngineThread
from exai_desktop.gui.widgets.slot_tasks import SlotTasks
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, error

Open = Callable[..., Stage]


class Refusing(ScriptedService):
    """An engine that does not start the first time."""

    starts = 0

    def factory(self, _sandbox: bool) -> Callable[[], object]:  # type: ignore[override]
        @asynccontextmanager
        async def run() -> AsyncIterator[ScriptedService]:
            self.starts += 1
            if self.starts == 1:
                raise EngineError(ErrorCode.ANOTHER_INSTANCE, "the window is open already")
            self.loop = asyncio.get_running_loop()
            yield self

        return run


def test_an_engine_that_does_not_start_is_explained(open_window: Open) -> None:
    stage = open_window(Refusing(statuses=[account("kimi")]))
    window = stage.window
    assert window.stack.currentWidget() is window.problem
    window.problem.again.click()
    stage.until(lambda: window.stack.currentWidget() is window.page)


def test_the_engine_steps_back_and_answers(loop: asyncio.AbstractEventLoop, qtbot: QtBot) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    thread = EngineThread(script.factory(False), lambda _event: None)

    async def where(_service: UploadService) -> tuple[str, int]:
        nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return threading.current_thread().name, nice

    async def use() -> tuple[str, int]:
        await thread.start()
        answer = await thread.submit(where)
        assert await thread.stop(5)
        with pytest.raises(EngineStoppedError):
            await thread.submit(where)
        return answer

    task = loop.create_task(use())
    qtbot.waitUntil(task.done)
    name, nice = task.result()
    assert name == "engine"
    if sys.platform == "linux":
        # Also when the tests themselves have stepped back.
        assert nice > min(os.getpriority(os.PRIO_PROCESS, 0), 4)
    assert not thread.is_alive


def test_a_hanging_engine_does_not_keep_the_window(
    loop: asyncio.AbstractEventLoop, qtbot: QtBot
) -> None:
    free = threading.Event()

    @asynccontextmanager
    async def hanging() -> AsyncIterator[ScriptedService]:
        yield ScriptedService()
        free.wait(60)

    thread = EngineThread(hanging, lambda _event: None)

    async def use() -> bool:
        await thread.start()
        return await thread.stop(0.2)

    task = loop.create_task(use())
    qtbot.waitUntil(task.done)
    assert task.result() is False
    free.set()
    qtbot.waitUntil(lambda: not thread.is_alive)


def test_every_failure_of_a_command_is_shown(
    loop: asyncio.AbstractEventLoop, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[str] = []
    tasks = SlotTasks(loop, lambda view: shown.append(view.code), EngineStoppedError)

    async def fail(problem: Exception) -> None:
        raise problem

    with caplog.at_level(logging.CRITICAL):
        tasks.start(fail(EngineError(ErrorCode.DISK_FULL)))
        tasks.start(fail(ValueError("not for the eyes of a user")))
        tasks.group().start(fail(EngineStoppedError()))
        qtbot.waitUntil(lambda: tasks.running == 0)
    assert shown == ["DISK_FULL", "UNEXPECTED_ERROR"]


def test_a_group_ends_without_the_rest(loop: asyncio.AbstractEventLoop, qtbot: QtBot) -> None:
    tasks = SlotTasks(loop, lambda _view: None)
    group = tasks.group()
    group.start(asyncio.sleep(60))
    rest = tasks.start(asyncio.sleep(60))
    group.cancel()
    qtbot.waitUntil(lambda: (group.running, tasks.running) == (0, 1))
    closing = loop.create_task(tasks.close())
    qtbot.waitUntil(closing.done)
    assert rest.cancelled()


def test_news_of_the_program_reach_the_user(stage: Stage) -> None:
    stage.script.publish(ProblemRaised(error(ErrorCode.DISK_FULL)))
    stage.until(lambda: stage.parts.notices.title == "The disk with the profile is full")
    stage.script.publish(BatchFinished(1, 5, 0, 0, 0, 0, 0))
    stage.qtbot.wait(250)
    assert stage.parts.notices.title == "The disk with the profile is full"
    stage.script.publish(BatchFinished(2, 5, 1, 1, 1, 0, 0))
    stage.until(lambda: stage.parts.notices.title == "2 files were not uploaded")
    stage.window.showMinimized()
    stage.script.window.asked.append(WindowWish())
    stage.script.publish(WindowWanted())
    stage.until(lambda: not stage.window.isMinimized())


def test_an_error_nobody_caught_is_one_notice(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    report = entry._reporter(stage.window, stage.parts.notices.show_error)
    with caplog.at_level(logging.CRITICAL):
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as problem:
            report(type(problem), problem, problem.__traceback__)
    stage.until(lambda: stage.parts.notices.title == "An unexpected error occurred")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_quits_cleanly(number: signal.Signals, profile_home: Path) -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "EXAI_DESKTOP_LOG_LEVEL": "debug"}
    process = subprocess.Popen(
        [sys.executable, "-m", "exai_desktop", "--sandbox"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        # The profile's database is there when the engine runs.
        while not any(profile_home.rglob("*.db")) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(number)
        _, complaints = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, complaints
    assert "Traceback" not in complaints
