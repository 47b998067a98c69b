"""Limits of speed: over all accounts, for one, changed while files are under way."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.jobs.jobs import routed
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.files.open_file import open_regular
from exai_desktop.engine.upload.attempt import Line
from exai_desktop.engine.waiting import SystemClock
from tests.engine.accounts.test_breaker import write
from tests.engine.engine_kit import GLM, KIMI, open_bench
from tests.own_time import OwnTime

KIB = 1024


class Fake(SystemClock):
    """Sleeps take no time but on this clock."""

    def __init__(self) -> None:
        self.at = 100.0

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


def test_turns_follow_each_other_at_the_limit() -> None:
    clock = Fake()
    flow = Bandwidth(100 * KIB, clock)
    assert [round(flow.reserve(20 * KIB), 3) for _ in range(4)] == [0.0, 0.2, 0.4, 0.6]
    flow.limit(100 * KIB)  # the same again is no gap in the line
    assert flow.reserve(20 * KIB) == pytest.approx(0.8)
    clock.at += 10  # what was not used is not saved up
    assert [round(flow.reserve(50 * KIB), 3) for _ in range(2)] == [0.0, 0.5]
    assert flow.block == 20 * KIB
    flow.limit(0)
    assert flow.reserve(10**9) == 0.0
    assert Bandwidth(16 * KIB, clock).block == 16 * KIB


async def test_the_tighter_of_two_limits_holds(tmp_path: Path) -> None:
    async with open_bench(tmp_path, accounts=[KIMI, GLM]) as bench:
        [job] = await bench.upload(*write(tmp_path, "some.txt"))
        clock = Fake()
        parts, accounts = bench.parts, bench.parts.accounts
        line = Line(Bandwidth(100 * KIB, clock), accounts, parts.board, parts.in_hand, clock)
        accounts.limiter("kimi").bandwidth.limit(50 * KIB)
        file = open_regular(job.path)
        try:
            body = line.body(routed(job), file, lambda: True)
            assert body.block == 16 * KIB  # a fifth of 50 KiB is less than the least
            bench.parts.clock = clock
            own, began = OwnTime(), time.monotonic()
            bench.parts.accounts.limiter("kimi").bandwidth.reserve(100 * KIB)
            await body.may_leave(100 * KIB)
            # By the account's own, real clock; the other limit had nothing against it.
            assert 2.0 - (time.monotonic() - began) <= clock.at - 100.0 <= 2.1
            assert own.seconds() < 1
        finally:
            file.close()


async def test_the_limit_changes_at_once_and_a_trickle_is_refused(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.engine.settings.change("upload_bytes_per_s", str(64 * KIB))
        assert bench.parts.bandwidth.block == 16 * KIB
        assert bench.parts.settings.value.upload_bytes_per_s == 64 * KIB
        with pytest.raises(AppError) as caught:
            await bench.engine.settings.change("upload_bytes_per_s", "1000")
        assert caught.value.code is ErrorCode.INVALID_SETTING
        await bench.engine.settings.change("upload_bytes_per_s", "0")
        assert not bench.parts.bandwidth.block
