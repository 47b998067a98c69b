"""Events cross to the window in few pieces, the newest of each job, and signals stay cheap."""

import threading
import time

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from exai_desktop.core.events import (
    Event,
    JobChanged,
    JobsAdded,
    JobsRemoved,
    Progressed,
    WindowWanted,
)
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.gui.engine.bridge import DRAIN_EVERY_S, EngineBridge, News
from tests.gui.scripted_service import job


def noted(*events: Event) -> News:
    news = News()
    for event in events:
        news.note(event)
    return news


def test_ten_thousand_progress_events_make_few_drains(qtbot: QtBot) -> None:
    bridge = EngineBridge()
    drains: list[News] = []
    bridge.news_arrived.connect(drains.append)

    def chatter() -> None:
        for step in range(10_000):
            bridge.post(Progressed(step % 8, "sending", step, 10_000, 1.0, None))

    begun = time.monotonic()
    thread = threading.Thread(target=chatter)
    thread.start()
    last = {number: 9_992 + number for number in range(8)}
    qtbot.waitUntil(lambda: not thread.is_alive(), timeout=60_000)
    qtbot.waitUntil(lambda: _newest(drains) == last, timeout=60_000)
    allowed = (time.monotonic() - begun) / DRAIN_EVERY_S + 2
    assert len(drains) <= allowed


def _newest(drains: list[News]) -> dict[int, int]:
    newest: dict[int, int] = {}
    for news in drains:
        newest.update((event.job_id, event.done) for event in news.progress.values())
    return newest


def test_nothing_is_drained_without_news(qtbot: QtBot) -> None:
    bridge = EngineBridge()
    drains: list[News] = []
    bridge.news_arrived.connect(drains.append)
    bridge.post(WindowWanted())
    bridge.clear()
    qtbot.wait(200)
    assert drains == []


def test_the_newest_view_of_a_job_wins() -> None:
    queued, done = job(1, JobState.QUEUED), job(1, JobState.DONE)
    news = noted(JobsAdded(1, (queued,)), JobChanged(done))
    assert news.added == {1: done}
    assert not news.changed
    assert noted(JobChanged(queued), JobChanged(done)).changed == {1: done}


def test_removed_jobs_are_forgotten() -> None:
    news = noted(JobsAdded(1, (job(1),)), JobChanged(job(2)), JobsRemoved((1, 2)))
    assert (news.added, news.changed, news.removed, news.reload) == ({}, {}, [1, 2], False)
    assert noted(JobsRemoved(())).reload


class Speaker(QObject):
    said = Signal(object)


@pytest.mark.parametrize("value", [True, None, 1])
def test_ten_thousand_signals_do_not_hurt_the_interpreter(qtbot: QtBot, value: object) -> None:
    """PySide6 6.12.0 on Python 3.10 and 3.11 aborts after some 560 of them."""
    speaker, heard = Speaker(), [0]

    def listen(_value: object) -> None:
        heard[0] += 1

    speaker.said.connect(listen)
    for _ in range(10_000):
        speaker.said.emit(value)
    assert heard == [10_000]
