"""One sentence for a file's id: is it seen, does it expire, is it gone, who else has it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exai_desktop.core.copies.words import CopyState

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
# Within this time a look at the provider counts as one of now.
FRESH_S: Final = 600.0
# From so many days on the end of a file is worth telling first.
SOON_DAYS: Final = 14


class LightKind(StrEnum):
    """The shape of the light; colour only repeats it."""

    SEEN = "seen"
    NOT_CHECKED = "not_checked"
    EXPIRES = "expires"
    SHARED = "shared"
    GONE = "gone"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class IdFacts:
    """What is known of an id. `state` None: nothing is at a provider. `seen_at`: the last look."""

    state: CopyState | None
    seen_at: float | None = None
    expires_at: float | None = None
    sharing: int = 1


@dataclass(frozen=True, slots=True)
class Light:
    """`words`: its first part alone fits into a row."""

    kind: LightKind
    parts: tuple[str, ...]

    @property
    def words(self) -> str:
        return ", ".join(
            (self.parts[0], *(f"{part[0].lower()}{part[1:]}" for part in self.parts[1:]))
        )


_GONE: Final[dict[CopyState, str]] = {
    CopyState.DELETED: "Deleted at the provider",
    CopyState.DELETING: "Deletion not confirmed",
    CopyState.MISSING: "Missing at the provider",
    CopyState.EXPIRED: "Expired",
}


def is_stale(facts: IdFacts, now: float) -> bool:
    """Whether an id should be checked before somebody relies on it."""
    return facts.seen_at is None or not 0 <= now - facts.seen_at <= FRESH_S


def light(facts: IdFacts, now: float) -> Light:
    """For an id that is, or was, at a provider. What matters most is told first."""
    if facts.state in _GONE:
        return Light(LightKind.GONE, (_GONE[facts.state], *_shared(facts)))
    seen = _seen(facts, now)
    left = None if facts.expires_at is None else facts.expires_at - now
    ends = _ends(left)
    if left is not None and left < SOON_DAYS * _DAY:
        return Light(LightKind.EXPIRES, (*ends, seen, *_shared(facts)))
    if facts.state is CopyState.FOREIGN:
        return Light(LightKind.FOREIGN, ("Not uploaded by this app", seen, *ends))
    if is_stale(facts, now):
        return Light(LightKind.NOT_CHECKED, (seen, *_shared(facts), *ends))
    if facts.sharing > 1:
        return Light(LightKind.SHARED, (*_shared(facts), seen, *ends))
    return Light(LightKind.SEEN, (seen, *ends))


def _seen(facts: IdFacts, now: float) -> str:
    if facts.seen_at is None:
        return "Never checked at the provider"
    age = now - facts.seen_at
    if age < _MINUTE:
        return "Seen now"
    return f"Seen {_length(age)} ago"


def _ends(left: float | None) -> tuple[str, ...]:
    if left is None:
        return ()
    if left <= 0:
        return ("Should have expired",)
    return (f"Expires in {_length(left)}",)


def _length(seconds: float) -> str:
    """In the largest unit, whole."""
    if seconds < _HOUR:
        return f"{max(1, int(seconds // _MINUTE))} min"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h"
    days = int(seconds // _DAY)
    return f"{days:,} {'day' if days == 1 else 'days'}"


def _shared(facts: IdFacts) -> tuple[str, ...]:
    return (f"Shared by {facts.sharing:,} names",) if facts.sharing > 1 else ()
