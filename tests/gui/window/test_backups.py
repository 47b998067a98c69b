"""Backing up and restoring from the window: with the real engine, and what is asked before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QApplication, QFileDialog

from exai_desktop.bootstrap import verify_backup
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.machine import BackupContent, Restored
from exai_desktop.gui.window.backup_dialogs import (
    BackUpDialog,
    RestoreDialog,
    content_text,
    restored_text,
)
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
D = TypeVar("D", BackUpDialog, RestoreDialog)
PASSPHRASE = "a passphrase for tests"


def opened(stage: Stage, kind: type[D]) -> D:
    """The dialog, by its entry in the menu."""
    actions = stage.window.menu_actions
    {"BackUpDialog": actions.back_up, "RestoreDialog": actions.restore}[kind.__name__].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, kind)
    assert not list(unnamed(dialog))
    return dialog


def theme_of(stage: Stage) -> str:
    return str(stage.parts.theme.setting)


def test_what_was_backed_up_is_there_again(open_window: Open, tmp_path: Path) -> None:
    """The settings are an example; the queue starts anew with the restored record."""
    stage = open_window()
    back_up = opened(stage, BackUpDialog)
    back_up.write_to(str(tmp_path / "backup"))
    stage.until(lambda: back_up.answer.title.startswith("Backed up"))
    back_up.close()
    assert verify_backup(tmp_path / "backup").accounts == ()
    stage.window.menu_actions.themes.actions()[2].trigger()
    stage.until(lambda: stage.parts.tasks.running == 0)
    assert theme_of(stage) == "dark"
    restore = opened(stage, RestoreDialog)
    assert not restore.restore.isEnabled()
    restore.look_at(str(tmp_path / "backup"))
    stage.until(restore.restore.isEnabled)
    restore.restore.click()
    stage.until(lambda: stage.parts.notices.title == "The backup was restored")
    assert theme_of(stage) == "system"
    stage.until(lambda: stage.window.stack.currentWidget() is stage.window.first_run)


def test_a_damaged_one_cannot_be_chosen(open_window: Open, tmp_path: Path) -> None:
    stage = open_window()
    (tmp_path / "thesis.docx").write_bytes(b"no backup")
    restore = opened(stage, RestoreDialog)
    restore.look_at(str(tmp_path / "thesis.docx"))
    stage.until(restore.answer.isVisible)
    assert "damaged" in restore.answer.title
    assert not restore.restore.isEnabled()
    restore.close()


def test_keys_need_the_same_passphrase_twice(stage: Stage) -> None:
    dialog = opened(stage, BackUpDialog)
    assert dialog.back_up.isEnabled() and not dialog.first.isEnabled()
    dialog.keys.setChecked(True)
    states = []
    for first, again in (("", ""), ("short", "short"), (PASSPHRASE, "x"), (PASSPHRASE,) * 2):
        dialog.first.setText(first)
        dialog.again.setText(again)
        states.append(dialog.back_up.isEnabled())
    assert states == [False, False, False, True]
    dialog.texts.setChecked(True)
    dialog.back_up.click()
    chooser = dialog.findChild(QFileDialog)
    assert chooser is not None
    chooser.close()
    dialog.write_to("/somewhere/backup")
    stage.until(dialog.answer.isVisible)
    assert stage.script.calls[-1] == ("backups.create", "/somewhere/backup", True, PASSPHRASE)
    assert dialog.first.text() == dialog.again.text() == ""
    stage.script.failure = EngineError(ErrorCode.BACKUP_NOT_WRITTEN, "No space left on device")
    dialog.keys.setChecked(False)
    dialog.write_to("/somewhere/backup")
    stage.until(lambda: "could not be written" in dialog.answer.title)
    stage.script.failure = None
    dialog.close()


def test_keys_in_a_backup_are_opened_or_left_out(stage: Stage) -> None:
    content = BackupContent(0.0, "1", 3, 2, ("main",), True, True, 4_096)
    asked: list[tuple[str, str]] = []

    def restore(file: str, passphrase: str) -> Restored:
        asked.append((file, passphrase))
        raise EngineError(ErrorCode.WRONG_PASSPHRASE)

    object.__setattr__(stage.parts.session._backups, "verify", lambda file: content)
    object.__setattr__(stage.parts.session._backups, "restore", restore)
    for passphrase, wanted in (("typed", "typed"), ("", "")):
        dialog = opened(stage, RestoreDialog)
        assert not dialog.passphrase.isVisible()
        dialog.look_at("/a/backup")
        stage.until(dialog.passphrase.isVisible)
        assert not dialog.restore.isEnabled()
        dialog.passphrase.setText(passphrase)
        dialog.without.setChecked(not passphrase)
        dialog.restore.click()
        stage.until(lambda wanted=wanted: asked[-1:] == [("/a/backup", wanted)])  # type: ignore[misc]
        # The engine runs again, and the user knows why nothing was restored.
        stage.until(lambda: "passphrase" in stage.parts.notices.title)
        stage.until(lambda: stage.window.stack.currentWidget() is stage.window.page)


def test_in_the_sandbox_there_is_nothing_to_back_up(open_window: Open) -> None:
    stage = open_window(ScriptedService(statuses=[account("kimi")]), sandbox=True)
    actions = stage.window.menu_actions
    assert not actions.back_up.isEnabled() and not actions.restore.isEnabled()
    stage.window.enter(sandbox=False)
    stage.until(actions.back_up.isEnabled)
    stage.until(lambda: stage.window.stack.currentWidget() is stage.window.page)


def test_what_is_in_it_is_told() -> None:
    content = BackupContent(0.0, "1", 1, 2, ("main", "other"), True, True, 4_096)
    text = content_text(content)
    assert "1 file of the queue, 2 files at the providers" in text
    assert "main, other. It also contains: texts, keys." in text
    assert "accounts: none." in content_text(BackupContent(0, "1", 1, 2, (), False, False, 1))
    told = restored_text(Restored(content, "/a/b", ("main",)))
    assert "again: main." in told and told.endswith("/a/b") and "vault" not in told
    assert "a vault" in restored_text(Restored(content, "", (), has_its_vault=True))
