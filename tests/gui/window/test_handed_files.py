"""Files of the start and of a second start: where they go, and what is told of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import WindowWanted, WindowWish
from exai_desktop.gui.window import making
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account

Open = Callable[..., Stage]


def test_files_of_a_second_start_are_added_and_the_window_comes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_ACTIVATION_TOKEN", raising=False)
    stage.window.showMinimized()
    stage.script.window.asked.append(WindowWish(("/docs/a.pdf",), "from the desktop"))
    stage.script.publish(WindowWanted())
    stage.until(lambda: stage.names() == ["a.pdf"])
    assert not stage.window.isMinimized()
    assert os.environ.pop("XDG_ACTIVATION_TOKEN") == "from the desktop"
    stage.until(lambda: [taken for _, taken in stage.script.window.answers] == [True])


def test_files_of_a_second_start_that_cannot_be_added_are_not_taken(stage: Stage) -> None:
    stage.script.failure = EngineError(ErrorCode.DISK_FULL)
    stage.script.window.asked.append(WindowWish(("/docs/a.pdf",)))
    stage.script.publish(WindowWanted())
    stage.until(lambda: [taken for _, taken in stage.script.window.answers] == [False])
    assert not stage.names()
    stage.script.failure = None


def test_files_of_a_second_start_wait_for_an_account(open_window: Open) -> None:
    stage = open_window(ScriptedService())
    stage.script.window.asked.append(WindowWish(("/docs/a.pdf",)))
    stage.script.publish(WindowWanted())
    stage.until(lambda: stage.parts.notices.title == "1 path waits for an account")
    stage.until(lambda: [taken for _, taken in stage.script.window.answers] == [True])
    stage.window.handed.offer(has_account=True)
    stage.until(lambda: stage.names() == ["a.pdf"])


def test_a_second_start_during_the_start_is_answered_after_it(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    script.window.asked.append(WindowWish(("/docs/a.pdf",)))
    stage = open_window(script)
    stage.until(lambda: stage.names() == ["a.pdf"])


def test_a_window_that_ends_takes_nothing(stage: Stage) -> None:
    # Its start ends with a look at what waits.
    stage.until(lambda: stage.parts.tasks.running == 0)
    ending = making.settle(stage.window, stage.parts, stage.presence)
    settling = asyncio.get_event_loop().create_task(ending)
    stage.script.window.asked.append(WindowWish(("/docs/a.pdf",)))
    stage.script.publish(WindowWanted())
    stage.until(settling.done)
    assert stage.script.window.asked
    assert not stage.window.isVisible()


def test_files_of_the_start_wait_for_an_account(open_window: Open) -> None:
    stage = open_window(ScriptedService())
    stage.window.handed.begin(["/docs/a.pdf"], is_sandbox=False)
    stage.window.handed.enter(is_sandbox=True, has_account=True)
    assert not stage.names(), "they are not for the sandbox"
    stage.window.handed.enter(is_sandbox=False, has_account=False)
    assert stage.parts.notices.title == "1 path waits for an account"
    stage.window.handed.offer(has_account=True)
    stage.until(lambda: stage.names() == ["a.pdf"])
    stage.window.handed.offer(has_account=True)
    stage.qtbot.wait(100)
    assert stage.names() == ["a.pdf"]


def test_files_go_to_no_window_of_another_profile(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_ACTIVATION_TOKEN", raising=False)
    handed = open_window(ScriptedService()).window.handed
    handed.begin(["/docs/a.pdf"], is_sandbox=True)
    assert handed.wish(is_sandbox=False) == WindowWish()
    assert handed.wish(is_sandbox=True) == WindowWish(("/docs/a.pdf",))
    handed.enter(is_sandbox=True, has_account=True)
    assert handed.wish(is_sandbox=True) == WindowWish(), "they are in the queue by now"
