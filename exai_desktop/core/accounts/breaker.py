"""When an account is left alone after faults of its provider, and how it comes back. Pure.

Five faults in a row open it. It waits 5, 10, 20, then 40 minutes, lets one attempt through, and
closes after two that went well. Times are wall-clock seconds, so that a wait survives a restart;
a clock set back never makes it longer than it was meant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter, ValidationError

from exai_desktop.core.accounts.accounts import BreakerStatus, Phase


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
_TEXT: Final = TypeAdapter(Breaker)


def as_text(breaker: Breaker) -> str:
    return _TEXT.dump_json(breaker).decode()


def from_text(text: str | None) -> Breaker:
    """What cannot be read is a closed one: the worst that follows is five more faults."""
    try:
        return _TEXT.validate_json(text) if text else CLOSED
    except ValidationError:
        return CLOSED


def _rebased(breaker: Breaker, now: float) -> Breaker:
    """A clock that was set back: the wait and the lease begin anew, and end in their time."""
    return replace(
        breaker, opened_at=min(breaker.opened_at, now), probe_at=min(breaker.probe_at, now)
    )


def is_ahead(breaker: Breaker, now: float) -> bool:
    """Whether it tells of a time to come. The next call of `admit` refuses, and mends that."""
    return breaker != _rebased(breaker, now)


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
