"""Before many files are sent: the plan, and nothing before the user's yes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import AddOptions
from exai_desktop.core.planning.plan import PlannedAccount, UploadPlan
from exai_desktop.gui.queue_page.plan_dialog import (
    PlanDialog,
    account_text,
    refusals,
    time_text,
    title_of,
)
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]


TITLE = AppError(ErrorCode.PROVIDER_FILE_LIMIT).title


def plan(
    fitting: int, refused: int = 0, *, line_s: float | None = 30.0, is_whole: bool = True
) -> UploadPlan:
    room = PlannedAccount("kimi", fitting, fitting * 1000, 0, 5_000_000, 1200.0)
    refusals = ((TITLE, refused),) if refused else ()
    accounts = (room,) if fitting else ()
    return UploadPlan(fitting + refused, fitting, accounts, refusals, line_s, is_whole)


def test_the_words() -> None:
    some = plan(900, 100)
    assert title_of(some) == "Send 900 files, 900 kB?"
    assert account_text(some.accounts[0]).endswith("Left afterwards: 0 files, 5.0 MB")
    assert time_text(some) == (
        "About 20 min. Your connection: 30 s. Limits of the accounts: 20 min."
    )
    assert refusals(some) == ["100 files: The account is full at the provider"]
    assert title_of(plan(0, 3)) == "None of 3 files can be sent"
    free = PlannedAccount("own", 1, 10, None, None, 0.0)
    unknown = UploadPlan(1, 1, (free,), (), None)
    assert time_text(unknown) == "The time is not known until a first file was sent."
    assert account_text(free) == "1 file, 10 B"
    assert account_text(free, 3_600.0).endswith("(1 h)")


def dialog_of(stage: Stage) -> PlanDialog:
    found: list[PlanDialog] = []

    def is_there() -> bool:
        found[:] = [d for d in stage.window.findChildren(PlanDialog) if d.isVisible()]
        return bool(found)

    stage.until(is_there)
    return found[0]


def added(script: ScriptedService) -> list[object]:
    return [call for call in script.calls if call[0] == "queue.add"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_many_files_wait_for_a_yes(open_window: Open, key: Qt.Key) -> None:
    script = ScriptedService(statuses=[account("kimi")], plan_parts=[plan(100, 1)])
    stage = open_window(script)
    stage.drop_paths("/d")
    dialog = dialog_of(stage)
    assert added(script) == []
    assert not list(unnamed(dialog))
    dialog.send.setFocus()
    stage.press(key)
    if key is Qt.Key.Key_Return:
        stage.until(lambda: len(added(script)) == 1)
    else:
        stage.until(lambda: not stage.window.findChildren(PlanDialog))
        assert added(script) == []


def test_the_first_figures_are_shown_while_files_are_still_being_found(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")], plan_parts=[])
    stage = open_window(script)
    stage.drop_paths("/d")
    script.plan_parts.append(plan(200, is_whole=False))
    dialog = dialog_of(stage)
    assert dialog.title == "Checking the files: 200 files so far…"
    assert not dialog.send.isEnabled()
    script.plan_parts.append(plan(300, 5))
    stage.until(dialog.send.isEnabled)
    assert dialog.title == "Send 300 files, 300 kB?"
    dialog.send.click()
    stage.until(lambda: len(added(script)) == 1)


def test_another_company_is_allowed_there_and_then(open_window: Open) -> None:
    """The plan begins anew, and its yes is for this drop only."""
    script = ScriptedService(statuses=[account("kimi")])
    script.plan_parts = [replace(plan(200, 50), for_others=40)]
    stage = open_window(script)
    stage.drop_paths("/d")
    dialog = dialog_of(stage)
    assert dialog.send.text() == "&Send 200 files"
    assert not list(unnamed(dialog))
    script.plan_parts = [plan(240, 10)]
    dialog.allow.click()
    stage.until(lambda: dialog.title == "Send 240 files, 240 kB?")
    assert dialog.allow.isHidden()
    dialog.send.click()
    stage.until(lambda: len(added(script)) == 1)
    assert added(script) == [("queue.add", ("/d",), AddOptions(allow_fallback=True))]
    assert not stage.window.page.send_menu.options.allow_fallback


def test_nothing_is_sent_before_all_of_the_new_plan_is_on_show(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    script.plan_parts = [replace(plan(200, 50), for_others=40)]
    stage = open_window(script)
    stage.drop_paths("/d")
    dialog = dialog_of(stage)
    script.plan_parts = []
    dialog.allow.click()
    # The question on show was about the earlier plan.
    assert not dialog.send.isEnabled()
    dialog.setFocus()
    stage.press(Qt.Key.Key_Return)
    script.plan_parts.append(plan(180, is_whole=False))
    stage.until(lambda: dialog.title == "Checking the files: 180 files so far…")
    assert not dialog.send.isEnabled()
    assert added(script) == []
    script.plan_parts.append(plan(240, 10))
    stage.until(dialog.send.isEnabled)
    dialog.send.click()
    stage.until(lambda: len(added(script)) == 1)
    assert added(script) == [("queue.add", ("/d",), AddOptions(allow_fallback=True))]


def test_a_new_plan_that_cannot_be_made_changes_nothing(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    script.plan_parts = [replace(plan(200, 50), for_others=40)]
    stage = open_window(script)
    stage.drop_paths("/d")
    dialog = dialog_of(stage)
    script.failure = AppError(ErrorCode.DATABASE_ERROR)
    dialog.allow.click()
    stage.until(lambda: stage.parts.tasks.running == 0)
    script.failure = None
    assert dialog.title == "Send 200 files, 200 kB?"
    assert dialog.allow.isVisible()
    dialog.send.click()
    stage.until(lambda: len(added(script)) == 1)
    assert added(script) == [("queue.add", ("/d",), AddOptions())]


def test_whoever_cancels_early_ends_the_plan(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")], plan_parts=[])
    stage = open_window(script)
    stage.drop_paths("/d")
    script.plan_parts.append(plan(200, is_whole=False))
    dialog_of(stage).cancel.click()
    script.plan_parts.append(plan(300, is_whole=False))
    script.plan_parts.append(plan(400))
    stage.until(lambda: stage.parts.tasks.running == 0)
    assert added(script) == []
    assert not [d for d in stage.window.findChildren(PlanDialog) if d.isVisible()]


def test_a_few_go_at_once(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")], plan_parts=[plan(100)])
    stage = open_window(script)
    stage.drop_paths("/d")
    stage.until(lambda: len(added(script)) == 1)
    assert not stage.window.findChildren(PlanDialog)


def test_a_large_drop_with_the_real_engine(open_window: Open, tmp_path: Path) -> None:
    for number in range(120):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    (tmp_path / "program.exe").write_bytes(b"MZ")
    stage = open_window(sandbox=True)
    stage.drop_paths(str(tmp_path))
    dialog = dialog_of(stage)
    assert stage.rows() == []
    dialog.send.click()
    stage.until(lambda: len(stage.rows()) == 121)
