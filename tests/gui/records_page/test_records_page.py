"""The page *Records*: signing in, what waits, what is missing, what others have sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.events import MirrorChanged
from exai_desktop.core.mirror.quota import QuotaUse
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInWay
from exai_desktop.core.mirror.status import MirrorState, MirrorStatus, RefusedRow
from exai_desktop.gui.records_page.page import RecordsPage
from exai_desktop.gui.records_page.pending_note import note_text
from exai_desktop.gui.records_page.setup_card import PUSH
from exai_desktop.gui.records_page.sign_in_dialog import SignInDialog
from exai_desktop.gui.widgets.copy_line import CopyLine
from tests.gui.conftest import Stage
from tests.gui.scripted_mirror import CODE, PAGE, other_file
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
S = MirrorState
CTRL = Qt.KeyboardModifier.ControlModifier
URL, EMAIL = "https://abcd1234.supabase.co", "you@example.org"
KEY, PASSWORD = "sb_publishable_not-a-real-key", "not-a-real-password"
SIGNED_IN = MirrorStatus(
    S.SIGNED_IN, URL, EMAIL, schema=1, last_success=time.time(), open_sign_ups=False
)


def script_of(status: MirrorStatus | None = None) -> ScriptedService:
    script = ScriptedService(statuses=[account("kimi")])
    if status is not None:
        script.mirror.now = status
    return script


def page_of(open_window: Open, script: ScriptedService) -> tuple[Stage, RecordsPage]:
    stage = open_window(script)
    stage.press(Qt.Key.Key_4, CTRL)
    page = stage.window.records
    stage.until(lambda: page.isVisible() and page._status.state is script.mirror.now.state)
    return stage, page


def signing_in(stage: Stage, page: RecordsPage) -> SignInDialog:
    page.project.sign_in.click()
    dialog = page.dialog
    assert dialog is not None
    for field, text in zip(dialog._fields(), (URL, KEY, EMAIL, PASSWORD), strict=True):
        assert not dialog.sign_in.isEnabled()
        QTest.keyClicks(field, text)
    assert dialog.sign_in.isEnabled()
    return dialog


def test_one_signs_in_and_sees_it(open_window: Open) -> None:
    stage, page = page_of(open_window, script_of())
    assert page.project.state == "Not signed in"
    assert page.setup.isVisible()
    assert page.others.isHidden()
    assert not list(unnamed(stage.window))
    dialog = signing_in(stage, page)
    assert not list(unnamed(dialog))
    assert dialog.key.echoMode() is dialog.password.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClick(dialog.password, Qt.Key.Key_Return)
    stage.until(lambda: page.project.state.startswith("Signed in"))
    assert ("mirror.sign_in", URL, KEY, EMAIL, PASSWORD) in stage.script.calls
    stage.until(lambda: page.dialog is None)
    fields = [w for w in QApplication.allWidgets() if isinstance(w, QLineEdit)]
    for field in fields:
        field.undo()
    shown = " ".join(field.text() for field in fields)
    assert PASSWORD not in shown
    assert KEY not in shown
    assert page.setup.isHidden()
    assert not page.project.sign_out.isHidden()


@pytest.mark.parametrize("code", [ErrorCode.SECRET_KEY_GIVEN, ErrorCode.SIGN_IN_REFUSED])
def test_a_refusal_is_told_where_one_typed(open_window: Open, code: ErrorCode) -> None:
    stage, page = page_of(open_window, script_of())
    stage.script.failure = AppError(code)
    dialog = signing_in(stage, page)
    dialog.sign_in.click()
    title = ErrorView.of(AppError(code)).title
    stage.until(lambda: dialog.answer.title == title)
    # All but the answer is as it was: one corrects what was wrong and tries again.
    assert dialog.sign_in.isEnabled()
    assert dialog.password.text() == PASSWORD
    dialog.close()
    assert page.project.state == "Not signed in"


def without_password(stage: Stage, page: RecordsPage, way: int) -> SignInDialog:
    """The dialog with all filled in but what is asked for later."""
    page.project.sign_in.click()
    dialog = page.dialog
    assert dialog is not None
    dialog.way.setCurrentIndex(way)
    for field, text in zip(dialog._fields(), (URL, KEY, EMAIL), strict=True):
        QTest.keyClicks(field, text)
    assert not list(unnamed(dialog))
    assert not dialog.password.isVisible()
    return dialog


def test_one_signs_in_by_a_link(open_window: Open) -> None:
    stage, page = page_of(open_window, script_of())
    dialog = without_password(stage, page, 1)
    assert dialog.sign_in.text() == "&Send the message"
    dialog.sign_in.click()
    stage.until(lambda: f"a link to {EMAIL}" in dialog.answer.title)
    assert not dialog.url.isEnabled() and not dialog.sign_in.isEnabled()
    stage.script.mirror.is_answered = True
    stage.until(lambda: page.project.state.startswith("Signed in"))
    stage.until(lambda: page.dialog is None)
    asked = SignInRequest(URL, KEY, SignInWay.LINK, EMAIL)
    assert ("mirror.begin_sign_in", asked) in stage.script.calls
    assert ("mirror.give_up_sign_in", "try-1") not in stage.script.calls


def test_one_signs_in_by_a_code(open_window: Open) -> None:
    stage, page = page_of(open_window, script_of())
    dialog = without_password(stage, page, 2)
    dialog.sign_in.click()
    stage.until(dialog.code.isVisible)
    assert f"a code to {EMAIL}" in dialog.answer.title
    QTest.keyClicks(dialog.code, "654321")
    QTest.keyClick(dialog.code, Qt.Key.Key_Return)
    stage.until(lambda: dialog.answer.title == "The code is wrong or has expired")
    dialog.code.clear()
    QTest.keyClicks(dialog.code, CODE)
    dialog.sign_in.click()
    stage.until(lambda: page.dialog is None)
    stage.until(lambda: page.project.state.startswith("Signed in"))


@pytest.mark.parametrize("opens", [True, False])
def test_one_signs_in_in_the_browser(
    open_window: Open, monkeypatch: pytest.MonkeyPatch, opens: bool
) -> None:
    shown: list[str] = []

    def open_url(address: QUrl) -> bool:
        shown.append(address.toString())
        return opens

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    stage, page = page_of(open_window, script_of())
    dialog = without_password(stage, page, 3)
    assert not dialog.email.isVisible()
    dialog.sign_in.click()
    stage.until(dialog.page.isVisible)
    assert shown == [PAGE]
    assert ("No browser" in dialog.answer.title) is not opens
    dialog.page.button.click()
    assert QGuiApplication.clipboard().text() == PAGE
    stage.script.mirror.is_answered = True
    stage.until(lambda: page.dialog is None)


def test_a_closed_dialog_waits_for_nobody(open_window: Open) -> None:
    stage, page = page_of(open_window, script_of())
    dialog = without_password(stage, page, 1)
    dialog.sign_in.click()
    stage.until(lambda: ("mirror.finish_sign_in", "try-1", "") in stage.script.calls)
    dialog.close()
    stage.until(lambda: ("mirror.give_up_sign_in", "try-1") in stage.script.calls)
    assert page.project.state == "Not signed in"


def test_signing_out_tells_what_waits_and_keeps_it(open_window: Open) -> None:
    stage, page = page_of(open_window, script_of(replace(SIGNED_IN, pending=38)))
    stage.until(lambda: page.project.state == "Signed in, 38 changes wait")
    page.project.sign_out.click()
    stage.until(lambda: "38 changes wait here until you@" in page.project.result.title)
    stage.until(lambda: page.project.state == "Not signed in")
    # The next time only key and password are asked for.
    page.project.sign_in.click()
    assert page.dialog is not None
    assert (page.dialog.url.text(), page.dialog.email.text()) == (URL, EMAIL)
    assert page.dialog.focusWidget() is page.dialog.key
    page.dialog.close()


def test_sync_now_says_what_it_did_or_why_not(open_window: Open) -> None:
    stage, page = page_of(open_window, script_of(replace(SIGNED_IN, pending=3)))
    stage.until(lambda: ("mirror.ask",) in stage.script.calls)
    page.project.sync.click()
    stage.until(lambda: page.project.result.title == "Sent 3 changes, received 2.")
    stage.until(lambda: page.project.state == "Signed in, all changes are sent")
    stage.script.failure = AppError(ErrorCode.PROJECT_UNREACHABLE)
    page.project.sync.click()
    stage.until(lambda: page.project.result.title == "The Supabase project does not answer")


@pytest.mark.parametrize("state", S)
def test_each_state_says_what_to_do(open_window: Open, state: MirrorState) -> None:
    status = MirrorStatus(state, URL, EMAIL, schema=1, open_sign_ups=False)
    if state is S.NO_SCHEMA:
        status = replace(status, schema=None)
    _, page = page_of(open_window, script_of(status))
    assert page.project.state.lower().startswith(status.words[:8])
    has_hint = bool(page.project._hint.text())
    assert has_hint or state is S.SIGNED_IN
    assert page.setup.isVisible() is (state in {S.SIGNED_OUT, S.NO_SCHEMA, S.OLD_SCHEMA})
    can_sign_in = state in {S.SIGNED_OUT, S.SESSION_ENDED}
    assert page.project.sign_in.isVisible() is can_sign_in


def test_the_steps_left_and_open_sign_ups_are_shown(open_window: Open) -> None:
    script = script_of(replace(SIGNED_IN, state=S.NO_SCHEMA, schema=None))
    stage, page = page_of(open_window, script)
    stage.until(lambda: page.setup.done == [False, False, False, True])
    assert page.setup._warning.isHidden()
    command = page.setup.findChildren(CopyLine)[2]
    command.button.click()
    assert QGuiApplication.clipboard().text() == PUSH
    script.mirror.now = replace(SIGNED_IN, open_sign_ups=True)
    stage.until(lambda: page.setup.done == [True, True, True, False])
    assert page.setup._warning.isVisible()
    script.mirror.now = SIGNED_IN
    stage.until(page.setup.isHidden)


def test_what_the_project_refused_is_listed_and_sent_again(open_window: Open) -> None:
    script = script_of(SIGNED_IN)
    script.mirror.rows = [RefusedRow("copy", 4, "<b>invoice</b> 88.pdf", "22001")]
    stage, page = page_of(open_window, script)
    stage.until(page.refused.isVisible)
    assert page.refused.title == "Refused by the project: 1"
    assert not list(unnamed(stage.window))
    page.refused.again.click()
    stage.until(page.refused.isHidden)
    assert ("mirror.retry_refused",) in script.calls


def test_what_is_announced_is_shown_with_its_lists(open_window: Open) -> None:
    script = script_of(SIGNED_IN)
    stage, page = page_of(open_window, script)
    stage.until(lambda: page.others.title == "From your other devices: 0 files")
    script.mirror.others = [other_file(1)]
    script.mirror.rows = [RefusedRow("file", 4, "", "23514"), RefusedRow("copy", 5, "b", "2A")]
    script.publish(MirrorChanged())
    stage.until(lambda: page.others.names == ["report 001.pdf"])
    shown = [label.text() for label in page.refused.findChildren(QLabel)]
    assert "an upload" in shown
    assert "a rule of the table forbids it (23514)" in shown
    assert "the project cannot take it (2A)" in shown


def test_files_of_other_devices_can_be_searched_and_their_ids_copied(open_window: Open) -> None:
    script = script_of(SIGNED_IN)
    script.mirror.others = [other_file(number) for number in range(120)]
    script.mirror.others[3] = other_file(3, status="deleted", usable=False)
    stage, page = page_of(open_window, script)
    stage.until(lambda: len(page.others.names) == 50)
    assert page.others.title == "From your other devices: 120 files, 50 are shown"
    QTest.keyClicks(page.others.search, "report 007")
    stage.until(lambda: page.others.names == ["report 007.pdf"])
    [line] = page.others.findChildren(CopyLine)[-1:]
    line.button.click()
    assert QGuiApplication.clipboard().text() == script.mirror.others[7].remote_id
    # An ID that does not work any more is not offered.
    page.others.search.setText("report 003")
    stage.until(lambda: page.others.names == ["report 003.pdf"])
    [line] = page.others.findChildren(CopyLine)[-1:]
    assert line.button.isHidden()
    page.others.search.setText("nothing like it")
    stage.until(lambda: page.others.names == [])
    assert page.others._nothing.text() == "No file matches."


def test_the_limit_of_all_devices_is_shown_with_a_bar(open_window: Open) -> None:
    gib = 1024**3
    use = QuotaUse(10 * gib, gib, 3 * gib, 0, gib // 5, as_of=time.time())
    stage, page = page_of(open_window, script_of(replace(SIGNED_IN, quota=use)))
    stage.until(page.quota.isVisible)
    assert page.quota.line.startswith("3.2 of 10 GiB used by all your devices, as of ")
    assert page.quota.bar.value() == 320
    assert page.quota.more == ""
    assert not list(unnamed(stage.window))
    stage.script.mirror.now = replace(SIGNED_IN, quota=replace(use, used_bytes=10 * gib))
    stage.until(lambda: "on hold" in page.quota.more)
    assert page.quota.bar.value() == page.quota.bar.maximum()
    stage.script.mirror.now = MirrorStatus(S.SIGNED_OUT)
    stage.until(page.quota.isHidden)


def test_the_strict_mode_is_turned_on_in_the_page(open_window: Open) -> None:
    use = QuotaUse(10, 10, 0, 0, 0, as_of=time.time())
    stage, page = page_of(open_window, script_of(replace(SIGNED_IN, quota=use)))
    stage.until(page.quota.isVisible)
    page.quota.strict.click()
    stage.until(lambda: page.project.result.title == "The project is asked before each file.")
    assert ("settings.change", "strict_quota", "true") in stage.script.calls
    # As the settings say, when somebody looks again.
    page.quota.show_strict(False)
    stage.press(Qt.Key.Key_1, CTRL)
    stage.press(Qt.Key.Key_4, CTRL)
    stage.until(page.quota.strict.isChecked)
    assert stage.script.calls.count(("settings.change", "strict_quota", "true")) == 1


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (MirrorStatus(S.SIGNED_OUT, last_success=1.0), ""),
        (MirrorStatus(S.UNAVAILABLE), ""),
        (MirrorStatus(S.SIGNED_IN), "Records: signed in"),
        (MirrorStatus(S.SIGNED_IN, pending=1_038), "Records: 1,038 wait"),
        (MirrorStatus(S.SIGNED_IN, refused=2), "Records: 2 refused"),
        (MirrorStatus(S.UNREACHABLE, pending=3), "Records: 3 wait, the project does not answer"),
    ],
)
def test_the_line_beside_the_pages(status: MirrorStatus, text: str) -> None:
    assert note_text(status) == text
    seen = note_text(replace(status, last_success=time.time()))
    assert ("last sent " in seen) is bool(text)


def test_the_line_beside_the_pages_leads_to_records(open_window: Open) -> None:
    stage = open_window(script_of(replace(SIGNED_IN, pending=38)))
    note = stage.window.note
    stage.until(lambda: note.text().startswith("Records: 38 wait, last sent "))
    assert note.isVisible() and not list(unnamed(stage.window))
    note.click()
    page = stage.window.records
    stage.until(page.isVisible)
    stage.script.mirror.now = replace(SIGNED_IN, pending=0)
    stage.script.publish(MirrorChanged())
    stage.until(lambda: note.text().startswith("Records: last sent "))
    page.project.sign_out.click()
    stage.until(lambda: page.project.state == "Not signed in")
    stage.script.publish(MirrorChanged())
    stage.until(note.isHidden)
