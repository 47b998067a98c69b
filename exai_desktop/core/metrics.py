"""What is counted for whoever watches from outside; without one, nothing is.

Labels are bounded: providers, ways, outcomes, phases, and the user's handful of accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from exai_desktop.core.accounts import Phase


class Metrics(Protocol):
    """All calls are made in the engine's loop and cost next to nothing. Sizes in bytes."""

    @property
    def is_watched(self) -> bool:
        """Whether anybody reads them: gauges that cost a look into the record wait for that."""
        ...

    def attempt_began(self, provider: str) -> None: ...

    def attempt_ended(
        self, provider: str, transport: str, outcome: str, size: int, took_s: float
    ) -> None:
        """`outcome`: `stored`, or an `Outcome`. Bytes and duration are of stored files only."""
        ...

    def checked_for_twin(self, *, is_duplicate: bool) -> None: ...

    def selected(self, provider: str, *, is_fallback: bool) -> None: ...

    def deleted(self, provider: str) -> None: ...

    def breaker_is(self, account: str, phase: Phase, *, is_new: bool) -> None: ...

    def answered(self, account: str, *, is_fault: bool) -> None:
        """To an upload or a question; `is_fault`: it speaks against the provider."""
        ...

    def health_is(self, account: str, *, is_well: bool) -> None:
        """Well: it is used, needs nobody, and few of its answers are faults."""
        ...

    def account_holds(self, account: str, files: int, size: int) -> None: ...

    def jobs_are(self, counts: Mapping[str, int]) -> None: ...

    def sends_by(self, account: str, transport: str, step_downs: int) -> None:
        """The way in use now, and how often it became another than the first."""
        ...

    def forget(self, account: str) -> None:
        """The account is gone: so are its gauges."""
        ...


class _NoMetrics:
    """Nobody watches."""

    is_watched = False

    def attempt_began(self, provider: str) -> None:
        del provider

    def attempt_ended(
        self, provider: str, transport: str, outcome: str, size: int, took_s: float
    ) -> None:
        del provider, transport, outcome, size, took_s

    def checked_for_twin(self, *, is_duplicate: bool) -> None:
        del is_duplicate

    def selected(self, provider: str, *, is_fallback: bool) -> None:
        del provider, is_fallback

    def deleted(self, provider: str) -> None:
        del provider

    def breaker_is(self, account: str, phase: Phase, *, is_new: bool) -> None:
        del account, phase, is_new

    def answered(self, account: str, *, is_fault: bool) -> None:
        del account, is_fault

    def health_is(self, account: str, *, is_well: bool) -> None:
        del account, is_well

    def account_holds(self, account: str, files: int, size: int) -> None:
        del account, files, size

    def jobs_are(self, counts: Mapping[str, int]) -> None:
        del counts

    def sends_by(self, account: str, transport: str, step_downs: int) -> None:
        del account, transport, step_downs

    def forget(self, account: str) -> None:
        del account


NO_METRICS: Final[Metrics] = _NoMetrics()
