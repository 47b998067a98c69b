"""The copy of one file in the user's project: made, saved and deleted from the page *Files*."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.mirror.storage_copies import StorageCopy, StorageState
from exai_desktop.gui.files_page.page import FilesPage
from exai_desktop.gui.files_page.project_copy import ProjectCopyBox, words_of
from tests.gui.conftest import Stage
from tests.gui.window.test_accessibility import unnamed

from .test_files_page import Open, called, opened, select, stored

SHA256 = "ab" * 32
COPIED = StorageCopy(SHA256, "report 1.pdf", 1_000, StorageState.COPIED, 1_000)


def page_of(
    open_window: Open, *rows: StorageCopy, is_on: bool = True
) -> tuple[Stage, FilesPage, ProjectCopyBox]:
    stage, page = opened(open_window, [stored(1, job_id=7), stored(2, sha256="cd" * 32)])
    kept = stage.script.settings.kept
    stage.script.settings.kept = kept.model_copy(update={"copy_to_storage": is_on})
    stage.script.storage.copies = list(rows)
    stage.until(lambda: page.model.rowCount() == 2)
    select(stage, page, 1)
    return stage, page, page.details.project_copy


def offered(box: ProjectCopyBox) -> set[str]:
    buttons = {"make": box.make, "save": box.save, "delete": box.delete}
    return {name for name, button in buttons.items() if not button.isHidden()}


def test_an_older_file_is_copied_when_the_user_wants_it(open_window: Open) -> None:
    stage, page, box = page_of(open_window)
    stage.until(box.isVisible)
    assert box.state.text() == "Not copied"
    assert offered(box) == {"make"}
    assert not list(unnamed(stage.window))
    box.make.click()
    stage.until(lambda: ("storage.copy", (7,)) in stage.script.calls)
    stage.script.storage.copies = [replace(COPIED, state=StorageState.COPYING, sent=300)]
    box.read()
    stage.until(lambda: box.state.text() == "Is being copied, 30 %")
    assert offered(box) == set()
    # What is not in the queue any more has no source that is known here.
    select(stage, page, 2)
    stage.until(lambda: box.state.text() == "Not copied")
    assert offered(box) == set()


def test_a_copy_is_saved_under_a_new_name(open_window: Open, tmp_path: Path) -> None:
    stage, _, box = page_of(open_window, COPIED)
    stage.until(box.isVisible)
    assert offered(box) == {"save", "delete"}
    file = str(tmp_path / "back.pdf")
    box.save_to(file, SHA256)
    stage.until(lambda: ("storage.fetch", SHA256, file) in stage.script.calls)
    stage.until(lambda: box.answer.title.startswith("Saved: "))
    taken = EngineError(ErrorCode.COPY_NOT_WRITTEN, "there is a file of this name")
    stage.script.storage.failure = taken
    box.save_to(file, SHA256)
    stage.until(lambda: box.answer.title == taken.title)
    assert box.save.isEnabled()


def test_a_copy_is_deleted_after_a_question(open_window: Open) -> None:
    stage, page, box = page_of(open_window, COPIED)
    stage.until(box.isVisible)
    box.delete.click()
    assert box.question is not None
    assert "The file at the provider stays" in box.question.informativeText()
    box.question.reject()
    box.delete.click()
    # The question is about the file for which it was asked.
    select(stage, page, 2)
    box.question.accept()
    stage.until(called(stage, "storage.delete"))
    assert [call for call in stage.script.calls if call[0] == "storage.delete"] == [
        ("storage.delete", SHA256)
    ]


def test_nothing_is_shown_where_copies_are_off_and_none_is_known(open_window: Open) -> None:
    stage, page, box = page_of(open_window, is_on=False)
    stage.until(lambda: page.details.copy_id == 1)
    stage.until(lambda: stage.parts.tasks.running == 0)
    assert box.isHidden()
    # One that was made before they were switched off can still be fetched and deleted.
    stage.script.storage.copies = [COPIED]
    box.read()
    stage.until(box.isVisible)
    assert offered(box) == {"save", "delete"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (None, "Not copied"),
        (COPIED, "Copied"),
        (replace(COPIED, state=StorageState.WAITING), "Waits to be copied"),
        (replace(COPIED, state=StorageState.DELETING), "Is being deleted"),
    ],
)
def test_every_state_has_its_words(row: StorageCopy | None, words: str) -> None:
    assert words_of(row) == words


def test_a_refusal_says_why_and_what_to_do() -> None:
    refused = replace(
        COPIED, state=StorageState.REFUSED, code="COPY_TOO_LARGE", detail="the file has 900 bytes"
    )
    text = words_of(refused)
    assert text.startswith("Refused: ")
    why, next_step = text.split("(the file has 900 bytes). ")
    assert why and next_step.endswith(".")
