"""The window tells that another version is installed meanwhile, or published."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import UpdateStatus
from exai_desktop.gui.widgets.controls import Button
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService

PAGE = "https://downloads.example/"


def title(stage: Stage) -> str:
    notices = stage.parts.notices
    return "" if notices.isHidden() else notices.title


def press(stage: Stage, word: str) -> None:
    [button] = [b for b in stage.parts.notices.findChildren(Button) if b.text() == word]
    button.click()


def test_a_version_that_was_installed_meanwhile_is_told_once(stage: Stage) -> None:
    stage.script.updates.known = UpdateStatus("0.1.0", "deb", replaced_by="0.2.0")
    stage.window.updates.look()
    stage.until(lambda: title(stage) == "EXAI Desktop was updated")
    stage.parts.notices.dismiss()
    stage.window.updates.look()
    stage.until(lambda: stage.parts.tasks.running == 0)
    assert title(stage) == ""


def test_its_button_quits_the_program(stage: Stage) -> None:
    quits: list[bool] = []
    stage.window.close_wanted.connect(lambda: quits.append(True))
    stage.script.updates.known = UpdateStatus("0.1.0", "deb", replaced_by="0.2.0")
    stage.window.updates.look()
    stage.until(lambda: title(stage) == "EXAI Desktop was updated")
    press(stage, "&Quit")
    assert quits == [True]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (UpdateStatus("0.1.0", "deb", newest="0.2.0", page=PAGE), "Version 0.2.0 is available"),
        (UpdateStatus("0.1.0", "deb", checked_at=1.0), "EXAI Desktop is up to date"),
        (EngineError(ErrorCode.UPDATE_CHECK_OFF, "why"), "Nobody is asked about newer versions"),
    ],
    ids=["newer", "newest", "off"],
)
def test_the_menu_tells_what_the_check_finds(
    stage: Stage, found: UpdateStatus | EngineError, said: str
) -> None:
    stage.script.updates.published = found
    stage.window.menu_actions.updates.trigger()
    stage.until(lambda: title(stage) == said)


def test_a_published_version_is_told_without_being_asked(open_window: Callable[..., Stage]) -> None:
    script = ScriptedService()
    script.updates.known = UpdateStatus("0.1.0", "archive", newest="0.2.0", page=PAGE)
    stage = open_window(script)
    stage.window.updates.look()
    stage.until(lambda: title(stage) == "Version 0.2.0 is available")
