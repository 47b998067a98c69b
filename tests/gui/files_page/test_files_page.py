"""The page *Files*: what lies at the providers."""

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication

from exai_desktop.core.copies.models import Copy, CopyOrigin, CopyState
from exai_desktop.core.copies.queries import DAY_S
from exai_desktop.gui.files_page.columns import LOOKS, FileColumn, countdown
from exai_desktop.gui.files_page.page import FilesPage
from exai_desktop.gui.style.tokens import Tone
from exai_desktop.gui.widgets.text_dialogs import TextDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NOW = time.time()


def stored(number: int, state: CopyState = CopyState.PRESENT, **values: object) -> Copy:
    given: dict[str, object] = {
        "provider": "kimi",
        "account": "work",
        "purpose": "file-extract",
        "sha256": "ab" * 32,
        "size": 1_000 * number,
        "remote_id": f"file-{number}",
        "remote_name": f"report {number}.pdf",
        "usable": True,
        "recorded_at": NOW - DAY_S,
        "origin": CopyOrigin.FOUND if state is CopyState.FOREIGN else CopyOrigin.SENT,
    }
    return Copy(id=number, state=state, **(given | values))  # type: ignore[arg-type]


COPIES = [
    stored(1),
    stored(2, provider="glm", account="zai", purpose="agent", expires_at=NOW + 2.5 * DAY_S),
    stored(3, CopyState.FOREIGN),
    stored(4, CopyState.MISSING),
    stored(5, CopyState.EXPIRED),
    stored(6, CopyState.DELETED),
]


def opened(open_window: Open, copies: list[Copy]) -> tuple[Stage, FilesPage]:
    statuses = [account("work"), account("zai", "glm", "zai")]
    stage = open_window(ScriptedService(copies=list(copies), statuses=statuses))
    stage.press(Qt.Key.Key_2, CTRL)
    page = stage.window.files
    stage.until(page.isVisible)
    return stage, page


def names(page: FilesPage) -> list[str]:
    rows = (page.model.row_at(row) for row in range(page.model.rowCount()))
    return [row.remote_name for row in rows if row is not None]


def select(stage: Stage, page: FilesPage, *numbers: int) -> None:
    selection = page.view.selectionModel()
    selection.clear()
    for number in numbers:
        row = page.model.row_of(number)
        assert row is not None
        how = QItemSelectionModel.SelectionFlag
        selection.setCurrentIndex(page.model.index(row, 0), how.Select | how.Rows)
    stage.until(lambda: len(page.view.loaded_selection()) == len(numbers))


def called(stage: Stage, name: str) -> Callable[[], bool]:
    return lambda: any(call[0] == name for call in stage.script.calls)


@pytest.fixture
def stage_and_page(open_window: Open) -> tuple[Stage, FilesPage]:
    stage, page = opened(open_window, COPIES)
    stage.until(lambda: page.model.rowCount() == 5)
    return stage, page


def test_the_pages_are_reached_by_key_button_and_menu(
    stage_and_page: tuple[Stage, FilesPage],
) -> None:
    stage, page = stage_and_page
    window = stage.window
    assert window.pages.title == "Files"
    stage.press(Qt.Key.Key_1, CTRL)
    stage.until(window.page.isVisible)
    assert window.pages.title == "Queue"
    window.pages.tabs.setCurrentIndex(1)
    stage.until(page.isVisible)
    window.menu_actions.queue.trigger()
    stage.until(window.page.isVisible)


def test_there_are_no_pages_before_the_first_choice(open_window: Open) -> None:
    window = open_window(ScriptedService()).window
    assert window.pages.isHidden()
    window.pages.go("Files")
    assert window.stack.currentWidget() is window.first_run


def test_what_is_deleted_is_left_out_and_filters_narrow(
    stage_and_page: tuple[Stage, FilesPage],
) -> None:
    stage, page = stage_and_page
    assert "report 6.pdf" not in names(page)
    page.filter.chips["Missing or expired"].click()
    stage.until(lambda: sorted(names(page)) == ["report 4.pdf", "report 5.pdf"])
    page.filter.chips["All"].click()
    page.account.choose("zai")
    stage.until(lambda: names(page) == ["report 2.pdf"])
    page.account.choose(None)
    stage.press(Qt.Key.Key_F, CTRL)
    assert page.filter.search.hasFocus()
    page.filter.search.setText("report 3")
    stage.until(lambda: names(page) == ["report 3.pdf"])
    page.filter.search.setText("nothing like it")
    stage.until(lambda: page.model.rowCount() == 0)
    assert page.view.isVisible()  # it says that nothing matches
    page.filter.search.clear()
    stage.until(lambda: page.model.rowCount() == 5)
    page.view.sortByColumn(FileColumn.NAME, Qt.SortOrder.AscendingOrder)
    stage.until(lambda: names(page)[0] == "report 1.pdf")


def test_the_buttons_fit_the_selection(stage_and_page: tuple[Stage, FilesPage]) -> None:
    stage, page = stage_and_page

    def enabled() -> set[str]:
        return {action.value for action, button in page.buttons.items() if button.isEnabled()}

    select(stage, page, 1)
    assert enabled() == {"show_text", "delete"}
    select(stage, page, 2)  # GLM gives no text
    assert enabled() == {"delete"}
    select(stage, page, 3)
    assert enabled() == {"show_text", "import"}
    select(stage, page, 4)
    assert enabled() == set()
    select(stage, page, 1, 3)
    assert enabled() == {"import", "delete"}


