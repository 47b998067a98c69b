"""The page *Providers*: how each account is, how full, and what it answered of late."""

import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from exai_desktop.core.accounts.health import (
    BreakerStatus,
    Check,
    HealthSample,
    HealthStatus,
    Phase,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.events import ProblemRaised, ProblemSolved
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
CTRL = Qt.KeyboardModifier.ControlModifier


def answers(name: str) -> list[HealthSample]:
    now = time.time()
    good = [HealthSample(name, now - 60 * n, Check.UPLOAD, "ok", 300 * n + 90) for n in range(9)]
    bad = HealthSample(name, now, Check.UPLOAD, "unavailable", 900, "TIMEOUT", is_fault=True)
    return [*good, bad]


def page_of(open_window: Open, script: ScriptedService) -> Stage:
    stage = open_window(script)
    stage.press(Qt.Key.Key_3, CTRL)
    page = stage.window.providers
    stage.until(lambda: stage.window.stack.currentWidget() is page and bool(page.cards))
    return stage


def test_each_account_tells_how_it_is(open_window: Open) -> None:
    well = replace(account("work"), health=HealthStatus(10, 1, 0.1, 320, last_code="TIMEOUT"))
    until = time.time() + 300
    paused = replace(
        account("home", "glm", "zai"), breaker=BreakerStatus(Phase.OPEN, 5, until, "TIMEOUT")
    )
    script = ScriptedService(statuses=[well, paused], samples=answers("work"))
    stage = page_of(open_window, script)
    first, second = stage.window.providers.cards
    assert first.state == "Works, with failures"
    assert second.state == "Paused after 5 failures in a row"
    stage.until(lambda: "10 requests, 1 failed" in first.strip.accessibleDescription())
    assert "0 requests" in second.strip.accessibleDescription()
    assert not list(unnamed(stage.window))


def test_what_changes_is_shown_while_somebody_looks(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("work")])
    stage = page_of(open_window, script)
    [card] = stage.window.providers.cards
    assert card.state == "Not used recently"
    script.statuses = [replace(script.statuses[0], health=HealthStatus(3, 0, 0.0, 100))]
    stage.until(lambda: card.state == "Works")
    script.statuses = []
    stage.until(lambda: not stage.window.providers.cards)


def test_a_test_by_keyboard(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    stage = page_of(open_window, script)
    [card] = stage.window.providers.cards
    card.test.setFocus()
    stage.press(Qt.Key.Key_Space)
    stage.until(lambda: ("accounts.test", "kimi") in script.calls)
    stage.until(card.result.isVisible)


def test_the_end_of_a_problem_takes_its_message_away(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("work")])
    stage = open_window(script)
    error = ErrorView.of(AppError(ErrorCode.CIRCUIT_BREAKER_OPEN, "work: last TIMEOUT"))
    script.publish(ProblemRaised(error, "work"))
    notices = stage.parts.notices
    stage.until(lambda: not notices.isHidden() and notices.title == error.title)
    script.publish(ProblemSolved(error, "home"))  # another account's: this one's stays
    script.publish(ProblemSolved(error, "work"))
    stage.until(lambda: notices.title != error.title)
    assert notices.title == "work: problem solved"


def test_what_cannot_be_reached_never_works(open_window: Open) -> None:
    since = time.time() - 90
    health = HealthStatus(4, 0, 0.0, 100, since - 5, unreachable_since=since)
    missed = replace(account("work"), health=replace(health, unreachable_code="OFFLINE"))
    script = ScriptedService(statuses=[missed])
    stage = page_of(open_window, script)
    [card] = stage.window.providers.cards
    assert card.state.startswith("Unreachable since ")
    [address] = [
        w for w in card.facts.findChildren(QLabel) if w.accessibleName().startswith("Address: ")
    ]
    assert address.text() == urlsplit(missed.account.base_url).netloc
    assert card.test.text() == "Try now"
    card.test.click()
    stage.until(lambda: ("accounts.test", "work") in script.calls)
    script.statuses = [replace(missed, health=HealthStatus(5, 0, 0.0, 100))]
    stage.until(lambda: card.state == "Works")
    assert card.test.text() == "Test"


def test_a_bar_tells_how_full_an_account_is(open_window: Open) -> None:
    statuses = [replace(account("work"), files=702), account("own", "custom", "other")]
    stage = page_of(open_window, ScriptedService(statuses=statuses))
    known, unknown = stage.window.providers.cards
    assert known.room.accessibleName() == f"Stored: 702 of {known.room.maximum():,} files"
    assert known.room.value() == 702
    assert unknown.room.isHidden()
