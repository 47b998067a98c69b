"""An account is changed in the window: the key replaced and forgotten, the limits saved."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from exai_desktop.core.accounts.accounts import HERE, AccountEdit, KeyPlace
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.settings import KEY_ON_ALL, Settings
from exai_desktop.gui.accounts.change_dialog import ChangeDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account

from .test_accounts_dialog import open_dialog, texts

Open = Callable[..., Stage]
KEY = "sk-secret-4712"


@pytest.fixture
def opened(open_window: Open) -> tuple[Stage, ChangeDialog]:
    stage = open_window(ScriptedService(statuses=[account("work")]))
    accounts = open_dialog(stage)
    change = accounts.cards[0].change
    assert change is not None
    change.click()
    [dialog] = accounts.findChildren(ChangeDialog)
    stage.until(dialog.isVisible)
    return stage, dialog


def test_a_key_is_replaced_and_forgotten(opened: tuple[Stage, ChangeDialog]) -> None:
    stage, dialog = opened
    assert not dialog.key.replace_key.isEnabled()
    QTest.keyClicks(dialog.key.key, f" {KEY} ")
    dialog.key.replace_key.click()
    stage.until(lambda: dialog.key.result.title == "The key was replaced")
    assert stage.script.calls == [("accounts.set_key", "work", KEY, HERE, False)]
    assert KEY not in texts()
    dialog.close()


def test_where_a_redis_is_shared_the_others_need_the_key_too(
    opened: tuple[Stage, ChangeDialog],
) -> None:
    stage, dialog = opened
    stage.script.settings.kept = Settings(redis_url="redis://127.0.0.1:6379/0")
    QTest.keyClicks(dialog.key.key, KEY)
    dialog.key.replace_key.click()
    stage.until(lambda: KEY_ON_ALL in dialog.key.result.title)
    dialog.close()


def test_a_key_that_is_refused_is_explained_and_stays_in_the_field(
    opened: tuple[Stage, ChangeDialog],
) -> None:
    stage, dialog = opened
    stage.script.failure = AccountError(ErrorCode.AUTH_FAILED)
    QTest.keyClicks(dialog.key.key, KEY)
    dialog.key.untested.click()
    dialog.key.replace_key.click()
    stage.until(lambda: dialog.key.result.title == "The provider does not accept the key")
    assert dialog.key.key.key == KEY
    assert dialog.key.replace_key.isEnabled()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert KEY not in texts()


def test_another_place_goes_with_the_key(opened: tuple[Stage, ChangeDialog]) -> None:
    stage, dialog = opened
    dialog.key.region.setCurrentIndex(dialog.key.region.findData("cn"))
    assert dialog.key.base_url.placeholderText() == "https://api.moonshot.cn/v1"
    dialog.key.key.setText(KEY)
    dialog.key.replace_key.click()
    stage.until(lambda: bool(stage.script.calls))
    assert stage.script.calls[0][1:4] == ("work", KEY, KeyPlace("cn"))
    dialog.close()


def test_only_what_was_changed_is_saved(opened: tuple[Stage, ChangeDialog]) -> None:
    stage, dialog = opened
    limits = dialog.limits
    limits.save.click()
    limits.at_once.setValue(7)
    limits.speed.setValue(250)
    limits.purposes.setText("own:txt,pdf  other")
    limits.save.click()
    stage.until(lambda: limits.result.title == "The changes apply now")
    changes = AccountEdit(7, ("own:txt,pdf", "other"), bytes_per_s=250_000)
    assert stage.script.calls == [("accounts.edit", "work", changes)]
    limits.tier.setCurrentIndex(limits.tier.findData("1"))
    assert limits.changes.tier == "1"
    dialog.close()


def test_the_sandbox_offers_no_change(open_window: Open) -> None:
    stage = open_window(ScriptedService(statuses=[account("work")]), sandbox=True)
    accounts = open_dialog(stage)
    assert accounts.cards[0].change is None
    accounts.close()
