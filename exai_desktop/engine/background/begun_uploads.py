"""The end of a command: what has begun beside its own files is finished first, within bounds.

A command ends when its own files have ended. Those of earlier ones, whose check or upload has
begun meanwhile, would be broken off, and begun anew by each of the next commands.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence, Set
from typing import Final

from exai_desktop.engine.scheduling.lanes import DiskGuard, Lane

# A large file on a slow line is broken off after it; nothing is lost by that.
FINISH_WITHIN_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.02


class BegunUploads:
    """`tasks` gives the jobs under way, `busy` also those that are about to be."""

    def __init__(
        self,
        tasks: Callable[[], Set[asyncio.Task[None]]],
        busy: Callable[[], Set[int]],
        lanes: Sequence[Lane],
        guard: DiskGuard,
    ) -> None:
        self._tasks = tasks
        self._busy = busy
        self._lanes = lanes
        self._guard = guard

    async def finish(self, within_s: float = FINISH_WITHIN_S) -> None:
        """Let the jobs under way come to their end, or to where they must wait for something.
        From now on no other job is begun: the engine is to be stopped afterwards."""
        begun = self._busy()
        for lane in self._lanes:
            lane.hand_out_only(begun)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._goes_on():
                    if tasks := self._tasks():
                        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    else:
                        # Between two stages: a lane is about to hand the job out.
                        await asyncio.sleep(_LOOK_EVERY_S)

    def _goes_on(self) -> bool:
        if self._guard.problem is not None:
            return bool(self._tasks())
        return bool(self._busy()) or any(lane.is_due() for lane in self._lanes)
