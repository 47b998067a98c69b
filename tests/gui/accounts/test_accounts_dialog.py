"""Accounts: a test before saving, the key gone from every widget afterwards."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from exai_desktop.core.accounts.accounts import AccountDraft, Balance, ConnectionReport
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.gui.accounts.accounts_dialog import AccountsDialog
from exai_desktop.gui.style.plain_text import PlainQuestion
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, error

Open = Callable[..., Stage]
KEY = "sk-secret-4711"


def open_dialog(stage: Stage) -> AccountsDialog:
    stage.window.open_accounts()
    dialog = stage.window.accounts_dialog
    assert dialog is not None
    stage.until(lambda: len(dialog.cards) == len(stage.script.statuses))
    return dialog


def texts() -> str:
    """What every line of every window holds now, with its undo history tried."""
    fields = [w for w in QApplication.allWidgets() if isinstance(w, QLineEdit)]
    for field in fields:
        field.undo()
    return " ".join(field.text() for field in fields)


def test_a_key_is_tested_then_saved_then_forgotten(open_window: Open) -> None:
    stage = open_window(ScriptedService())
    stage.window.open_accounts()
    dialog = stage.window.accounts_dialog
    assert dialog is not None
    form = dialog.form
    assert not form.save.isEnabled()
    assert form.key.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClicks(form.key, KEY)
    form.test.click()
    stage.until(lambda: form.result.title == "The connection works")
    form.save.click()
    stage.until(lambda: len(dialog.cards) == 1)
    assert stage.script.calls == [
        ("accounts.test_draft", AccountDraft("kimi", "kimi", "intl", None), KEY),
        ("accounts.add", AccountDraft("kimi", "kimi", "intl", None), KEY),
    ]
    assert KEY not in texts()
    assert form.name.text() == "kimi-2"
    stage.until(lambda: stage.window.stack.currentWidget() is stage.window.page)
    dialog.close()


def test_closing_forgets_the_key(stage: Stage) -> None:
    dialog = open_dialog(stage)
    QTest.keyClicks(dialog.form.key, KEY)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert KEY not in texts()
    stage.until(lambda: stage.window.accounts_dialog is None)


def test_provider_decides_regions_and_hints(stage: Stage) -> None:
    dialog = open_dialog(stage)
    form = dialog.form
    form.provider.setCurrentIndex(1)
    regions = [form.region.itemText(place) for place in range(form.region.count())]
    assert regions == ["International (api.z.ai)", "China (open.bigmodel.cn)"]
    form.region.setCurrentIndex(1)
    assert form.base_url.placeholderText().startswith("https://open.bigmodel.cn/")
    assert (form.draft.name, form.draft.provider, form.draft.region) == ("glm", "glm", "bigmodel")
    hidden = [form.base_url.isHidden()]
    form.advanced.click()
    hidden.append(form.base_url.isHidden())
    assert hidden == [True, False]
    form.base_url.setText("https://127.0.0.1:9/v1")
    urls = [form.draft.base_url]
    form.advanced.click()
    urls.append(form.draft.base_url)
    assert urls == ["https://127.0.0.1:9/v1", None]
    dialog.close()


def test_a_service_of_ones_own_is_told_by_its_address(stage: Stage) -> None:
    dialog = open_dialog(stage)
    form = dialog.form
    form.provider.setCurrentIndex(2)
    form.key.setText(KEY)
    shown = [not part.isHidden() for part in (form.base_url, form.open_console)]
    assert shown == [True, False]
    assert not form.save.isEnabled()
    form.base_url.setText("http://127.0.0.1:9/v1")
    assert form.save.isEnabled()
    assert (form.draft.provider, form.draft.base_url) == ("custom", "http://127.0.0.1:9/v1")
    form.provider.setCurrentIndex(0)
    shown = [not part.isHidden() for part in (form.base_url, form.open_console)]
    assert shown == [False, True]
    assert form.draft.base_url is None
    form.advanced.click()
    form.per_minute.setValue(3)
    assert form.draft.uploads_per_minute == 3
    dialog.close()


def test_the_eye_shows_the_key(stage: Stage) -> None:
    dialog = open_dialog(stage)
    form = dialog.form
    modes = [form.key.echoMode()]
    form.key.eye.trigger()
    modes.append(form.key.echoMode())
    form.reset()
    modes.append(form.key.echoMode())
    assert [mode.name for mode in modes] == ["Password", "Normal", "Password"]
    dialog.close()


@pytest.mark.parametrize("raised", [True, False])
def test_a_bad_key_is_explained_in_place(stage: Stage, raised: bool) -> None:
    dialog = open_dialog(stage)
    form = dialog.form
    if raised:
        stage.script.failure = AccountError(ErrorCode.AUTH_FAILED)
    else:
        view = error(ErrorCode.AUTH_FAILED)
        stage.script.report = ConnectionReport(False, "kimi", "api.moonshot.ai", 3, None, view)
    form.key.setText(KEY)
    form.test.click()
    stage.until(lambda: form.result.title == "The provider does not accept the key")
    form.key.setText(KEY + "1")
    assert form.result.isHidden()
    if raised:
        form.save.click()
        stage.until(lambda: form.result.title == "The provider does not accept the key")
        assert form.key.text() == KEY + "1"
    dialog.close()


def test_existing_accounts_are_tested_and_removed(open_window: Open) -> None:
    names = ["kimi", "<b>glm</b>"]
    stage = open_window(ScriptedService(statuses=[account(name) for name in names]))
    stage.script.report = replace(stage.script.report, balance=Balance(7.25, "USD"))
    dialog = open_dialog(stage)
    dialog.cards[0].test.click()
    stage.until(lambda: dialog.cards[0].result.title == "The connection works")
    assert "Balance: 7.25 USD." in dialog.cards[0].result._text.text()
    dialog._ask_remove(dialog.cards[1])
    [question] = dialog.findChildren(PlainQuestion)
    assert question.informativeText().startswith("<b>glm</b>: ")
    question.accept()
    stage.until(lambda: [card.name for card in dialog.cards] == ["kimi"])
    dialog.close()


def test_a_second_call_brings_the_first_dialog_to_the_front(stage: Stage) -> None:
    dialog = open_dialog(stage)
    stage.window.open_accounts()
    assert stage.window.accounts_dialog is dialog
    dialog.close()


def test_a_tier_is_chosen_where_the_provider_has_some(stage: Stage) -> None:
    dialog = open_dialog(stage)
    form = dialog.form
    form.provider.setCurrentIndex(form.provider.findData("kimi"))
    assert not form.tier.isVisible()
    form.advanced.click()
    stage.until(form.tier.isVisible)
    form.tier.setCurrentIndex(form.tier.findData("1"))
    assert form.draft.tier == "1"
    form.provider.setCurrentIndex(form.provider.findData("glm"))
    assert not form.tier.isVisible()
    assert form.draft.tier is None
