"""What is wrong beyond one file, and what follows when an account is paused or well again.

Each is said once when it begins, once when it is over, and to those who begin to listen later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum

from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.events import EventBus, Metrics, ProblemRaised, ProblemSolved
from exai_desktop.core.jobs.jobs import JobView
from exai_desktop.engine.accounts.health import Breakers
from exai_desktop.engine.background.prober import Prober
from exai_desktop.engine.upload.admission import Admission, Diversion


class Condition(StrEnum):
    """What can be wrong for a while, with the program (no account) or with an account."""

    STORAGE = "storage"
    FLEET = "fleet"
    CLAIMS = "claims"
    KEYS = "keys"
    BREAKER = "breaker"
    FAULTS = "faults"
    ROOM = "room"


class Problems:
    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._lasting: list[ProblemRaised] = []
        self._now: dict[tuple[Condition, str | None], tuple[ProblemRaised, float]] = {}

    def lasting(self) -> list[ProblemRaised]:
        """What a new listener has to be told."""
        return [*self._lasting, *(problem for problem, _ in self._now.values())]

    def add(self, error: ErrorView) -> None:
        """Say it once, and to each new listener for as long as the program runs."""
        event = ProblemRaised(error)
        self._lasting.append(event)
        self._bus.publish(event)

    def holds(
        self,
        condition: Condition,
        error: AppError,
        account: str | None = None,
        *,
        step: float = 0.0,
    ) -> None:
        """It is so. Said again when it is another error or a worse `step` of the same."""
        key, event = (condition, account), ProblemRaised(ErrorView.of(error), account)
        before = self._now.get(key)
        self._now[key] = (event, step)
        if before is None or before[0].error.code != event.error.code or step > before[1]:
            self._bus.publish(event)

    def over(self, condition: Condition, account: str | None = None) -> None:
        """It is not so, or not any more: then that is said."""
        before = self._now.pop((condition, account), None)
        if before is not None:
            self._bus.publish(ProblemSolved(before[0].error, account))

    def forget(self, account: str) -> None:
        """The account is gone: there is nothing more to say of it."""
        for key in [key for key in self._now if key[1] == account]:
            del self._now[key]

    def of_storage(self, error: AppError | None) -> None:
        """New work waits for this; None: it is over."""
        self._about(Condition.STORAGE, error)

    def of_fleet(self, error: AppError | None) -> None:
        """The state shared with other machines is out of reach; None: it is back."""
        self._about(Condition.FLEET, error)

    def of_claims(self, error: AppError | None) -> None:
        """Files are sent without asking the user's other devices; None: they are asked again."""
        self._about(Condition.CLAIMS, error)

    def of_keys(self, error: AppError | None) -> None:
        """The vault waits for its passphrase; None: it is open, or there is none."""
        self._about(Condition.KEYS, error)

    def _about(self, condition: Condition, error: AppError | None) -> None:
        if error is None:
            self.over(condition)
        else:
            self.holds(condition, error)


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BreakerNews:
    """`aside` runs work beside the jobs."""

    breakers: Breakers
    admission: Admission
    diversion: Diversion
    prober: Prober
    problems: Problems
    metrics: Metrics
    aside: Callable[[Coroutine[object, object, object]], None]

    def changed(self, account: str, *, is_new_phase: bool) -> None:
        """Meets `OnChange` of the breakers."""
        self.admission.steer_lane(account)
        self.prober.wake()
        phase, error = self.breakers.phase(account), self.breakers.error(account)
        self.metrics.breaker_is(account, phase, is_new=is_new_phase)
        if phase is Phase.CLOSED:
            self.problems.over(Condition.BREAKER, account)
        if error is not None and is_new_phase:
            log.warning("%s is paused: %s", account, error.detail)
            self.problems.holds(Condition.BREAKER, error, account)
            self.aside(self.diversion.stand_aside(account))

    def waits(self, job: JobView) -> None:
        """It came to this account, or back to it, after the others were sent elsewhere."""
        if job.account and self.breakers.phase(job.account) is Phase.OPEN:
            self.aside(self.diversion.divert(job))
