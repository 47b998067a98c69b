"""What the computer says of itself that bears on when to send. Pure, but for the port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Situation:
    """None: the system does not tell."""

    is_metered: bool | None = None
    on_battery: bool | None = None


class Surroundings(Protocol):
    def look(self) -> Situation:
        """Blocks for some milliseconds, a second at most; never raises."""
        ...


def why_not_now(
    situation: Situation, *, waits_when_metered: bool, waits_on_battery: bool
) -> str | None:
    """The reason to wait, for people; None: go on. What is not known is no reason."""
    if waits_when_metered and situation.is_metered:
        return "on a metered connection"
    if waits_on_battery and situation.on_battery:
        return "on battery"
    return None
