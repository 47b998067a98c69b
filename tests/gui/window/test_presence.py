"""Closing, coming back and what the tray is told, without a tray: the offscreen platform has none.

With real trays and a real daemon: tests/e2e/test_tray.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from exai_desktop.core.accounts.health import HealthStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import (
    BatchFinished,
    JobsAdded,
    ProblemRaised,
    ProblemSolved,
    SettingChanged,
    SummaryChanged,
)
from exai_desktop.core.jobs.jobs import JobState, QueueSummary
from exai_desktop.core.settings import Settings
from exai_desktop.gui.engine.bridge import News
from exai_desktop.gui.tray.icons import PANELS, TrayState, drawn, tray_icon
from exai_desktop.gui.tray.menu import TrayView
from exai_desktop.gui.window import presence as presence_module
from exai_desktop.gui.window.settings_dialog import SettingsDialog
from exai_desktop.gui.window.tray_words import TrayFacts
from tests.gui.conftest import Stage
from tests.gui.scripted_service import NOW, ScriptedService, account, error, job

Open = Callable[..., Stage]
S = JobState


def closed(stage: Stage) -> list[bool]:
    wanted: list[bool] = []
    stage.window.close_wanted.connect(lambda: wanted.append(True))
    return wanted


# -- the icon


def test_each_state_has_a_shape_of_its_own(stage: Stage) -> None:
    """Without any colour, at the smallest size."""
    shapes = set()
    for state in TrayState:
        image = drawn(state, 16, PANELS["light"]).toImage()
        shapes.add(
            tuple(image.pixelColor(x, y).alpha() > 127 for y in range(16) for x in range(16))
        )
    assert len(shapes) == len(TrayState)


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("state", TrayState)
def test_the_icon_can_be_seen_on_its_panel(stage: Stage, state: TrayState, panel: str) -> None:
    ground = 0.92 if panel == "light" else 0.15
    image = tray_icon(state, panel, "linux").pixmap(22, 22).toImage()
    inks = {
        image.pixelColor(x, y).lightnessF()
        for y in range(22)
        for x in range(22)
        if image.pixelColor(x, y).alpha() > 250
    }
    assert inks
    assert all(abs(ink - ground) > 0.3 for ink in inks)


def test_a_mac_colours_the_icon_itself(stage: Stage) -> None:
    assert tray_icon(TrayState.WORKING, "light", "darwin").isMask()
    assert not tray_icon(TrayState.WORKING, "light", "win32").isMask()


# -- what it is told


def facts(**counts: int) -> TrayFacts:
    summary = QueueSummary({S(state): count for state, count in counts.items()})
    return TrayFacts(summary, (account("kimi"),))


@pytest.mark.parametrize(
    ("known", "state", "line"),
    [
        (facts(), TrayState.IDLE, "Nothing in the queue"),
        (facts(done=3), TrayState.IDLE, "All files finished"),
        (facts(done=3, failed=2), TrayState.IDLE, "All files finished"),
        (facts(sending=2, queued=10), TrayState.WORKING, "Sending 2, 12 files left"),
        (facts(needs_review=1), TrayState.ATTENTION, "1 file needs your attention"),
    ],
)
def test_the_queue_decides_state_and_line(known: TrayFacts, state: TrayState, line: str) -> None:
    view = known.view(NOW)
    assert (view.state, view.lines[0]) == (state, line)
    assert len(view.tip) < 64


def test_a_pause_a_problem_and_a_missing_connection_are_told() -> None:
    known = facts(queued=2, sending=1)
    known.accounts = (
        replace(account("kimi"), health=HealthStatus(unreachable_since=NOW)),
        replace(account("off"), account=replace(account("off").account, enabled=False)),
    )
    assert known.view(NOW).state is TrayState.OFFLINE
    assert known.view(NOW).lines == ("No connection, 3 files left",)
    known.summary = replace(known.summary, paused=True, paused_until=NOW + 60)
    view = known.view(NOW)
    assert view.state is TrayState.PAUSED
    assert view.is_paused
    assert len(view.paused_until) == len("15:22")
    idle = TrayFacts(replace(known.summary, counts={S.DONE: 1}, paused_until=None))
    assert idle.view(NOW).lines == ("Paused",)
    known.problems["key"] = "kimi: The key was rejected"
    assert known.view(NOW).state is TrayState.ATTENTION
    assert known.view(NOW).lines == ("kimi: The key was rejected",)


def test_recent_ids_have_names_only_if_that_is_wanted() -> None:
    known = facts(done=2)
    long = f"{'a' * 50}&{'b' * 50}.pdf"
    known.recent = (job(1, file_id="file-1", name="a&b.pdf"), job(2, file_id="file-2", name=long))
    [(first, _), (second, number)] = known.view(NOW).recent
    assert (first, number) == ("a&&b.pdf", "file-2")
    assert len(second) <= 41
    known.shows_names = False
    assert known.view(NOW).recent[0] == ("file-1", "file-1")


# -- closing


def test_closing_asks_once_and_keeps_the_answer(stage: Stage) -> None:
    wanted, window = closed(stage), stage.window
    window.close()
    question = stage.presence.question
    assert question is not None
    assert "no tray" in question.informativeText()
    window.close()
    assert stage.presence.question is question
    QTest.keyClick(question, Qt.Key.Key_Return)
    stage.until(window.isMinimized)
    stage.until(lambda: ("settings.change", "on_close", "keep_running") in stage.script.calls)
    assert not wanted
    window.showNormal()
    window.close()
    stage.until(window.isMinimized)
    assert stage.presence.question is None


def test_quit_as_the_answer_ends_it_and_cancel_does_nothing(stage: Stage) -> None:
    wanted, window = closed(stage), stage.window
    window.close()
    assert stage.presence.question is not None
    QTest.keyClick(stage.presence.question, Qt.Key.Key_Escape)
    stage.until(lambda: stage.presence.question is None)
    assert window.isVisible()
    assert not window.isMinimized()
    window.close()
    assert stage.presence.question is not None
    stage.presence.question.ways[1].click()
    stage.until(lambda: bool(wanted))
    assert ("settings.change", "on_close", "quit") in stage.script.calls


def test_quit_in_the_menu_never_asks(stage: Stage) -> None:
    wanted = closed(stage)
    stage.window.menu_actions.quit.trigger()
    assert wanted
    assert stage.presence.question is None


def test_the_end_of_the_session_never_asks(stage: Stage) -> None:
    wanted = closed(stage)
    stage.presence._on_session_end(None)
    stage.window.close()
    assert wanted


def test_without_an_account_closing_ends_the_program(open_window: Open) -> None:
    stage = open_window(ScriptedService())
    wanted = closed(stage)
    stage.window.close()
    assert wanted


# -- out of sight


def test_a_window_out_of_sight_does_no_work_and_catches_up(open_window: Open) -> None:
    stage = open_window(ScriptedService(rows=[job(1)], statuses=[account("kimi")]))
    window, script = stage.window, stage.script
    stage.until(lambda: window.page.model.rowCount() == 1)
    window.showMinimized()
    script.rows.extend(job(number) for number in range(2, 4))
    script.publish(JobsAdded(1, tuple(script.rows[1:])))
    script.publish(SummaryChanged(QueueSummary({S.DONE: 2, S.QUEUED: 1})))
    stage.until(lambda: stage.presence.tray.menu.lines[0].text() == "1 file left")
    assert window.page.model.rowCount() == 1
    assert window.page.filter.chips["Done"].text() == "Done  1"
    window.showNormal()
    stage.until(lambda: window.page.model.rowCount() == 3)
    assert window.page.filter.chips["Done"].text() == "Done  2"


def test_problems_and_news_go_when_the_window_is_looked_at(stage: Stage) -> None:
    menu, window, script = stage.presence.tray.menu, stage.window, stage.script
    window.hide()
    stage.until(lambda: not window.isActiveWindow())
    script.publish(BatchFinished(1, 2, 0, 1, 1, 0, 0))
    script.publish(SummaryChanged(QueueSummary({S.DONE: 2, S.REFUSED: 1, S.FAILED: 1})))
    stage.until(lambda: menu.lines[0].text() == "2 files were not uploaded")
    stage.until(lambda: menu.problems.text() == "Pro&blems (2)")
    menu.problems.trigger()
    stage.until(lambda: menu.lines[0].text() == "All files finished")
    assert window.isVisible()
    assert window.page.filter.states == (S.NEEDS_REVIEW, S.HELD, S.FAILED, S.REFUSED)
    full = error(ErrorCode.DISK_FULL)
    script.publish(ProblemRaised(full))
    stage.until(lambda: menu.lines[0].text() == full.title)
    script.publish(ProblemSolved(full))
    stage.until(lambda: menu.lines[0].text() == "All files finished")


def test_the_entries_of_the_menu_act(open_window: Open) -> None:
    rows = [job(1, file_id="file-1", name="one.pdf"), job(2, file_id="file-2", name="two.pdf")]
    stage = open_window(ScriptedService(rows=rows, statuses=[account("kimi")]))
    menu, calls = stage.presence.tray.menu, stage.script.calls
    stage.until(menu.recent[0].isVisible)
    labels = [action.text() for action in menu.recent if action.isVisible()]
    assert sorted(labels) == ["one.pdf", "two.pdf"]
    menu.recent[labels.index("one.pdf")].trigger()
    assert QGuiApplication.clipboard().text() == "file-1"
    assert menu.pause_hour.text().startswith("Pause for an &hour (until ")
    menu.pause_hour.trigger()
    stage.until(lambda: ("queue.pause", None, 3600.0) in calls)
    stage.until(lambda: menu.resume.isVisible() and not menu.pause.isVisible())
    menu.resume.trigger()
    stage.until(lambda: ("queue.resume", None) in calls)
    menu.pause.trigger()
    stage.until(lambda: ("queue.pause", None) in calls)
    menu.settings.trigger()
    stage.until(lambda: bool(stage.window.findChildren(SettingsDialog)))
    stage.window.findChildren(SettingsDialog)[0].close()
    wanted = closed(stage)
    menu.quit.trigger()
    assert wanted


def test_the_menu_has_no_empty_entry() -> None:
    assert TrayView().lines
    assert TrayView().tip == "EXAI Desktop: Starting…"


def test_a_problem_from_before_the_settings_is_told(stage: Stage) -> None:
    told: list[str] = []
    presence, full = stage.presence, error(ErrorCode.DISK_FULL)
    stage.window.hide()
    stage.until(lambda: not stage.window.isActiveWindow())

    def tell(title: str, _text: str) -> bool:
        told.append(title)
        return True

    presence.notifications._elsewhere = tell
    presence._on_leaving()
    presence.take_news(News(problems=[ProblemRaised(full)]))
    assert not told
    presence._on_entered(Settings())
    stage.until(lambda: told == [full.title])
    assert presence._facts.view().state is TrayState.ATTENTION


def test_a_start_that_fails_brings_a_hidden_window_back(stage: Stage) -> None:
    stage.window.hide()
    stage.window.start_failed.emit("The profile cannot be read")
    assert stage.window.isVisible()
    assert stage.window.isMinimized()
    assert stage.presence.tray.menu.lines[0].text() == "The profile cannot be read"


def test_quit_waits_for_no_disk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(presence_module, "ENDS_WITHIN_S", 0.05)
    monkeypatch.setattr(stage.script.settings, "change", for_ever)
    wanted = closed(stage)
    stage.window.close()
    assert stage.presence.question is not None
    stage.presence.question.ways[1].click()
    stage.until(lambda: bool(wanted))


def test_a_session_whose_end_was_called_off_goes_on(
    stage: Stage,
) -> None:
    stage.presence._session_goes_on.setInterval(10)
    stage.presence._on_session_end(None)
    stage.until(lambda: not stage.presence._is_ending)


# -- settings


def test_settings_are_in_the_menu_of_the_window_and_follow_others(stage: Stage) -> None:
    background, script = stage.presence.background, stage.script
    background.choices["notifications"].actions()[1].trigger()
    stage.until(lambda: ("settings.change", "notifications", "problems") in script.calls)
    background.checks["start_at_login"].trigger()
    stage.until(lambda: ("settings.change", "start_at_login", "true") in script.calls)
    stage.until(background.checks["start_at_login"].isChecked)
    # By the command line, which goes through the same engine.
    script.settings.kept = Settings(quiet_hours="01:00-02:00", on_close="quit")
    script.publish(SettingChanged("quiet_hours"))
    own = background.choices["quiet_hours"].actions()[-1]
    stage.until(own.isChecked)
    assert (own.text(), own.isVisible()) == ("01:00 to 02:00", True)
    wanted = closed(stage)
    stage.window.close()
    assert wanted


def test_a_setting_that_cannot_be_saved_is_shown_as_it_is(stage: Stage) -> None:
    check = stage.presence.background.checks["start_at_login"]
    stage.script.failure = EngineError(ErrorCode.LOGIN_START_NOT_CHANGED)
    check.trigger()
    stage.until(lambda: "start at login" in stage.parts.notices.title)
    stage.until(lambda: not check.isChecked())
    stage.script.failure = None
