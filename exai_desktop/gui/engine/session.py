"""Which engine is running behind the window: the real one, the sandbox's, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from exai_desktop.gui.engine.bridge import EngineBridge
from exai_desktop.gui.engine.client import EngineClient
from exai_desktop.gui.engine.thread import EngineFactory, EngineThread

# Uploads break off within a second; the rest is for slow disks.
STOP_WITHIN_S = 8.0


class EngineSession:
    """Starts and exchanges engines; the window keeps its client and its bridge."""

    def __init__(
        self,
        make_factory: Callable[[bool], EngineFactory],
        client: EngineClient,
        bridge: EngineBridge,
        settle_copy: Callable[[str], object],
    ) -> None:
        """`settle_copy` blocks; it is called while no engine runs."""
        self._make_factory = make_factory
        self._client = client
        self._bridge = bridge
        self._settle_copy = settle_copy
        self._thread: EngineThread | None = None
        self.is_sandbox = False

    async def start(self, *, sandbox: bool) -> None:
        """Stop what runs, then start this one; raises what kept it from starting."""
        await self.stop()
        self.is_sandbox = sandbox
        thread = EngineThread(self._make_factory(sandbox), self._bridge.post)
        self._thread = thread
        await thread.start()
        self._client.use(thread)

    async def settle_copy(self, choice: str) -> None:
        """The user's answer about a copied profile: "keep" or "new"."""
        await self.stop()
        await asyncio.to_thread(self._settle_copy, choice)

    async def stop(self) -> bool:
        """Settle and end; False when it took too long."""
        thread, self._thread = self._thread, None
        self._client.use(None)
        if thread is None:
            return True
        is_ended = await thread.stop(STOP_WITHIN_S)
        self._bridge.clear()
        return is_ended
