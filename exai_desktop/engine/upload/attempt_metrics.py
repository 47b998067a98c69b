"""One attempt, as those who count see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from exai_desktop.core.accounts.health import AttemptVerdict, Check
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.errors.codes import Outcome
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.jobs.jobs import RoutedJob
from exai_desktop.core.machine import Clock
from exai_desktop.core.metrics import Metrics
from exai_desktop.engine.accounts.breakers import Breakers
from exai_desktop.engine.accounts.health import Health

# These say nothing of the provider.
_OURS: Final = frozenset({Outcome.LOCAL, Outcome.CANCELLED})


@dataclass(frozen=True, slots=True)
class AttemptMetrics:
    metrics: Metrics
    health: Health
    breakers: Breakers
    clock: Clock

    @contextmanager
    def counted(self, job: RoutedJob, transport: str, provider: FileProvider) -> Iterator[None]:
        """Around the call that sends: what came of it goes to the metrics and the health."""
        outcome, began = Outcome.CANCELLED.value, self.clock.monotonic()
        self.metrics.attempt_began(job.provider)
        try:
            yield
            outcome = "stored"
            self._note(job.account, began, None)
        except TransferError as error:
            outcome = error.outcome.value
            if error.outcome not in _OURS:
                self._note(job.account, began, error)
            raise
        finally:
            took_s = self.clock.monotonic() - began
            self.metrics.attempt_ended(job.provider, transport, outcome, job.size, took_s)
            way = provider.transport_status
            self.metrics.sends_by(job.account, way.name, way.step_downs)

    def _note(self, account: str, began: float, error: TransferError | None) -> None:
        is_fault = self.breakers.verdict(account, error) is AttemptVerdict.FAULT
        took_s = self.clock.monotonic() - began
        self.health.note(account, Check.UPLOAD, took_s, error, fault=is_fault)
