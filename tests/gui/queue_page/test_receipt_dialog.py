"""Receipts in the window: of the last batch, of a message's batch, of what is selected."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import BatchFinished
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.reasons import ReasonGroup
from exai_desktop.core.jobs.receipts import Receipt, ReceiptForm, ReceiptPlace, ReceiptScope
from exai_desktop.gui.queue_page.job_actions import Action
from exai_desktop.gui.queue_page.receipt_dialog import (
    ReceiptDialog,
    figures_of,
    time_text,
    title_of,
)
from tests.gui.conftest import Stage
from tests.gui.scripted_service import job
from tests.gui.window.test_accessibility import unnamed

S = JobState
RECEIPT = Receipt(
    batch=7,
    began_at=1_700_000_000.0,
    ended_at=1_700_000_100.0,
    files=500,
    sharing=12,
    open=0,
    places=(
        ReceiptPlace("kimi-work", "kimi", "Kimi, International", 380, 22, 1_700_000_000),
        ReceiptPlace("zai-team with a very long name of its own", "glm", "Z.ai", 78, 16, 100_000),
    ),
    missing=(
        ReasonGroup(S.REFUSED, "NO_TEXT", 2, 10, "scan.pdf"),
        ReasonGroup(S.HELD, "AUTH_FAILED", 1, 10, "a.pdf"),
        ReasonGroup(S.CANCELLED, "CANCELLED", 1, 10, "b.pdf"),
    ),
)


def dialog_of(stage: Stage) -> ReceiptDialog:
    found: list[ReceiptDialog] = []

    def is_read() -> bool:
        found[:] = [d for d in stage.window.findChildren(ReceiptDialog) if d.isVisible()]
        return bool(found) and bool(found[0].preview.toPlainText())

    stage.until(is_read)
    return found[0]


def scopes(stage: Stage) -> list[object]:
    return [call[1] for call in stage.script.calls if call[0] == "receipts.receipt"]


def test_the_words() -> None:
    assert title_of(RECEIPT) == "Receipt for batch 7"
    assert time_text(RECEIPT).endswith("(2 min)")
    assert [f"{number} {words}" for number, words, _, _ in figures_of(RECEIPT)] == [
        "496 files have an ID",
        "38 already there, 12 share an ID",
        "4 files have none",
        "1.7 GB sent",
    ]
    open_one = Receipt(None, 0.0, None, 1, 0, 1, (), ())
    assert title_of(open_one) == "Receipt for 1 file"
    assert time_text(open_one).endswith("1 file still in progress")


def test_all_ids_are_copied_in_the_form_that_is_chosen(stage: Stage) -> None:
    stage.script.receipts.now = RECEIPT
    stage.script.receipts.pieces = 3
    stage.window.menu_actions.receipt.trigger()
    dialog = dialog_of(stage)
    assert scopes(stage) == [ReceiptScope()]
    assert dialog.copy.text() == "&Copy 496 IDs"
    assert dialog.preview.toPlainText() == "table 0\n…\n"
    dialog.forms[ReceiptForm.PYTHON].click()
    stage.until(lambda: dialog.preview.toPlainText().startswith("python"))
    dialog.copy.click()
    stage.until(lambda: dialog.answer.title == "3 file IDs copied as Python")
    assert QGuiApplication.clipboard().text() == "python 0\npython 1\npython 2\n"
    # The batch that was looked at, also when a newer one has begun.
    assert {call[1] for call in stage.script.calls if call[0] == "receipts.text"} == {
        ReceiptScope(batch=7)
    }
    assert list(unnamed(dialog)) == []
    dialog.reject()


def test_the_engine_writes_the_file_and_a_failure_is_told_in_place(
    stage: Stage, tmp_path: Path
) -> None:
    stage.script.receipts.now = RECEIPT
    stage.window.menu_actions.receipt.trigger()
    dialog = dialog_of(stage)
    dialog.save_to(ReceiptForm.CSV, str(tmp_path / "r.csv"))
    stage.until(lambda: dialog.answer.title.startswith("500 files written to"))
    saved = [call for call in stage.script.calls if call[0] == "receipts.save"]
    assert saved == [
        ("receipts.save", ReceiptScope(batch=7), ReceiptForm.CSV, str(tmp_path / "r.csv"))
    ]
    stage.script.failure = EngineError(ErrorCode.RECEIPT_NOT_WRITTEN, "disk full")
    dialog.save_to(ReceiptForm.REPORT, "/nowhere/r.json")
    stage.until(lambda: dialog.answer.title == "The receipt could not be written")
    stage.script.failure = None
    dialog.reject()


def test_a_receipt_of_the_selected_files(stage: Stage) -> None:
    stage.script.rows = [job(1, file_id="f1", account="kimi"), job(2, S.FAILED)]
    stage.window.page.model.refresh()
    stage.until(lambda: len(stage.rows()) == 2)
    stage.select(0)
    stage.press(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    stage.window.menu_actions.file_actions[Action.RECEIPT].trigger()
    dialog = dialog_of(stage)
    assert scopes(stage) == [ReceiptScope(ids=(2, 1))]
    # Nothing has an ID: there is nothing to copy, and nothing to write.
    assert not dialog.copy.isEnabled()
    dialog.reject()


@pytest.mark.parametrize(("button", "opens_receipt"), [("Receipt…", True), ("Show them", False)])
def test_the_message_after_a_drop_leads_to_its_files(
    stage: Stage, button: str, opens_receipt: bool
) -> None:
    stage.script.publish(BatchFinished(5, 3, 0, 2, 0, 0, 0))
    notices = stage.parts.notices
    stage.until(lambda: notices.title == "2 files were not uploaded")
    found = [b for b in notices.findChildren(QPushButton) if b.text().replace("&", "") == button]
    stage.until(lambda: [b.isVisible() for b in found] == [True])
    found[0].click()
    if opens_receipt:
        dialog = dialog_of(stage)
        assert scopes(stage) == [ReceiptScope(batch=5)]
        dialog.reject()
    else:
        assert stage.window.page.filter.chips["Needs attention"].isChecked()
        assert notices.isHidden()
