"""Waiting for a moment in which nobody else uses the machine, before each round.

Only what others do decides about waiting, never a result; patience is limited and its end told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psutil  # type: ignore[import-untyped]

# Of all processors together. Called when server and children are at rest: what is used is others'.
_QUIET_PERCENT: Final = 12.0
_LOOK_S: Final = 0.25


@dataclass(slots=True)
class Patience:
    """For one run of the suite; a round on a busy machine counts as any other.

    `left_s` None: nobody looks, and nobody waits.
    """

    left_s: float | None
    rounds: int = 0
    busy: int = 0

    def wait(self) -> None:
        """Return when the machine is quiet, or when patience is at its end."""
        self.rounds += 1
        if self.left_s is None:
            return
        while psutil.cpu_percent(_LOOK_S) > _QUIET_PERCENT:
            self.left_s -= _LOOK_S
            if self.left_s <= 0:
                self.busy += 1
                return

    @property
    def told(self) -> str:
        """How much of the run may have met strangers."""
        if self.left_s is None:
            return "nobody looked whether others kept the machine busy"
        return f"{self.busy} of {self.rounds} rounds began while others kept the machine busy"
