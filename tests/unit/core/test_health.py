"""What the answers of the last quarter of an hour say, and when it is worth a word."""

from __future__ import annotations

import pytest

from exai_desktop.core.accounts.health import (
    Check,
    HealthSample,
    HealthStatus,
    is_alarming,
    level_of,
    sample_of,
    summarize,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import Sent, TransferError

NOW = 1_800_000_000.0


def answer(ago_s: float, *, fault: bool = False, took_ms: int = 100) -> HealthSample:
    error = (
        TransferError(ErrorCode.PROVIDER_UNAVAILABLE, status=503, sent=Sent.NOTHING)
        if fault
        else None
    )
    return sample_of("kimi", NOW - ago_s, Check.UPLOAD, took_ms / 1000, error, fault=fault)


def test_a_sample_says_what_came_of_it() -> None:
    good, bad = answer(0), answer(0, fault=True)
    assert (good.outcome, good.code, good.is_fault, good.took_ms) == ("ok", "", False, 100)
    assert (bad.outcome, bad.code, bad.is_fault) == ("unavailable", "PROVIDER_UNAVAILABLE", True)


def test_only_the_last_quarter_of_an_hour_counts() -> None:
    samples = [
        answer(1000, fault=True),
        answer(800),
        answer(500, fault=True),
        answer(1, took_ms=300),
    ]
    status = summarize(samples, NOW)
    assert (status.answers, status.faults, status.median_ms) == (3, 1, 200)
    assert status.fault_share == pytest.approx(1 / 3)
    assert (status.last_ok_at, status.last_fault_at) == (NOW - 1, NOW - 500)
    assert status.last_code == "PROVIDER_UNAVAILABLE"


def missed(ago_s: float, code: ErrorCode = ErrorCode.OFFLINE) -> HealthSample:
    return sample_of("kimi", NOW - ago_s, Check.QUESTION, 0.1, TransferError(code), fault=False)


def test_without_a_connection_it_is_told_since_when() -> None:
    samples = [missed(5_000), answer(4_000), missed(3_000), missed(9, ErrorCode.PROXY_UNREACHABLE)]
    status = summarize(samples, NOW)
    assert (status.unreachable_since, status.faults) == (NOW - 3_000, 0)
    assert status.unreachable_code == "PROXY_UNREACHABLE"
    # One answer, whatever it says, and it is reached.
    assert summarize([*samples, answer(1, fault=True)], NOW).unreachable_since is None


def test_of_an_account_that_was_never_asked_nothing_is_said() -> None:
    assert summarize([], NOW) == HealthStatus()


@pytest.mark.parametrize(
    ("answers", "share", "before", "alarm"),
    [
        (9, 1.0, False, False),
        (10, 0.2, False, True),
        (10, 0.19, False, False),
        (10, 0.15, True, True),
        (10, 0.09, True, False),
        (3, 0.5, True, True),
        (0, 0.0, True, False),
    ],
)
def test_an_alarm_begins_at_a_fifth_and_ends_below_a_tenth(
    answers: int, share: float, before: bool, alarm: bool
) -> None:
    assert is_alarming(HealthStatus(answers, fault_share=share), before=before) is alarm


@pytest.mark.parametrize(
    ("share", "before", "level"),
    [
        (0.79, 0.0, 0.0),
        (0.80, 0.0, 0.8),
        (0.95, 0.8, 0.95),
        (1.2, 0.0, 0.95),
        (0.94, 0.95, 0.95),
        (0.92, 0.95, 0.8),
        (0.79, 0.8, 0.8),
        (0.77, 0.8, 0.0),
        (0.79, 0.95, 0.8),
    ],
)
def test_how_full_it_is_is_said_at_two_levels_and_not_taken_back_at_once(
    share: float, before: float, level: float
) -> None:
    assert level_of(share, before) == level