def test_the_details_tell_every_look(stage_and_page: tuple[Stage, FilesPage]) -> None:
    stage, page = stage_and_page
    select(stage, page, 2)
    stage.until(lambda: page.details.looks.count() == 1)
    assert page.details.copy_id == 2
    assert "days" in page.details.facts._values["Expires"].text()
    select(stage, page, 1, 2)
    stage.until(lambda: page.details.copy_id is None)
    assert not list(unnamed(stage.window))


def test_a_foreign_file_is_imported(stage_and_page: tuple[Stage, FilesPage]) -> None:
    stage, page = stage_and_page
    select(stage, page, 1, 3)
    page.buttons[next(a for a in page.buttons if a.value == "import")].click()
    stage.until(lambda: ("files.import_foreign", "work", ["file-3"]) in stage.script.calls)
    stage.until(lambda: stage.parts.notices.title == "1 file imported")
    row = page.model.row_of(3)
    assert row is not None
    stage.until(lambda: page.model.row_at(row) is not None)
    stage.until(
        lambda: any(
            copy is not None and copy.origin is CopyOrigin.IMPORTED
            for copy in map(page.model.row_at, range(page.model.rowCount()))
        )
    )


def test_a_deletion_waits_and_can_be_called_off(stage_and_page: tuple[Stage, FilesPage]) -> None:
    stage, page = stage_and_page
    stage.window.deletions.seconds = 60
    select(stage, page, 1, 2)
    page.view.setFocus()
    stage.press(Qt.Key.Key_Delete, SHIFT)
    stage.until(lambda: "2 files are about to be deleted" in stage.parts.notices.title)
    stage.press(Qt.Key.Key_Z, CTRL)
    assert not called(stage, "files.delete")()
    stage.window.deletions.seconds = 1
    stage.press(Qt.Key.Key_Delete, SHIFT)
    stage.until(lambda: stage.parts.notices.title == "2 files deleted at the provider")
    stage.until(lambda: page.model.rowCount() == 3)


def test_a_text_is_shown_and_an_id_copied(stage_and_page: tuple[Stage, FilesPage]) -> None:
    stage, page = stage_and_page
    select(stage, page, 1)
    page.view.setFocus()
    stage.press(Qt.Key.Key_C, CTRL)
    stage.until(lambda: QGuiApplication.clipboard().text() == "file-1")
    page.buttons[next(a for a in page.buttons if a.value == "show_text")].click()
    stage.until(lambda: bool(stage.window.findChildren(TextDialog)))
    [dialog] = stage.window.findChildren(TextDialog)
    assert dialog.view.toPlainText() == "what the provider read"
    dialog.close()


def test_refresh_asks_the_chosen_account_or_all(stage_and_page: tuple[Stage, FilesPage]) -> None:
    stage, page = stage_and_page
    page.view.setFocus()
    stage.press(Qt.Key.Key_F5)
    stage.until(lambda: stage.parts.notices.title == "The lists are up to date")
    assert [c for c in stage.script.calls if c[0] == "accounts.reconcile"] == [
        ("accounts.reconcile", "work"),
        ("accounts.reconcile", "zai"),
    ]
    stage.script.calls.clear()
    stage.until(page.refresh.isEnabled)
    page.account.choose("zai")
    page.refresh.click()
    stage.until(called(stage, "accounts.reconcile"))
    assert stage.script.calls == [("accounts.reconcile", "zai")]
    stage.until(page.refresh.isEnabled)


def test_an_empty_record_says_what_to_do(open_window: Open) -> None:
    stage, page = opened(open_window, [])
    stage.until(page.empty.isVisible)
    page.empty.refresh.click()
    stage.until(called(stage, "accounts.reconcile"))
    assert not list(unnamed(stage.window))
    stage.until(page.empty.refresh.isEnabled)


@pytest.mark.parametrize(
    ("copy", "text", "tone"),
    [
        (stored(1), "never", Tone.NEUTRAL),
        (stored(1, expires_at=NOW + 179.5 * DAY_S), "in 179 days", None),
        (stored(1, expires_at=NOW + 10.5 * DAY_S), "in 10 days", Tone.CARE),
        (stored(1, expires_at=NOW + 1.5 * DAY_S), "in 1 day", Tone.BAD),
        (stored(1, expires_at=NOW + 60), "in less than a day", Tone.BAD),
        # Not looked for since.
        (stored(1, expires_at=NOW - 60), "overdue", Tone.CARE),
        (stored(1, CopyState.EXPIRED, expires_at=NOW - 60), "", None),
    ],
)
def test_the_countdown_warns_in_time(copy: Copy, text: str, tone: Tone | None) -> None:
    found = countdown(copy, NOW)
    assert (found.text, found.tone) == (text, tone)


def test_every_state_has_a_word_and_a_shape_of_its_own() -> None:
    assert set(LOOKS) == set(CopyState)
    assert len({look.word for look in LOOKS.values()}) == len(LOOKS)
    assert len({look.icon for look in LOOKS.values()}) == len(LOOKS)
