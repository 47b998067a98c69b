"""The report for somebody who helps: shown as a whole, without names unless wanted, saved."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from exai_desktop.gui.window.help_orders import DiagnosticsDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]


def opened(stage: Stage) -> DiagnosticsDialog:
    """The dialog, by its entry in the menu."""
    stage.window.menu_actions.diagnostics.trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, DiagnosticsDialog)
    assert not list(unnamed(dialog))
    return dialog


def test_what_is_shown_is_saved_and_names_only_on_wish(open_window: Open, tmp_path: Path) -> None:
    stage = open_window(ScriptedService(statuses=[account("Anns account")]))
    dialog = opened(stage)
    assert not dialog.save.isEnabled()
    stage.until(dialog.save.isEnabled)
    text = dialog.view.toPlainText()
    assert "== Accounts ==\naccount 1: kimi, intl\n" in text
    assert "Anns account" not in text and str(Path.home()) not in text
    dialog.names.setChecked(True)
    stage.until(lambda: "Anns account: kimi, intl" in dialog.view.toPlainText())
    file = tmp_path / "report.txt"
    dialog.save_to(str(file))
    stage.until(lambda: dialog.answer.title.startswith("Saved"))
    assert file.read_text(encoding="utf-8") == dialog.view.toPlainText()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    dialog.copy.click()
    assert QApplication.clipboard().text() == dialog.view.toPlainText()
    dialog.close()


def test_a_place_that_takes_no_file_is_told(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    dialog = opened(stage)
    stage.until(dialog.save.isEnabled)
    dialog.save_to(str(tmp_path / "a file" / "report.txt"))
    stage.until(lambda: dialog.answer.title == "The report could not be written")
    dialog.close()


def test_it_is_made_also_when_the_profile_does_not_open(
    open_window: Open, profile_home: Path
) -> None:
    profile_home.mkdir()
    (profile_home / "notes.txt").touch()
    profile_home.chmod(0o777)
    stage = open_window()
    assert stage.window.stack.currentWidget() is stage.window.problem
    dialog = opened(stage)
    stage.until(dialog.save.isEnabled)
    text = dialog.view.toPlainText()
    assert "== The profile was not opened ==\nPROFILE_NOT_PRIVATE" in text
    assert str(profile_home) not in text
    dialog.close()


def test_a_dialog_that_is_closed_at_once_leaves_nothing(open_window: Open) -> None:
    stage = open_window()
    opened(stage).close()
    stage.until(lambda: stage.parts.tasks.running == 0)
