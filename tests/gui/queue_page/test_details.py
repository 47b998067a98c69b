"""The details: what is known of a file, and the actions that fit its state."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtGui import QGuiApplication

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.files.files import ScanResult, ScanVerdict
from exai_desktop.core.jobs.jobs import JobState, JobView
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.queue_page.details_pane import BUTTONS
from exai_desktop.gui.queue_page.job_actions import MOVES, Action, fits, fitting
from exai_desktop.gui.style.plain_text import PlainQuestion
from exai_desktop.gui.style.wording import clock_text
from exai_desktop.gui.widgets.text_dialogs import TextDialog
from tests.gui.conftest import Stage
from tests.gui.scripted_service import NOW, ScriptedService, account, error, job

Open = Callable[..., Stage]

TEXT = job(1, file_id="file-1", provider="kimi", account="kimi", purpose="file-extract")
IMAGE = job(2, file_id="file-2", provider="kimi", account="kimi", purpose="image")
CONSENT = job(3, JobState.REFUSED, error=error(ErrorCode.CONSENT_NEEDED))
MACROS = job(
    10, JobState.REFUSED, judged="1", error=error(ErrorCode.MACROS_FOUND, "vbaProject.bin")
)
NAME = job(11, JobState.REFUSED, judged="1", error=error(ErrorCode.DECEPTIVE_NAME))
KEY = job(
    13,
    JobState.REFUSED,
    judged="1",
    error=error(ErrorCode.SECRET_INSIDE, "a private key in line 3"),
)
BY_RULE = job(12, JobState.REFUSED, error=error(ErrorCode.MACROS_FOUND))
REVIEW = job(4, JobState.NEEDS_REVIEW, error=error(ErrorCode.REVIEW_NEEDED))
TWIN = job(5, JobState.DUPLICATE, file_id="file-1", twin_of=1)


def show(open_window: Open, view: JobView) -> Stage:
    stage = open_window(ScriptedService(rows=[view], statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 1)
    stage.select(0)
    stage.until(lambda: stage.window.page.details.job_id == view.id)
    return stage


def buttons(stage: Stage) -> list[str]:
    grid = stage.window.page.details._buttons
    items = (grid.itemAt(place) for place in range(grid.count()))
    widgets = (item.widget() for item in items if item is not None)
    return [str(widget.property("action")) for widget in widgets if widget is not None]


def press(stage: Stage, action: Action) -> None:
    grid = stage.window.page.details._buttons
    for place in range(grid.count()):
        item = grid.itemAt(place)
        widget = item.widget() if item is not None else None
        if widget is not None and widget.property("action") == action.value:
            widget.click()  # type: ignore[attr-defined]
            return
    raise AssertionError(f"no button for {action}")


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (TEXT, "show_text remove delete_remote"),
        (IMAGE, "remove delete_remote"),
        (CONSENT, "allow_fallback remove"),
        (MACROS, "send_anyway retry remove"),
        (KEY, "send_anyway retry remove"),
        (BY_RULE, "retry remove"),
        (REVIEW, "cancel"),
        (TWIN, "remove delete_remote"),
        (job(6, JobState.SENDING), "pause cancel"),
        (job(7, JobState.HELD), "resume cancel"),
        (job(8, JobState.FAILED), "retry remove"),
        (job(9, JobState.UNCERTAIN, cancel_requested=True), ""),
    ],
    ids=lambda value: value.state.value if isinstance(value, JobView) else "",
)
def test_the_buttons_fit_the_state(open_window: Open, view: JobView, expected: str) -> None:
    assert buttons(show(open_window, view)) == expected.split()


def test_the_id_is_copied_by_its_button(open_window: Open) -> None:
    stage = show(open_window, TEXT)
    stage.window.page.details.file_id.button.click()
    assert QGuiApplication.clipboard().text() == "file-1"


def test_consent_is_given_by_one_button(open_window: Open) -> None:
    stage = show(open_window, CONSENT)
    assert stage.window.page.details.error.isVisible()
    press(stage, Action.ALLOW_FALLBACK)
    stage.until(lambda: ("queue.retry", [3], True) in stage.script.calls)


def question_of(stage: Stage) -> PlainQuestion:
    stage.until(lambda: bool(stage.window.findChildren(PlainQuestion)))
    [question] = stage.window.findChildren(PlainQuestion)
    return question


def answer(question: PlainQuestion, word: str) -> None:
    [button] = [b for b in question.buttons() if b.accessibleName() == word]
    button.click()


def sent_anyway(stage: Stage) -> set[tuple[tuple[int, ...] | None, str]]:
    """Which files, and the reason that each yes is for."""
    found = set()
    for name, order, jobs in [call for call in stage.script.calls if call[0] == "queue.order"]:
        assert (name, order) == ("queue.order", RangeOrder.SEND_ANYWAY)
        assert isinstance(jobs, JobRange) and jobs.query.reason is not None
        assert jobs.as_of == stage.script.moment
        found.add((jobs.query.ids, jobs.query.reason[1]))
    return found


def test_what_was_found_is_said_before_a_file_is_sent_anyway(open_window: Open) -> None:
    stage = show(open_window, MACROS)
    press(stage, Action.SEND_ANYWAY)
    question = question_of(stage)
    assert question.text() == "Send this file anyway?"
    for part in (MACROS.name, "contains macros", "vbaProject.bin"):
        assert part in question.informativeText()
    answer(question, "Cancel")
    stage.until(lambda: not stage.window.findChildren(PlainQuestion))
    assert not stage.script.calls
    stage.window.menu_actions.file_actions[Action.SEND_ANYWAY].trigger()
    answer(question_of(stage), "Send anyway")
    stage.until(lambda: sent_anyway(stage) == {((10,), "MACROS_FOUND")})


def test_a_key_in_a_file_is_told_with_its_line_and_sent_only_when_wanted(
    open_window: Open,
) -> None:
    stage = show(open_window, KEY)
    press(stage, Action.SEND_ANYWAY)
    question = question_of(stage)
    assert "a private key in line 3" in question.informativeText()
    assert not stage.script.calls
    answer(question, "Send anyway")
    stage.until(lambda: sent_anyway(stage) == {((13,), "SECRET_INSIDE")})


def test_several_are_sent_each_for_what_was_found_in_it(open_window: Open) -> None:
    rows = [MACROS, NAME, BY_RULE, TEXT]
    stage = open_window(ScriptedService(rows=rows, statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 4)
    stage.window.page.view.selectAll()
    press(stage, Action.SEND_ANYWAY)
    question = question_of(stage)
    assert question.text() == "Send 2 files anyway?"
    answer(question, "Send anyway")
    stage.until(lambda: len(stage.script.calls) == 2)
    assert sent_anyway(stage) == {((10,), "MACROS_FOUND"), ((11,), "DECEPTIVE_NAME")}


def test_what_has_another_reason_by_then_is_left_out_and_told(open_window: Open) -> None:
    """The yes is for what was shown: macros, not the key that is found in the file now."""
    rows = [MACROS, replace(MACROS, id=12)]
    stage = open_window(ScriptedService(rows=rows, statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 2)
    stage.window.page.view.selectAll()
    press(stage, Action.SEND_ANYWAY)
    question = question_of(stage)
    stage.script.rows[1] = replace(KEY, id=12)
    answer(question, "Send anyway")
    stage.until(lambda: stage.parts.notices.title == "1 file back in the queue")
    assert stage.parts.notices._text.text().startswith("1 file was left out")
    assert sent_anyway(stage) == {((12, 10), "MACROS_FOUND")}


def test_a_review_offers_its_two_answers(open_window: Open) -> None:
    stage = show(open_window, REVIEW)
    review = stage.window.page.details.review
    assert review.isVisible()
    assert not stage.window.page.details.error.isVisible()
    assert not review.use.isEnabled()
    review.remote_id.setText("  file-99 ")
    review.use.click()
    stage.until(lambda: ("queue.settle", 4, "file-99") in stage.script.calls)
    review.send.click()
    stage.until(lambda: ("queue.settle", 4, None) in stage.script.calls)


def test_the_text_is_shown(open_window: Open) -> None:
    stage = show(open_window, TEXT)
    press(stage, Action.SHOW_TEXT)
    stage.until(lambda: bool(stage.window.findChildren(TextDialog)))
    [dialog] = stage.window.findChildren(TextDialog)
    assert dialog.view.toPlainText() == "<b>what the provider read</b>"
    dialog.close()


def test_the_history_follows(open_window: Open) -> None:
    stage = show(open_window, TEXT)
    stage.until(stage.window.page.details._history_box.isVisible)


def test_several_files_are_summed_up(open_window: Open) -> None:
    stage = open_window(ScriptedService(rows=[TEXT, IMAGE, CONSENT], statuses=[account("kimi")]))
    stage.until(lambda: stage.window.page.model.rowCount() == 3)
    stage.window.page.view.selectAll()
    assert stage.window.page.details._name.text() == "3 files selected"
    assert buttons(stage) == ["allow_fallback", "remove", "delete_remote"]
    stage.window.page.view.clearSelection()
    assert stage.window.page.details.job_id is None


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_way_on(state: JobState) -> None:
    possible = fitting([job(1, state)])
    assert possible & {Action.CANCEL, Action.REMOVE}
    assert fits(Action.CANCEL, job(1, state)) is not state.is_final


def test_every_button_is_a_known_action(stage: Stage) -> None:
    assert set(BUTTONS) == set(Action) - {Action.COPY_ID, Action.RECEIPT} - set(MOVES)
    assert isinstance(stage.parts.table, ProviderTable)


def test_a_narrow_window_shows_the_list_first(open_window: Open) -> None:
    stage = show(open_window, TEXT)
    page = stage.window.page
    assert page.details_toggle.isChecked()
    stage.window.resize(760, 560)
    stage.until(page.details.isHidden)
    assert not page.details_toggle.isChecked()
    page.open_details()
    assert page.details.isVisible()
    stage.window.resize(1280, 800)
    stage.until(lambda: page.width() > 1_000)
    assert page.details.isVisible()
    page.details_toggle.click()
    stage.window.resize(760, 560)
    stage.window.resize(1280, 800)
    stage.until(lambda: page.width() > 1_000)
    assert page.details.isHidden()


def test_what_the_malware_scan_said_is_told(open_window: Open) -> None:
    stage = open_window(ScriptedService(rows=[TEXT], statuses=[account("kimi")]))
    stage.script.scan = ScanResult(ScanVerdict.CLEAN, "", "ClamAV 1.4.6", "27500 of 2026-11-24")
    stage.until(lambda: stage.window.page.model.rowCount() == 1)
    stage.select(0)
    values = stage.window.page.details.facts._values
    stage.until(lambda: values["Malware"].text() != "")
    assert values["Malware"].text() == (
        "Scanned by ClamAV 1.4.6, signatures 27500 of 2026-11-24: nothing found"
    )


def test_no_scan_is_told_as_none(open_window: Open) -> None:
    stage = show(open_window, TEXT)
    values = stage.window.page.details.facts._values
    stage.until(lambda: values["Malware"].text() != "")
    assert values["Malware"].text() == "Not scanned"


def test_when_the_provider_was_last_seen_to_have_it(open_window: Open) -> None:
    stage = open_window(ScriptedService(rows=[TEXT], statuses=[account("kimi")]))
    stage.script.copy = Copy(
        1, "kimi", "kimi", "file-extract", "ab" * 32, 9, "file-1", "a.txt",
        CopyState.PRESENT, True, NOW, job_id=TEXT.id, verified_at=NOW,
    )  # fmt: skip
    stage.until(lambda: stage.window.page.model.rowCount() == 1)
    stage.select(0)
    values = stage.window.page.details.facts._values
    stage.until(lambda: values["Last checked"].text() == clock_text(NOW))
