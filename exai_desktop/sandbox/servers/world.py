"""Everything the requests share."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from exai_desktop.sandbox.faults import FaultScript
from exai_desktop.sandbox.flavours import FLAVOURS
from exai_desktop.sandbox.servers.limiter import AccountLimiter
from exai_desktop.sandbox.servers.request_log import RequestLog
from exai_desktop.sandbox.servers.store import Store
from exai_desktop.sandbox.settings import LiveSettings, SandboxSettings


class Cut(Exception):  # noqa: N818 - an ending, not a fault
    """The connection is gone, or the sandbox is closing: nothing is left to answer."""


class World:
    """Store, limits, faults and log of one running sandbox."""

    def __init__(self, settings: SandboxSettings, root: Path) -> None:
        self.store = Store(root)
        self.settings = LiveSettings(settings)
        self.faults = FaultScript(settings.seed)
        self.log = RequestLog()
        self.limiters = {flavour.name: AccountLimiter() for flavour in FLAVOURS}
        self.token = settings.control_token or secrets.token_urlsafe(18)
        self.closing = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        """Wait, but end the request at once when the sandbox closes."""
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return
        raise Cut

    def reset(self) -> None:
        """Back to the start: no files, faults or log, and the first settings."""
        self.store.clear()
        self.settings.restore()
        self.faults.clear()
        self.log.clear()
        for limiter in self.limiters.values():
            limiter.clear()
