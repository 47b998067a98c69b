"""Connections that nobody has used for some minutes are closed.

A provider closes its side within seconds; ours would stay, with the memory for its encryption,
until the next file comes, which may be tomorrow. An account can have as many of them as it sends
files at once, and each earlier key of an account has its own.
"""

from __future__ import annotations

import logging
from typing import Final

from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.machine import Clock
from exai_desktop.engine.accounts.registry import Accounts

log = logging.getLogger(__name__)

# What was not used between two looks is closed at the second one.
EVERY_S: Final = 120.0


class IdleConnections:
    """Looks at all accounts from time to time. Nothing under way is touched."""

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Close what was not used since the last look."""
        try:
            await self._accounts.close(unused_only=True)
        except (AppError, OSError) as error:
            # It is closed by the provider in any case; the next look is the next chance.
            log.warning("idle connections stay open: %s", type(error).__name__)
