"""What is counted for whoever watches from outside; by itself nothing is.

Labels are bounded: providers, ways, outcomes, phases, and the user's handful of accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exai_desktop.core.accounts.health import Phase


class Metrics:
    """Nobody watches: every call does nothing. Another class counts.

    All calls are made in the engine's loop and cost next to nothing. Sizes in bytes.
    """

    # Gauges that cost a look into the record wait for somebody who reads them.
    is_watched: bool = False

    def attempt_began(self, provider: str) -> None:
        """Of an upload."""

    def attempt_ended(
        self, provider: str, transport: str, outcome: str, size: int, took_s: float
    ) -> None:
        """`outcome`: `stored`, or an `Outcome`. Bytes and duration are of stored files only."""

    def checked_for_twin(self, *, is_duplicate: bool) -> None:
        """Whether the content lies at the account already."""

    def selected(self, provider: str, *, is_fallback: bool) -> None:
        """For one file; `is_fallback`: another account was wanted or preferred."""

    def deleted(self, provider: str) -> None:
        """A file there."""

    def breaker_is(self, account: str, phase: Phase, *, is_new: bool) -> None:
        """`is_new`: it was another phase before."""

    def answered(self, account: str, *, is_fault: bool) -> None:
        """To an upload or a question; `is_fault`: it speaks against the provider."""

    def health_is(self, account: str, *, is_well: bool) -> None:
        """Well: it is used, needs nobody, and few of its answers are faults."""

    def account_holds(self, account: str, files: int, size: int) -> None:
        """By the record."""

    def jobs_are(self, counts: Mapping[str, int]) -> None:
        """By state."""

    def sends_by(self, account: str, transport: str, step_downs: int) -> None:
        """The way in use now, and how often it became another than the first."""

    def forget(self, account: str) -> None:
        """The account is gone: so are its gauges."""


NO_METRICS: Final = Metrics()
