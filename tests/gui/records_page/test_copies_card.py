"""Copies of files on the page *Records*: on after a question, refused with a reason."""

from __future__ import annotations

from dataclasses import replace

from exai_desktop.core.mirror.storage_copies import (
    MEANING,
    StorageCopy,
    StorageState,
    StorageStatus,
)
from tests.gui.window.test_accessibility import unnamed

from .test_records_page import SIGNED_IN, Open, page_of, script_of

COPIED = StorageStatus(copied=3, copied_bytes=2_000_000, waiting=2)
REFUSED = StorageCopy(
    "a" * 64, "large.pdf", 900, StorageState.REFUSED, 0, "COPY_TOO_LARGE", "the file has 900 bytes"
)


def test_one_is_asked_before_anything_is_copied(open_window: Open) -> None:
    stage, page = page_of(open_window, script_of(SIGNED_IN))
    card = page.copies
    stage.until(lambda: card.state == "Off")
    card.switch.click()
    assert card.question is not None
    assert MEANING in card.question.informativeText()
    card.question.reject()
    assert not [call for call in stage.script.calls if call[0] == "settings.change"]
    card.switch.click()
    card.question.accept()
    stage.until(lambda: card.state == "On, nothing was copied yet")
    assert ("settings.change", "copy_to_storage", "true") in stage.script.calls
    assert not list(unnamed(stage.window))
    # To switch off needs no question.
    card.switch.click()
    stage.until(lambda: card.state == "Off")


def test_counts_and_refused_ones_with_the_reason(open_window: Open) -> None:
    script = script_of(SIGNED_IN)
    script.settings.kept = script.settings.kept.model_copy(update={"copy_to_storage": True})
    script.storage.now, script.storage.copies = COPIED, [REFUSED]
    stage, page = page_of(open_window, script)
    card = page.copies
    stage.until(lambda: card.names == ["large.pdf"])
    assert card.state.startswith("3 files copied, ")
    assert "2 files wait, 1 refused" in card.state
    card.again.click()
    stage.until(lambda: ("storage.retry_refused",) in stage.script.calls)
    stage.until(lambda: card.names == [])
    assert page.project.result.title == "1 copy waits for another attempt."


def test_what_keeps_all_of_them_is_said_with_the_next_step(open_window: Open) -> None:
    script = script_of(SIGNED_IN)
    script.settings.kept = script.settings.kept.model_copy(update={"copy_to_storage": True})
    script.storage.now = replace(COPIED, code="STORAGE_NOT_READY", detail="it answered 404")
    stage, page = page_of(open_window, script)
    stage.until(lambda: "no place for copies" in page.copies.hint)
    assert "Run the migrations" in page.copies.hint


def test_without_a_sign_in_there_is_no_such_card(open_window: Open) -> None:
    _, page = page_of(open_window, script_of())
    assert page.copies.isHidden()
