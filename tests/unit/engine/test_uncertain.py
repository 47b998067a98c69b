"""In which order, and with whom, uncertain jobs come to the list."""

from __future__ import annotations

import asyncio

from exai_desktop.engine.reconciliation.uncertain import UncertainJobs
from tests.engine.fake_clock import FakeClock

SETTLE_S = 60.0


async def test_those_that_wait_for_each_other_are_asked_together() -> None:
    """Each by itself, half a minute apart, would find the other one in progress for ever."""
    clock = FakeClock()
    uncertain = UncertainJobs(clock)
    uncertain.again(1, 61.0)
    uncertain.again(2, 90.5)
    met: list[set[int]] = []
    waits: list[float] = []

    async def judge() -> None:
        while {1, 2} not in met:
            ids, now = await uncertain.due(), clock.monotonic()
            met.append(ids)
            for job_id in ids:
                uncertain.together(job_id, SETTLE_S)
                waits.append(uncertain._when[job_id] - now)

    judging = asyncio.create_task(judge())
    await clock.advance(10 * SETTLE_S)
    assert judging.done(), met
    await judging
    # Never sooner than a settle time: two looks at an absence must be that far apart.
    assert min(waits) >= SETTLE_S
