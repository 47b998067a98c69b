"""How a provider has answered: when its account is paused for that, and when it is told. Pure.

Five faults in a row open the breaker. It waits 5, 10, 20, then 40 minutes, lets one attempt
through, and closes after two that went well. Times are wall-clock seconds, so that a wait survives
a restart; a clock set back never makes it longer than it was meant.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from exai_desktop.core.errors.codes import NO_CONNECTION, ErrorCode
from exai_desktop.core.errors.tree import TransferError

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class Phase(StrEnum):
    """Whether an account is used, left alone after faults of its provider, or tried again."""

    CLOSED = "closed"
    OPEN = "open"
    # Waited long enough: one attempt at a time shows whether the provider is well again.
    HALF_OPEN = "half open"


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """For people. `until` is when it is tried again, None when it is being tried or closed."""

    phase: Phase
    failures: int = 0
    until: float | None = None
    cause: str = ""


AT_REST: Final = BreakerStatus(Phase.CLOSED)


class AttemptVerdict(StrEnum):
    """What an attempt says of the provider, not of the file."""

    SUCCESS = "success"
    FAULT = "fault"
    # A refusal, a wrong key, throttling, a cancel: they say nothing.
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class BreakerRules:
    failures: int = 5
    first_wait_s: float = 300.0
    last_wait_s: float = 2_400.0
    # So many attempts in a row close it again.
    successes: int = 2
    # After so many the next opening begins with the first wait again.
    calm: int = 3
    # A probe that is not heard of for so long was lost with its process.
    lease_s: float = 180.0
    jitter: float = 0.1


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is kept of an account. `failures` and `successes` are in a row."""

    phase: Phase = Phase.CLOSED
    failures: int = 0
    successes: int = 0
    # Openings without a calm between: what the next wait depends on.
    openings: int = 0
    opened_at: float = 0.0
    wait_s: float = 0.0
    # Who probes, since when.
    probe: str = ""
    probe_at: float = 0.0
    # The error code of the last fault.
    cause: str = ""

    def until(self, rules: BreakerRules) -> float | None:
        """When it may be asked again; None: now."""
        if self.phase is Phase.OPEN:
            return self.opened_at + self.wait_s
        return self.probe_at + rules.lease_s if self.probe else None


@dataclass(frozen=True, slots=True)
class BreakerAdmission:
    """`until`: refused until then. A probe must be answered with its token."""

    is_probe: bool = False
    until: float | None = None


CLOSED: Final = Breaker()

# More of anything no machine has counted.
_MOST: Final = 1_000_000
_LONGEST_TEXT: Final = 100


@cache
def _as_json() -> TypeAdapter[Breaker]:
    from pydantic import TypeAdapter  # late: what needs no engine starts without it

    return TypeAdapter(Breaker)


def as_text(breaker: Breaker) -> str:
    return _as_json().dump_json(breaker).decode()


def from_text(text: str | None) -> Breaker:
    """What cannot be read is a closed one: the worst that follows is five more faults."""
    try:
        return _as_json().validate_json(text) if text else CLOSED
    except ValueError:
        return CLOSED


def _rebased(breaker: Breaker, now: float) -> Breaker:
    """A clock that was set back: the wait and the lease begin anew, and end in their time."""
    return replace(
        breaker, opened_at=min(breaker.opened_at, now), probe_at=min(breaker.probe_at, now)
    )


def is_ahead(breaker: Breaker, now: float) -> bool:
    """Whether it tells of a time to come. The next call of `admit` refuses, and mends that."""
    return breaker != _rebased(breaker, now)


def is_possible(breaker: Breaker, now: float, skew_s: float, rules: BreakerRules) -> bool:
    """Whether another machine can have written it: nothing in it is from the future or endless."""
    times = (breaker.opened_at, breaker.probe_at)
    counts = (breaker.failures, breaker.successes, breaker.openings)
    longest_s = rules.last_wait_s * (1 + rules.jitter)
    return (
        all(0 <= at <= now + skew_s for at in times)
        and all(0 <= count <= _MOST for count in counts)
        and 0 <= breaker.wait_s <= longest_s
        and max(len(breaker.probe), len(breaker.cause)) <= _LONGEST_TEXT
    )


def admit(
    breaker: Breaker, token: str, now: float, rules: BreakerRules, *, wanted: bool = False
) -> tuple[Breaker, BreakerAdmission]:
    """Whether an attempt may begin. `wanted`: the user asks for it now, whatever the wait."""
    if breaker.phase is Phase.CLOSED:
        return breaker, BreakerAdmission()
    breaker = _rebased(breaker, now)
    until = breaker.until(rules)
    if until is not None and until > now and not wanted:
        return breaker, BreakerAdmission(until=until)
    successes = breaker.successes if breaker.phase is Phase.HALF_OPEN else 0
    half_open = replace(
        breaker, phase=Phase.HALF_OPEN, successes=successes, probe=token, probe_at=now
    )
    return half_open, BreakerAdmission(is_probe=True)


