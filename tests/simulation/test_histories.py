"""Histories of some forty steps: whatever happens, the promises hold."""

from hypothesis import HealthCheck, given, settings

from . import actions
from .world import play


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(actions.histories)
def test_whatever_happens_the_promises_hold(history: list[actions.Action]) -> None:
    play(history)


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(actions.histories)
def test_the_same_history_gives_the_same_trace(history: list[actions.Action]) -> None:
    assert play(history) == play(history)
