"""The limit of an account's uploads, when several machines use it."""

from __future__ import annotations

from typing import Protocol


class SharedTurns(Protocol):
    async def take(self, key: str, most: int, window_s: float) -> float:
        """One turn of at most so many in any window; 0.0 when it is ours.

        Otherwise the seconds until one may be free, and nothing was taken. Raises
        FLEET_UNREACHABLE.
        """
        ...
