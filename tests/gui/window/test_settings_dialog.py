"""The dialog with all settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit

from exai_desktop.core.errors.redact import register
from exai_desktop.core.settings import Settings
from exai_desktop.core.settings.table import BY_POLICY, Section, settings_table
from exai_desktop.gui.accounts.folder_rules_dialog import FolderRulesDialog
from exai_desktop.gui.window.setting_row import SettingRow
from exai_desktop.gui.window.settings_dialog import SettingsDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def stage(open_window: Open) -> Stage:
    return open_window(ScriptedService(statuses=[account("work")]))


@pytest.fixture
def dialog(stage: Stage) -> SettingsDialog:
    return opened(stage)


def opened(stage: Stage) -> SettingsDialog:
    stage.press(Qt.Key.Key_Comma, CTRL)
    stage.until(lambda: bool(stage.window.findChildren(SettingsDialog)))
    [found] = stage.window.findChildren(SettingsDialog)
    stage.until(lambda: bool(shown(found)))
    return found


def shown(dialog: SettingsDialog) -> list[str]:
    return [name for name, each in dialog.rows.items() if not each.isHidden()]


def search(stage: Stage, dialog: SettingsDialog, words: str, name: str) -> SettingRow:
    dialog.search.setFocus()
    dialog.search.setText(words)
    stage.until(lambda: f"for “{words}”" in dialog.title.text())
    return dialog.rows[name]


def type_into(row: SettingRow, text: str) -> None:
    assert isinstance(row.field, QLineEdit)
    row.field.setFocus()
    row.field.selectAll()
    QTest.keyClicks(row.field, text)


def changes(stage: Stage) -> list[tuple[object, ...]]:
    return [call for call in stage.script.calls if call[0] == "settings.change"]


def test_every_setting_is_in_a_section(stage: Stage, dialog: SettingsDialog) -> None:
    seen: set[str] = set()
    for place, section in enumerate(Section):
        dialog.sections.setCurrentRow(place)
        assert dialog.title.text() == section.value
        seen |= set(shown(dialog))
        assert not list(unnamed(dialog))
    assert seen == {info.name for info in settings_table()} - {"folder_rules"}
    assert seen | {"folder_rules"} == set(Settings.model_fields)


def test_one_is_found_typed_and_saved(stage: Stage, dialog: SettingsDialog) -> None:
    row = search(stage, dialog, "speed limit", "upload_bytes_per_s")
    assert row.note.text() == "Default: 0"
    type_into(row, "12 kB/s")
    assert row.field.property("bad") is True
    assert "16384" in row.note.text()
    assert "last good value stays" in row.note.text()
    assert isinstance(row.field, QLineEdit)
    row.field.clearFocus()
    assert not changes(stage)
    type_into(row, "100 kB/s")
    assert row.field.property("bad") is False
    QTest.keyClick(row.field, Qt.Key.Key_Return)
    stage.until(lambda: row.note.text() == "Saved.")
    assert stage.script.settings.kept.upload_bytes_per_s == 100_000
    assert dialog.isVisible()
    # The menus of the window know it, too.
    shown_limits = [a for a in stage.window.menu_actions.speeds.actions() if a.isChecked()]
    assert [action.data() for action in shown_limits] == [100_000]
    row.reset.click()
    stage.until(lambda: stage.script.settings.kept.upload_bytes_per_s == 0)
    stage.until(row.reset.isHidden)


def test_switches_and_choices_are_saved_at_once(stage: Stage, dialog: SettingsDialog) -> None:
    row = search(stage, dialog, "texts opened", "keep_texts")
    assert isinstance(row.field, QCheckBox)
    assert row.field.isChecked()
    row.field.click()
    stage.until(lambda: not stage.script.settings.kept.keep_texts)
    stage.until(lambda: row.note.text() == "Saved, from the next start on.")
    row = search(stage, dialog, "colours", "theme")
    assert isinstance(row.field, QComboBox)
    row.field.setCurrentIndex(row.field.findData("dark"))
    row.field.activated.emit(row.field.currentIndex())
    stage.until(lambda: stage.parts.theme.setting == "dark")
    row.field.setCurrentIndex(row.field.findData("light"))
    row.field.activated.emit(row.field.currentIndex())
    stage.until(lambda: stage.parts.theme.setting == "light")


def test_what_others_decide_cannot_be_changed(stage: Stage) -> None:
    stage.script.settings.fixed_by = {"proxy": BY_POLICY, "readers": "EXAI_DESKTOP_READERS"}
    dialog = opened(stage)
    for words, name, by in (
        ("proxy address", "proxy", BY_POLICY),
        ("threads", "readers", "EXAI_DESKTOP_READERS"),
    ):
        row = search(stage, dialog, words, name)
        assert not row.field.isEnabled()
        assert row.note.text() == f"Set by {by}"
        assert row.reset.isHidden()


def test_what_the_engine_refuses_is_said_at_the_field(stage: Stage, dialog: SettingsDialog) -> None:
    row = search(stage, dialog, "threads", "readers")
    dialog._change("readers", "99")
    stage.until(lambda: row.field.property("bad") is True)
    assert row.text == "2"


def test_escape_saves_nothing_that_was_half_typed(stage: Stage, dialog: SettingsDialog) -> None:
    row = search(stage, dialog, "threads", "readers")
    type_into(row, "3")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    stage.until(lambda: not stage.window.findChildren(SettingsDialog))
    assert not changes(stage)


def test_to_close_it_saves_the_field_that_was_left(stage: Stage, dialog: SettingsDialog) -> None:
    row = search(stage, dialog, "colours", "theme")
    assert isinstance(row.field, QComboBox)
    row.field.setCurrentIndex(row.field.findData("dark"))
    row.field.activated.emit(row.field.currentIndex())
    dialog.close()
    stage.until(lambda: stage.parts.theme.setting == "dark")
    assert not stage.parts.notices.title


def test_no_password_of_the_environment_is_shown(stage: Stage) -> None:
    secret = "hunter2-not-a-real-one"
    register(secret)
    stage.script.settings.kept = Settings(proxy=f"http://me:{secret}@proxy.invalid:1")
    stage.script.settings.fixed_by = {"proxy": "EXAI_DESKTOP_PROXY"}
    row = search(stage, opened(stage), "proxy address", "proxy")
    assert "proxy.invalid" in row.text
    assert secret not in row.text


def test_settings_are_exported_and_imported(
    stage: Stage, dialog: SettingsDialog, tmp_path: Path
) -> None:
    stage.script.settings.kept = Settings(max_in_flight=9)
    file = tmp_path / "mine.json"
    dialog.write_to(str(file))
    stage.until(lambda: dialog.answer.title.startswith("Written: "))
    assert json.loads(file.read_text())["settings"] == {"max_in_flight": 9}
    stage.script.settings.kept = Settings()
    file.write_text("MAX_CONCURRENT_UPLOADS=5\nKIMI_API_KEY=sk-not-a-real-key\n")
    dialog.read_from(str(file))
    stage.until(lambda: dialog.question is not None)
    assert dialog.question is not None
    text = dialog.question.informativeText()
    assert "max_in_flight: 2 → 5" in text
    assert "KIMI_API_KEY: " in text
    assert "sk-not" not in text
    assert not changes(stage)
    dialog.question.accept()
    stage.until(lambda: dialog.answer.title == "1 setting changed.")
    assert stage.script.settings.kept.max_in_flight == 5
    dialog.read_from(str(file))
    stage.until(lambda: dialog.answer.title.startswith("Nothing would change."))


def test_a_file_without_settings_is_refused(
    stage: Stage, dialog: SettingsDialog, tmp_path: Path
) -> None:
    for content in (b"\xff\xfe\x00", b"a letter"):
        file = tmp_path / "letter.txt"
        file.write_bytes(content)
        dialog.answer.hide()
        dialog.read_from(str(file))
        stage.until(dialog.answer.isVisible)
        assert dialog.answer.title == "This file has no settings"


def test_rules_for_folders_open_from_there(stage: Stage, dialog: SettingsDialog) -> None:
    dialog.rules.click()
    stage.until(lambda: bool(stage.window.findChildren(FolderRulesDialog)))
