"""The first account in three steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from exai_desktop.core.accounts.accounts import AccountDraft, ConnectionReport
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, ErrorView
from exai_desktop.gui.accounts.first_steps import FirstSteps
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService
from tests.gui.window.test_accessibility import unnamed

from .test_accounts_dialog import KEY, texts

Open = Callable[..., Stage]
GOOD = ConnectionReport(True, "kimi", "api.moonshot.cn", 320, files=3)
REFUSED = replace(GOOD, ok=False, files=None, error=ErrorView.of_code(ErrorCode.AUTH_FAILED))
OFFLINE = replace(REFUSED, error=ErrorView.of_code(ErrorCode.OFFLINE))


@pytest.fixture
def stage(open_window: Open) -> Stage:
    return open_window(ScriptedService())


@pytest.fixture
def steps(stage: Stage) -> FirstSteps:
    stage.window.first_run.add_key.click()
    [found] = stage.window.findChildren(FirstSteps)
    QTest.keyClicks(found.key, KEY)
    return found


def asked(stage: Stage) -> list[tuple[str, str | None]]:
    calls = [call for call in stage.script.calls if call[0] == "accounts.test_draft"]
    assert all(call[2] == KEY for call in calls)
    drafts = [call[1] for call in calls]
    return [(d.provider, d.region) for d in drafts if isinstance(d, AccountDraft)]


def test_from_a_key_to_the_first_file(stage: Stage, steps: FirstSteps) -> None:
    stage.script.reports = {"intl": REFUSED, "cn": GOOD}
    assert steps.step.text() == "Step 1 of 3: Key"
    steps.regions[""].click()
    assert "api.moonshot.ai and api.moonshot.cn only" in steps._goes_to.text()
    assert not list(unnamed(steps))
    steps.key.setFocus()
    QTest.keyClick(steps.key, Qt.Key.Key_Return)
    stage.until(lambda: steps.title.text() == "The key works: China (api.moonshot.cn)")
    assert asked(stage) == [("kimi", "intl"), ("kimi", "cn")]
    assert not stage.script.statuses, "saved before the user wanted it"
    assert not list(unnamed(steps))
    steps.save.click()
    stage.until(lambda: steps.title.text() == "Your account is ready")
    assert ("accounts.add", AccountDraft("kimi", "kimi", "cn"), KEY) in stage.script.calls
    assert KEY not in texts()
    stage.until(lambda: stage.window.stack.currentWidget() is stage.window.page)
    steps.files.click()
    stage.until(lambda: bool(stage.window.findChildren(QFileDialog)))
    for dialog in stage.window.findChildren(QFileDialog):
        dialog.close()


def test_a_key_goes_only_where_it_was_said(stage: Stage, steps: FirstSteps) -> None:
    """At first one region is chosen: the key of one is none of the other's business."""
    steps.providers["glm"].click()
    [shown] = [name for name, button in steps.regions.items() if button.isChecked()]
    assert shown
    steps.test.click()
    stage.until(lambda: steps.pages.currentIndex() == 1)
    assert asked(stage) == [("glm", shown)]
    assert shown in {name for name in steps.regions if name}


def test_what_was_tested_is_what_is_saved(stage: Stage, steps: FirstSteps) -> None:
    """Whatever is typed or chosen while the answer is on its way."""
    steps.test.click()
    assert not steps.pages.isEnabled()
    steps.key.setText("sk-another-key-1234567890")
    steps.providers["glm"].click()
    stage.until(lambda: steps.pages.currentIndex() == 1)
    assert steps.pages.isEnabled()
    steps.save.click()
    stage.until(lambda: steps.title.text() == "Your account is ready")
    assert ("accounts.add", AccountDraft("kimi", "kimi", "intl"), KEY) in stage.script.calls


def test_a_refused_key_is_not_saved(stage: Stage, steps: FirstSteps) -> None:
    stage.script.report = REFUSED
    steps.test.click()
    stage.until(lambda: steps.title.text() == "The key was not accepted")
    assert steps.save.isHidden()
    assert REFUSED.error is not None
    assert REFUSED.error.hint in steps._facts.text()
    steps.back.click()
    assert steps.pages.currentIndex() == 0
    assert steps.key.key == KEY


def test_without_a_network_it_can_be_saved_untested(stage: Stage, steps: FirstSteps) -> None:
    stage.script.report = OFFLINE
    steps.test.click()
    stage.until(lambda: steps.title.text() == "The key could not be tested")
    assert steps.save.text() == "&Save without a test"
    steps.save.click()
    stage.until(lambda: steps.title.text() == "Your account is ready")
    # Of two regions nobody knows which one it is.
    steps._go(0, "again")
    QTest.keyClicks(steps.key, KEY)
    steps.regions[""].click()
    steps.test.click()
    stage.until(lambda: steps.title.text() == "The key could not be tested")
    assert steps.save.isHidden()


def test_without_a_keyring_the_user_chooses_a_place(stage: Stage, steps: FirstSteps) -> None:
    stage.script.report = GOOD
    steps.test.click()
    stage.until(lambda: steps.pages.currentIndex() == 1)
    stage.script.failure = AccountError(ErrorCode.CREDENTIAL_STORE_UNAVAILABLE)
    steps.save.click()
    stage.until(steps.answer.isVisible)
    stage.script.failure = None
    stage.until(lambda: steps.key_store is not None)
    assert steps.key_store is not None
    steps.key_store.settled.emit()
    stage.until(lambda: steps.title.text() == "Your account is ready")


def test_closing_it_forgets_the_key(stage: Stage, steps: FirstSteps) -> None:
    QTest.keyClick(steps, Qt.Key.Key_Escape)
    assert KEY not in texts()
    stage.until(lambda: not stage.window.findChildren(FirstSteps))
    assert stage.window.stack.currentWidget() is stage.window.first_run


def test_another_provider_opens_the_accounts(stage: Stage, steps: FirstSteps) -> None:
    steps.other.click()
    stage.until(lambda: stage.window.accounts_dialog is not None)
    assert KEY not in texts()
