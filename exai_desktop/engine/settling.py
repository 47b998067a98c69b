"""The settle time of each account: the setting, or more where a provider was seen to be slow."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from exai_desktop.core.settings import Settings
from exai_desktop.core.settle import SAMPLES, settle_s


class Settling:
    def __init__(self, settings: Settings) -> None:
        self._least = settings.settle_s
        self._delays: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=SAMPLES))

    def learn(self, account: str, delays: Iterable[float]) -> None:
        """Seconds from a last block to its answer, or to when the list shows it was stored.

        The clock may have been set meanwhile: what cannot be is left out.
        """
        self._delays[account].extend(d for d in delays if 0 <= d < float("inf"))

    def seconds(self, account: str | None) -> float:
        return settle_s(self._least, self._delays[account or ""])
