"""What the strip at the bottom says of the whole queue."""

from __future__ import annotations

import pytest

from exai_desktop.core.jobs.jobs import JobState as S
from exai_desktop.core.jobs.jobs import QueueSummary
from exai_desktop.gui.queue_page.progress_strip import headline, results


@pytest.mark.parametrize(
    ("counts", "paused", "first", "second"),
    [
        ({}, False, "Nothing in the queue", ""),
        ({S.DONE: 2}, False, "All files finished", "2 done"),
        ({S.DONE: 2, S.FAILED: 1}, False, "All files finished", "2 done  ·  1 needs attention"),
        ({S.SENDING: 1, S.HELD: 2}, False, "3 files left", "2 need attention"),
        # Nothing moves: the same files are not counted in two ways.
        ({S.HELD: 1, S.REFUSED: 1, S.DONE: 2}, False, "2 files need your attention", "2 done"),
        ({S.NEEDS_REVIEW: 1}, False, "1 file needs your attention", ""),
        ({S.HELD: 1, S.REFUSED: 1}, True, "Paused, 1 file left", "2 need attention"),
    ],
)
def test_headline_and_results(counts: dict[S, int], paused: bool, first: str, second: str) -> None:
    summary = QueueSummary(counts=counts, paused=paused)
    assert (headline(summary), results(summary)) == (first, second)
