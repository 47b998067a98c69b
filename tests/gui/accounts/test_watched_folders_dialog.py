"""Watched folders in the window, by keyboard and with names for screen readers."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.jobs.watched_folders import (
    FolderMark,
    SkippedFile,
    SkippedFiles,
    SkipReason,
    WatchCounts,
    WatchedFolder,
    WatchOptions,
    WatchState,
    WatchStatus,
)
from exai_desktop.gui.accounts.skipped_dialog import SkippedDialog
from exai_desktop.gui.accounts.watch_form import WatchForm
from exai_desktop.gui.accounts.watched_folders_dialog import NONE, WatchedFoldersDialog
from exai_desktop.gui.style.plain_text import PlainLabel, PlainQuestion
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
FOLDER = "/home/me/Scans & <b>more</b>"


def folder(state: WatchState = WatchState.WATCHING, **more: object) -> WatchStatus:
    known = WatchedFolder(
        1, FOLDER, FolderMark(5, "disk"), WatchOptions(), 0.0, last_path="a.txt", last_at=1.0
    )
    return replace(WatchStatus(known, state), **more)  # type: ignore[arg-type]


@pytest.fixture
def script() -> ScriptedService:
    return ScriptedService(statuses=[account("kimi"), account("glm", "glm", "zai")])


def opened(stage: Stage) -> WatchedFoldersDialog:
    stage.window.menu_actions.watch.trigger()
    [dialog] = stage.window.findChildren(WatchedFoldersDialog)
    stage.until(lambda: bool(dialog._accounts))
    return dialog


def form_of(dialog: WatchedFoldersDialog) -> WatchForm:
    assert dialog.form is not None
    return dialog.form


def calls(script: ScriptedService, name: str) -> list[tuple[object, ...]]:
    return [call[1:] for call in script.calls if call[0] == name]


def test_a_folder_is_added_by_keyboard(open_window: Open, script: ScriptedService) -> None:
    stage = open_window(script)
    dialog = opened(stage)
    stage.until(lambda: NONE in [label.text() for label in dialog.findChildren(PlainLabel)])
    assert not list(unnamed(dialog))
    dialog.add_folder(FOLDER)
    form = form_of(dialog)
    stage.until(form.account.hasFocus)
    assert not list(unnamed(form))
    QTest.keyClick(form.account, Qt.Key.Key_Down)
    assert [form.purpose.itemText(0), form.purpose.count() > 1] == ["Chosen by file type", True]
    form.ignore.setPlainText("drafts/\n\n*.tmp\n")
    form.new.click()
    QTest.keyClick(form.settle, Qt.Key.Key_Return)
    stage.until(lambda: dialog.form is None)
    options = WatchOptions(account="kimi", ignore=("drafts/", "*.tmp"))
    assert calls(script, "watched.add") == [(FOLDER, options, True, False)]
    stage.until(lambda: list(dialog.cards) == ["1"])
    assert dialog.cards["1"].state.text() == "Watching"
    assert not list(unnamed(dialog))


def test_all_of_the_home_asks_first(open_window: Open, script: ScriptedService) -> None:
    stage = open_window(script)
    dialog = opened(stage)
    script.watched.refusal = AppError(ErrorCode.WATCH_TOO_WIDE, "/home/me")
    dialog.add_folder("/home/me")
    form_of(dialog).save.click()
    stage.until(lambda: bool(form_of(dialog).findChildren(PlainQuestion)))
    [question] = form_of(dialog).findChildren(PlainQuestion)
    assert "/home/me" in question.informativeText()
    next(b for b in question.buttons() if b.text() == "Watch all of it").click()
    stage.until(lambda: dialog.form is None)
    assert [call[3] for call in calls(script, "watched.add")] == [False, True]


def test_a_refusal_stands_in_the_form(open_window: Open, script: ScriptedService) -> None:
    stage = open_window(script)
    dialog = opened(stage)
    script.watched.refusal = AppError(ErrorCode.IGNORE_PATTERN_INVALID, "'!'")
    dialog.add_folder(FOLDER)
    form = form_of(dialog)
    form.save.click()
    stage.until(form.answer.isVisible)
    assert form.answer.title == "An ignore pattern is not valid"
    form.reject()
    stage.until(lambda: dialog.form is None)


def test_it_is_changed_paused_and_removed(open_window: Open, script: ScriptedService) -> None:
    script.watched.folders["1"] = folder(
        counts=WatchCounts(taken=1_234, done=1_234, asking=1, skipped=5)
    )
    stage = open_window(script)
    dialog = opened(stage)
    stage.until(lambda: bool(dialog.cards))
    card = dialog.cards["1"]
    assert card.counts.text() == "1,234 sent, 1 waiting for your answer, 5 skipped"
    stage.until(card.pause.isVisible)
    assert "a.txt" in card.last.text() and not card.accept.isVisible()
    card.edit.click()
    form = form_of(dialog)
    assert not form.new.isVisible()
    form.subfolders.click()
    form.save.click()
    stage.until(lambda: dialog.form is None)
    assert calls(script, "watched.edit") == [("1", WatchOptions(with_subfolders=False))]
    card.pause.click()
    stage.until(card.resume.isVisible)
    assert dialog.cards["1"] is card and card.state.text() == "Paused"
    card.resume.click()
    stage.until(card.pause.isVisible)
    card.remove.click()
    stage.until(lambda: not dialog.cards)
    assert calls(script, "watched.remove") == [("1",)]


@pytest.mark.parametrize(
    ("status", "words", "hint"),
    [
        (folder(WatchState.NOT_THERE), "Not there", "continues when"),
        (folder(WatchState.NOT_ANSWERING), "Not answering", "check the network"),
        (folder(WatchState.REPLACED), "Not there: another folder is in its place", "Nothing"),
        (folder(WatchState.POLLING, reason="a limit"), "Looking regularly: a limit", ""),
        (
            folder(
                WatchState.STOPPED,
                error=ErrorView.of(AppError(ErrorCode.IGNORE_FILE_UNUSABLE, "line 2: '!'")),
            ),
            "Stopped: The ignore file cannot be used",
            "(line 2: '!')",
        ),
    ],
    ids=["not-there", "not-answering", "replaced", "polling", "stopped"],
)
def test_what_is_wrong_is_said(
    open_window: Open, script: ScriptedService, status: WatchStatus, words: str, hint: str
) -> None:
    script.watched.folders["1"] = status
    stage = open_window(script)
    dialog = opened(stage)
    stage.until(lambda: bool(dialog.cards))
    card = dialog.cards["1"]
    stage.until(card.isVisible)
    assert card.state.text() == words
    assert hint in card.hint.text() and card.hint.isVisible() is bool(hint)
    is_replaced = status.state is WatchState.REPLACED
    assert card.accept.isVisible() is is_replaced
    if is_replaced:
        card.accept.click()
        stage.until(lambda: card.state.text() == "Watching")
        assert calls(script, "watched.resume") == [("1", True)]


def test_skipped_files_are_listed(open_window: Open, script: ScriptedService) -> None:
    script.watched.folders["1"] = folder()
    script.watched.left_out = SkippedFiles(
        {SkipReason.PATTERN: 3_000, SkipReason.KIND: 1},
        (SkippedFile("drafts", SkipReason.PATTERN), SkippedFile("f.xyz", SkipReason.KIND, "why")),
    )
    stage = open_window(script)
    dialog = opened(stage)
    stage.until(lambda: bool(dialog.cards))
    dialog.cards["1"].skipped.click()
    stage.until(lambda: bool(dialog.findChildren(SkippedDialog)))
    [skipped] = dialog.findChildren(SkippedDialog)
    assert skipped.sums.text().startswith("3,000 × ignored by a pattern, 1 × file type")
    assert skipped.text.toPlainText().split("\n") == [
        "drafts: ignored by a pattern",
        "f.xyz: file type that no account accepts (why)",
    ]
    assert not list(unnamed(skipped))
    assert "And 2,999 others." in [label.text() for label in skipped.findChildren(PlainLabel)]
    next(b for b in skipped.findChildren(QPushButton) if b.text() == "&Close").click()
