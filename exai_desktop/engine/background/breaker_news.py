"""What follows when a breaker opens or closes: for its account's lane, its files, and people."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from exai_desktop.core.accounts.health import Phase
from exai_desktop.core.events import Metrics
from exai_desktop.core.jobs.jobs import JobView
from exai_desktop.engine.accounts.health import Breakers
from exai_desktop.engine.background.prober import Prober
from exai_desktop.engine.background.problems import Condition, Problems
from exai_desktop.engine.upload.admission import Admission, Diversion

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