def record(
    breaker: Breaker,
    verdict: AttemptVerdict,
    token: str,
    now: float,
    rules: BreakerRules,
    *,
    chance: float,
    cause: str = "",
) -> Breaker:
    """What an attempt has shown. `token` is empty for one begun while it was closed.

    Late results are passed over: of attempts begun before it opened, of probes whose lease has
    run out. `chance` is in [0, 1).
    """
    if breaker.phase is Phase.CLOSED:
        return _record_closed(breaker, verdict, now, rules, chance, cause)
    if breaker.phase is Phase.OPEN or not token or token != breaker.probe:
        return breaker
    if verdict is AttemptVerdict.FAULT:
        return _opened(replace(breaker, cause=cause), now, rules, chance)
    breaker = replace(breaker, probe="", probe_at=0.0)
    if verdict is AttemptVerdict.NEUTRAL:
        return breaker
    successes = breaker.successes + 1
    if successes < rules.successes:
        return replace(breaker, successes=successes)
    return replace(CLOSED, successes=successes, openings=breaker.openings, cause=breaker.cause)


def _record_closed(
    breaker: Breaker,
    verdict: AttemptVerdict,
    now: float,
    rules: BreakerRules,
    chance: float,
    cause: str,
) -> Breaker:
    if verdict is AttemptVerdict.NEUTRAL:
        return breaker
    if verdict is AttemptVerdict.SUCCESS:
        successes = breaker.successes + 1
        if breaker.openings == 0 or successes >= rules.calm:
            return CLOSED
        return replace(breaker, failures=0, successes=successes)
    breaker = replace(breaker, failures=breaker.failures + 1, successes=0, cause=cause)
    return breaker if breaker.failures < rules.failures else _opened(breaker, now, rules, chance)


def _opened(breaker: Breaker, now: float, rules: BreakerRules, chance: float) -> Breaker:
    wait_s = min(rules.last_wait_s, rules.first_wait_s * 2.0 ** min(breaker.openings, 16))
    return Breaker(
        Phase.OPEN,
        failures=breaker.failures,
        openings=breaker.openings + 1,
        opened_at=now,
        wait_s=wait_s * (1 + rules.jitter * (2 * chance - 1)),
        cause=breaker.cause,
    )


def is_at_rest(breaker: Breaker, verdict: AttemptVerdict) -> bool:
    """Whether a result changes nothing: then nothing has to be written down."""
    if breaker.phase is not Phase.CLOSED:
        return False
    return verdict is AttemptVerdict.NEUTRAL or (
        verdict is AttemptVerdict.SUCCESS and breaker == CLOSED
    )


def status_of(breaker: Breaker, rules: BreakerRules, now: float) -> BreakerStatus:
    until = breaker.until(rules) if breaker.phase is Phase.OPEN else None
    if until is not None:
        until = min(until, now + breaker.wait_s)
    return BreakerStatus(breaker.phase, breaker.failures, until, breaker.cause)


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
    # The last answers, all of them: there was no connection. None: the newest one is another.
    unreachable_since: float | None = None
    unreachable_code: str = ""


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


# No connection, or none that is secure: nobody can say that the account works.
UNREACHED: Final = NO_CONNECTION | {ErrorCode.TLS_FAILED}


def unreached(newest_first: Iterable[HealthSample]) -> list[HealthSample]:
    """The answers since the last one that arrived, the newest first."""
    return list(itertools.takewhile(lambda sample: sample.code in UNREACHED, newest_first))


def summarize(samples: Sequence[HealthSample], now: float) -> HealthStatus:
    """Of one account, the oldest first. A clock set back leaves nothing out."""
    recent = [s for s in samples if now - s.at < WINDOW_S]
    faults = [s for s in recent if s.is_fault]
    good = [s for s in recent if s.outcome == OK]
    missed = unreached(reversed(samples))
    return HealthStatus(
        answers=len(recent),
        faults=len(faults),
        fault_share=len(faults) / len(recent) if recent else 0.0,
        median_ms=round(statistics.median(s.took_ms for s in good)) if good else None,
        last_ok_at=good[-1].at if good else None,
        last_fault_at=faults[-1].at if faults else None,
        last_code=faults[-1].code if faults else "",
        unreachable_since=missed[-1].at if missed else None,
        unreachable_code=missed[0].code if missed else "",
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
