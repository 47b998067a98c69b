"""What each provider has answered: of late in memory, and in the history on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from exai_desktop.core.accounts.health import (
    WINDOW_S,
    Check,
    HealthBook,
    HealthSample,
    HealthStatus,
    sample_of,
    summarize,
)
from exai_desktop.core.errors.tree import TransferError
from exai_desktop.core.machine import Clock
from exai_desktop.core.metrics import NO_METRICS, Metrics

# More in a quarter of an hour say nothing new about a share.
_REMEMBERED: Final = 500


class Health:
    """All calls in the engine's loop. A crash costs the history of the last seconds at most."""

    def __init__(
        self, clock: Clock, book: HealthBook | None, metrics: Metrics = NO_METRICS
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._book = book
        self._recent: dict[str, deque[HealthSample]] = {}
        self._asked_at: dict[str, float] = {}
        self._unsaved: list[HealthSample] = []

    async def load(self, accounts: Sequence[str]) -> None:
        """What the runs of the last quarter of an hour have seen."""
        if self._book is None:
            return
        since = self._clock.now() - WINDOW_S
        for account in accounts:
            for sample in reversed(await self._book.history(account, _REMEMBERED)):
                if sample.at > since:
                    self._of(account).append(sample)

    def _of(self, account: str) -> deque[HealthSample]:
        return self._recent.setdefault(account, deque(maxlen=_REMEMBERED))

    def note(
        self, account: str, check: Check, took_s: float, error: TransferError | None, *, fault: bool
    ) -> None:
        """One answer, or the lack of one; `fault` as the breaker sees it."""
        self._asked_at[account] = self._clock.monotonic()
        sample = sample_of(account, self._clock.now(), check, took_s, error, fault=fault)
        self._of(account).append(sample)
        self._metrics.answered(account, is_fault=fault)
        if self._book is not None:
            self._unsaved.append(sample)

    def status(self, account: str) -> HealthStatus:
        return summarize(tuple(self._recent.get(account, ())), self._clock.now())

    def asked_at(self, account: str) -> float | None:
        """When it was asked for anything last, by the monotonic clock."""
        return self._asked_at.get(account)

    async def history(self, account: str | None, limit: int) -> list[HealthSample]:
        await self.save()
        return await self._book.history(account, limit) if self._book is not None else []

    async def save(self) -> None:
        if self._book is not None and self._unsaved:
            samples, self._unsaved = self._unsaved, []
            await self._book.add(samples)

    async def forget(self, account: str) -> None:
        """Another account may get the name."""
        await self.save()
        self._recent.pop(account, None)
        self._asked_at.pop(account, None)
        if self._book is not None:
            await self._book.forget(account)
