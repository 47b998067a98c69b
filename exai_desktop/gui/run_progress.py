"""How far the whole queue is: from the moment it began to move until nothing is open.

The engine's sums reach back to the first file ever sent; a person wants to know about this run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from exai_desktop.core.events import Progressed
from exai_desktop.core.models import QueueSummary


class Run(NamedTuple):
    """Bytes of this run; `part` (0 to 1) never goes back while it lasts."""

    done: int
    total: int
    part: float


class RunProgress:
    """Remembers where this run began."""

    def __init__(self) -> None:
        self._base: int | None = None
        self._part = 0.0

    def restart(self) -> None:
        """Another engine: its sums have nothing to do with the old ones."""
        self._base = None
        self._part = 0.0

    def update(self, summary: QueueSummary, moving: Iterable[Progressed]) -> Run:
        """`moving` are the files under way; their bytes are in the summary's `sent_bytes`."""
        files = tuple(moving)
        stored = max(0, summary.sent_bytes - sum(file.done for file in files))
        sending = sum(file.done for file in files if file.phase == "sending")
        if self._base is None or summary.open_jobs == 0 or stored < self._base:
            self._base = stored
            self._part = 0.0
        total = stored - self._base + summary.open_bytes
        done = min(total, stored - self._base + sending)
        if summary.open_jobs:
            self._part = max(self._part, done / total if total else 0.0)
        return Run(done, total, self._part)
