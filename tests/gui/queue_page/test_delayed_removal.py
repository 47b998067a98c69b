"""All finished files leave the list after some seconds, and not if the user undoes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.jobs.jobs import FINAL, JobQuery, JobState, Moment
from exai_desktop.core.jobs.ranges import JobRange, RangeOrder
from exai_desktop.gui.queue_page.job_actions import Action
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account, job

Open = Callable[..., Stage]
S = JobState


@pytest.fixture
def finished(open_window: Open) -> Stage:
    rows = [job(1, file_id="f1", account="kimi"), job(2, S.CANCELLED), job(3, S.QUEUED)]
    stage = open_window(ScriptedService(statuses=[account("kimi")], rows=rows))
    stage.until(lambda: len(stage.rows()) == 3)
    stage.window.commands.removal.seconds = 1
    return stage


def removals(stage: Stage) -> int:
    return len(orders(stage))


def orders(stage: Stage) -> list[tuple[object, ...]]:
    assert not any(call[0] == "queue.remove" for call in stage.script.calls)
    return [call[1:] for call in stage.script.calls if call[0] == "queue.order"]


def test_it_is_carried_out_once_when_nobody_undoes_it(finished: Stage) -> None:
    window = finished.window
    window.menu_actions.clear.trigger()
    finished.until(lambda: finished.parts.notices.title == "2 finished files leave the list")
    assert window.menu_actions.undo.isEnabled()
    assert removals(finished) == 0
    finished.until(lambda: removals(finished) == 1)
    assert not window.menu_actions.undo.isEnabled()


def test_it_is_for_what_was_finished_at_the_click(finished: Stage) -> None:
    """A file that fails in the seconds after it was seen by nobody."""
    script = finished.script
    clicked = script.moment
    finished.window.menu_actions.clear.trigger()
    finished.until(lambda: finished.window.commands.removal.is_open)
    script.moment = Moment(9, clicked.at + 5.0)
    script.rows[2:] = [job(3, S.FAILED), job(4, S.FAILED)]
    finished.until(lambda: removals(finished) == 1)
    query = JobQuery(states=tuple(sorted(FINAL)))
    [order] = orders(finished)
    assert order == (RangeOrder.REMOVE, JobRange(query, ((None, None),), 3, clicked))


def test_undo_leaves_everything_as_it_is(finished: Stage) -> None:
    removal = finished.window.commands.removal
    removal.seconds = 60
    finished.window.menu_actions.clear.trigger()
    finished.until(lambda: removal.is_open)
    finished.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    finished.until(lambda: finished.parts.notices.title == "The files stay in the list")
    assert not removal.is_open
    assert removals(finished) == 0


def test_where_nothing_is_finished_nothing_begins(open_window: Open) -> None:
    stage = open_window(ScriptedService(statuses=[account("kimi")], rows=[job(1, S.QUEUED)]))
    stage.window.menu_actions.clear.trigger()
    stage.until(lambda: stage.parts.notices.title == "No file is finished yet")
    assert not stage.window.commands.removal.is_open


def test_a_deletion_at_the_provider_and_another_engine_call_it_off(finished: Stage) -> None:
    removal, deletions = finished.window.commands.removal, finished.window.deletions
    removal.seconds = deletions.seconds = 60
    copy = Copy(1, "kimi", "kimi", "file-extract", "ab", 1, "f1", "a", CopyState.PRESENT, True, 0.0)
    finished.script.copies.append(copy)
    finished.window.menu_actions.clear.trigger()
    finished.until(lambda: removal.is_open)
    finished.select(2)
    finished.window.commands.perform(Action.DELETE_REMOTE)
    finished.until(lambda: deletions.is_open)
    assert not removal.is_open
    # And while the deletion waits, no removal begins.
    finished.window.menu_actions.clear.trigger()
    finished.until(lambda: finished.parts.tasks.running == 0)
    assert not removal.is_open
    finished.window.commands.undo()
    finished.window.menu_actions.clear.trigger()
    finished.until(lambda: removal.is_open)
    finished.window.enter(sandbox=False)
    finished.until(lambda: not removal.is_open)
    assert removals(finished) == 0
    # The other engine is begun by then; one that is beginning could not be ended here.
    finished.until(lambda: finished.parts.tasks.running == 0)
