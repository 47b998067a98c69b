"""Keys without a keyring: the user chooses; and a vault is opened by its passphrase."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from exai_desktop.core.accounts.secret_store import StoreState, StoreStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, EngineError
from exai_desktop.gui.accounts.accounts_dialog import AccountsDialog
from exai_desktop.gui.accounts.key_store_dialog import KeyStoreDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, error

Open = Callable[..., Stage]
KEY = "sk-secret-4711"
PASSPHRASE = "a passphrase for tests"

NO_KEYRING = StoreStatus("no keyring", StoreState.ABSENT)
LOCKED = StoreStatus("vault", StoreState.LOCKED, has_vault=True)


def refused(open_window: Open) -> tuple[Stage, AccountsDialog, KeyStoreDialog]:
    """A key was entered and saved; the engine has no place for it."""
    stage = open_window(ScriptedService(store=NO_KEYRING))
    stage.window.open_accounts()
    dialog = stage.window.accounts_dialog
    assert dialog is not None
    # Nothing is asked before there is a key to be kept.
    assert not dialog.findChildren(KeyStoreDialog)
    stage.script.failure = AccountError(ErrorCode.CREDENTIAL_STORE_UNAVAILABLE)
    QTest.keyClicks(dialog.form.key, KEY)
    dialog.form.save.click()
    stage.until(lambda: dialog.key_store is not None)
    assert dialog.key_store is not None
    stage.script.failure = None
    stage.script.calls.clear()
    return stage, dialog, dialog.key_store


def names(stage: Stage) -> list[object]:
    return [call[0] for call in stage.script.calls]


def test_for_this_session_only_is_a_choice(open_window: Open) -> None:
    stage, dialog, choice = refused(open_window)
    choice.session.click()
    # The account is saved without a second click.
    stage.until(lambda: names(stage) == ["keys.session", "accounts.add"])
    dialog.close()


def test_a_vault_needs_the_same_passphrase_twice(open_window: Open) -> None:
    stage, dialog, choice = refused(open_window)
    states = [choice.make_vault.isEnabled()]
    for first, again in (("short", "short"), (PASSPHRASE, "another one"), (PASSPHRASE, PASSPHRASE)):
        choice.first.setText(first)
        choice.again.setText(again)
        states.append(choice.make_vault.isEnabled())
    assert states == [False, False, False, True]
    assert choice.first.echoMode() is QLineEdit.EchoMode.Password
    choice.make_vault.click()
    stage.until(lambda: names(stage) == ["keys.create", "accounts.add"])
    assert stage.script.calls[0] == ("keys.create", PASSPHRASE)
    fields = [w for w in QApplication.allWidgets() if isinstance(w, QLineEdit)]
    for field in fields:
        field.undo()
    assert PASSPHRASE not in " ".join(field.text() for field in fields)
    dialog.close()


def test_trying_again_says_when_there_is_still_no_keyring(open_window: Open) -> None:
    stage, dialog, choice = refused(open_window)
    choice.retry.click()
    stage.until(lambda: choice.answer.title == "No secure keyring on this computer")
    assert names(stage) == ["keys.try_again"]
    stage.script.store = StoreStatus("Secret Service", StoreState.READY)
    choice.retry.click()
    stage.until(lambda: names(stage)[-1] == "accounts.add")
    dialog.close()


def test_not_now_saves_nothing(open_window: Open) -> None:
    stage, dialog, choice = refused(open_window)
    choice.close()
    assert stage.script.calls == []
    assert dialog.form.key.text() == KEY
    dialog.close()


def test_a_locked_vault_asks_at_the_start(open_window: Open) -> None:
    stage = open_window(ScriptedService(store=LOCKED))
    stage.until(lambda: stage.window.key_store is not None)
    question = stage.window.key_store
    assert question is not None
    assert not question.unlock.isEnabled()
    stage.script.failure = AccountError(ErrorCode.WRONG_PASSPHRASE)
    question.first.setText("not it")
    question.unlock.click()
    stage.until(lambda: question.answer.title == "The passphrase does not open the vault")
    stage.script.failure = None
    stage.script.calls.clear()
    question.first.setText(PASSPHRASE)
    question.unlock.click()
    stage.until(lambda: stage.script.calls == [("keys.unlock", PASSPHRASE)])


def test_the_first_start_asks_for_nothing(open_window: Open) -> None:
    stage = open_window(ScriptedService(store=NO_KEYRING))
    stage.until(lambda: stage.window.stack.currentWidget() is stage.window.first_run)
    assert stage.window.key_store is None


def test_the_key_store_can_be_looked_at(open_window: Open) -> None:
    stage = open_window(ScriptedService())
    stage.window.open_accounts()
    dialog = stage.window.accounts_dialog
    assert dialog is not None
    dialog._show_key_store()
    stage.until(lambda: dialog.key_store is not None)
    assert dialog.key_store is not None
    assert dialog.key_store.make_vault.isVisible()
    assert not dialog.key_store.session.isVisible()
    dialog.close()


def test_a_copied_profile_is_a_question(open_window: Open) -> None:
    chosen: list[str] = []
    stage = open_window(ScriptedService())
    stage.parts.session._settle_copy = chosen.append
    problem = stage.window.problem
    problem.show_error(error(ErrorCode.OFFLINE))
    assert (problem.keep.isHidden(), problem.new.isHidden()) == (True, True)
    problem.show_error(error(ErrorCode.PROFILE_COPIED))
    assert (problem.keep.isHidden(), problem.new.isHidden()) == (False, False)
    stage.window.stack.setCurrentWidget(problem)
    problem.new.click()
    # And the engine is started anew.
    stage.until(lambda: stage.window.stack.currentWidget() is stage.window.first_run)
    assert chosen == ["new"]


def test_an_answer_that_cannot_be_carried_out_is_told(open_window: Open) -> None:
    stage = open_window(ScriptedService())

    def fails(_choice: str) -> None:
        raise EngineError(ErrorCode.ANOTHER_INSTANCE, "process 1")

    stage.parts.session._settle_copy = fails
    problem = stage.window.problem
    problem.show_error(error(ErrorCode.PROFILE_COPIED))
    stage.window.stack.setCurrentWidget(problem)
    problem.keep.click()
    stage.until(problem.keep.isHidden)
    assert stage.window.stack.currentWidget() is problem
