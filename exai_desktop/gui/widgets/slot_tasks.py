"""The window's own coroutines: every one has an owner, and no failure vanishes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView

log = logging.getLogger(__name__)


class SlotTasks:
    """Runs what slots start. `on_error` gets each failure as something to show, but for those of
    the kind `silent`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_error: Callable[[ErrorView], None],
        silent: type[Exception] | tuple[()] = (),
        whole: SlotTasks | None = None,
    ) -> None:
        self._loop = loop
        self._on_error = on_error
        self._silent = silent
        self._whole = whole
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine of the window; nobody needs to keep the task."""
        if self._whole is None:
            task = self._loop.create_task(work)
            task.add_done_callback(self._settle)
        else:
            # The whole waits for it when it closes.
            task = self._whole.start(work)
            task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)
        return task

    def group(self) -> SlotTasks:
        """Tasks of a part of the window that may close before the window does."""
        return SlotTasks(self._loop, self._on_error, self._silent, whole=self)

    def cancel(self) -> None:
        """Stop what runs without waiting: whoever asked is gone."""
        for task in tuple(self._tasks):
            task.cancel()

    @property
    def running(self) -> int:
        return len(self._tasks)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end, except for the caller's own task."""
        rest = self._tasks - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _settle(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None or isinstance(error, self._silent):
            return
        if isinstance(error, AppError):
            self._on_error(ErrorView.of(error))
            return
        log.error("a command of the window failed", exc_info=error)
        detail = type(error).__name__
        self._on_error(ErrorView.of(AppError(ErrorCode.UNEXPECTED_ERROR, detail)))
