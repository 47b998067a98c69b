"""A move that says which states it has passed: each change of state on its own, in order."""

from exai_desktop.core.jobs.jobs import Attempt, JobState
from exai_desktop.core.jobs.store import JobChanges, Move, Step

S = JobState


def test_a_plain_move_is_its_only_stage() -> None:
    move = Move(7, S.QUEUED, S.HELD, 2.0, "paused by the user", JobChanges(not_before=None))
    assert list(move.stages()) == [move]


def test_each_state_passed_is_a_stage_with_its_own_time_and_note() -> None:
    attempt = Attempt(1, "http", "a.txt", 3, "ab" * 32, 1.0)
    passed = (Step(S.CHECKING, 2.0), Step(S.HASHING, 3.0, "restricted", attempt))
    changes = JobChanges(size=3)
    move = Move(7, S.QUEUED, S.WAITING, 4.0, "preferred account", changes, passed=passed)
    assert list(move.stages()) == [
        Move(7, S.QUEUED, S.CHECKING, 2.0),
        Move(7, S.CHECKING, S.HASHING, 3.0, "restricted", attempt=attempt),
        Move(7, S.HASHING, S.WAITING, 4.0, "preferred account", changes),
    ]
