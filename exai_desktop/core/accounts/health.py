"""How the providers have answered of late, and when that is worth a word. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from exai_desktop.core.errors.tree import TransferError

# What counts as of late, in seconds.
WINDOW_S: Final = 900.0
# Fewer attempts say nothing about a rate.
ENOUGH: Final = 10
# An alarm begins at the first share of faults and ends below the second.
ALARM_AT: Final = 0.2
ALARM_ENDS: Final = 0.1
# How full an account is when that is said; it is taken back two hundredths below.
LEVELS: Final = (0.80, 0.95)
_SLACK: Final = 0.02

OK: Final = "ok"


class Check(StrEnum):
    """What was asked of the provider."""

    UPLOAD = "upload"
    # A list, asked for by the program or by the user's test.
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class HealthSample:
    """One answer, or the lack of one. `outcome`: `ok`, or an `Outcome`."""

    account: str
    at: float
    check: Check
    outcome: str
    took_ms: int
    code: str = ""
    is_fault: bool = False


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """The last quarter of an hour, for people; `fault_share` is between 0 and 1."""

    answers: int = 0
    faults: int = 0
    fault_share: float = 0.0
    median_ms: int | None = None
    last_ok_at: float | None = None
    last_fault_at: float | None = None
    last_code: str = ""


UNKNOWN: Final = HealthStatus()


class HealthBook(Protocol):
    """The history of each account, bounded in number and age."""

    async def add(self, samples: Sequence[HealthSample]) -> None: ...

    async def history(self, account: str | None, limit: int) -> list[HealthSample]:
        """The newest first; None: of all accounts."""
        ...

    async def forget(self, account: str) -> None: ...


def sample_of(
    account: str,
    at: float,
    check: Check,
    took_s: float,
    error: TransferError | None,
    *,
    fault: bool,
) -> HealthSample:
    """`fault`: it speaks against the provider, as the breaker sees it."""
    outcome, code = (OK, "") if error is None else (error.outcome.value, error.code.value)
    return HealthSample(account, at, check, outcome, round(took_s * 1000), code, fault)


def summarize(samples: Sequence[HealthSample], now: float) -> HealthStatus:
    """Of one account, the oldest first. A clock set back leaves nothing out."""
    recent = [s for s in samples if now - s.at < WINDOW_S]
    faults = [s for s in recent if s.is_fault]
    good = [s for s in recent if s.outcome == OK]
    return HealthStatus(
        answers=len(recent),
        faults=len(faults),
        fault_share=len(faults) / len(recent) if recent else 0.0,
        median_ms=round(statistics.median(s.took_ms for s in good)) if good else None,
        last_ok_at=good[-1].at if good else None,
        last_fault_at=faults[-1].at if faults else None,
        last_code=faults[-1].code if faults else "",
    )


def is_alarming(status: HealthStatus, *, before: bool) -> bool:
    """Whether so many answers fail that it is worth a word; `before`: it was already said."""
    if status.answers < ENOUGH:
        return before and status.fault_share > ALARM_ENDS
    return status.fault_share >= (ALARM_ENDS if before else ALARM_AT)


def level_of(share: float, before: float) -> float:
    """The highest of `LEVELS` that is reached, 0 for none; `before`: the one said last."""
    reached = [level for level in LEVELS if share >= level - (_SLACK if level <= before else 0.0)]
    return max(reached, default=0.0)
