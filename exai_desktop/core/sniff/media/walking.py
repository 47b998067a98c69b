"""Walking from block to block of a file: what is said of it, and a window that makes it cheap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from exai_desktop.core.sniff.look import Finding, LookEnded, Note, Source

BUDGET: Final = 40 * 1024 * 1024
_WINDOW: Final = 64 * 1024

CUT: Final = "its end is missing"
BROKEN: Final = "its structure is damaged"


class Walked(NamedTuple):
    """`end`: where the file ends by its own rules, None where that is not known.

    `damage`: it cannot be used. `odd`: it can, and is asked about.
    """

    damage: str | None = None
    end: int | None = None
    odd: str | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        damage = (Finding(Note.DAMAGED, self.damage),) if self.damage else ()
        return damage + ((Finding(Note.POLYGLOT, self.odd),) if self.odd else ())


class Window:
    """Small pieces of a file, read in larger ones. Ends with `LookEnded`."""

    def __init__(self, source: Source, window: int = _WINDOW, budget: int = BUDGET) -> None:
        self.size = source.size
        self._source = source.second_look(budget)
        self._window = window
        self._start, self._held = 0, b""

    def at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer or none where the file ends."""
        place = offset - self._start
        if place < 0 or place + size > len(self._held):
            self._start, place = offset, 0
            self._held = self._source.at(offset, max(size, self._window))
        return self._held[place : place + size]

    def number(self, offset: int, size: int, order: str = "big") -> int:
        found = self.at(offset, size)
        return int.from_bytes(found, "little" if order == "little" else "big")


def walked(source: Source, walk: Callable[[Source], Walked]) -> Walked:
    """What a walk says; nothing where there is no time or allowance for all of it."""
    try:
        return walk(source)
    except LookEnded:
        return Walked()


def is_name(name: bytes) -> bool:
    """Four letters as containers name their parts."""
    return len(name) == 4 and all(32 <= letter < 127 or letter == 0xA9 for letter in name)
