"""Questions to the user's project for which a file waits: for a second, all of them together.

What is not answered by then goes on behind the file, and its answer is still read. After two
failures nobody waits for the project for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.machine import steady_time

T = TypeVar("T")

QUIET_S: Final = 30.0
_FAILURES: Final = 2
# For what is still on its way when the program ends.
_LAST_S: Final = 1.0
# Nothing of this takes so long, unless the loop has ended meanwhile.
_STUCK_S: Final = 60.0
_NOBODY: Final = frozenset(
    {ErrorCode.NOT_SIGNED_IN, ErrorCode.SESSION_ENDED, ErrorCode.PROJECT_KEY_INVALID}
)


@dataclass(slots=True)
class Patience:
    """What is left of the time that one file waits."""

    left_s: float


class Questions:
    """All calls are made in the engine's loop, but for `wait_for`.

    Raises NOT_SIGNED_IN where there is nobody to ask for, else CLAIM_UNANSWERED.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answered = 0
        self.left = 0
        self._loop = loop
        self._failures = 0
        self._quiet_until = float("-inf")
        self._running: set[asyncio.Future[Any]] = set()
        self._kept: set[asyncio.Future[None]] = set()

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """From a thread. An end of the loop is no reason to wait for ever."""
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise _unanswered("the program ends") from None
        try:
            return future.result(_STUCK_S)
        except (TimeoutError, CancelledError):
            future.cancel()
            raise _unanswered("the program ends") from None

    async def ask(
        self,
        question: Coroutine[Any, Any, T],
        patience: Patience,
        late: Callable[[T], None],
    ) -> T:
        """Not during the pause. `late` gets an answer for which nobody waits any more."""
        if steady_time() < self._quiet_until:
            question.close()
            self.left += 1
            raise _unanswered("the project did not answer the last questions")
        return await self._answer(self.begin(question), patience, late)

    async def follow(self, question: Coroutine[Any, Any, T], patience: Patience) -> T:
        """About what was granted already: asked in any case."""
        return await self._answer(self.begin(question), patience, None)

    def begin(self, question: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Nobody needs to wait for it."""
        task = asyncio.ensure_future(question)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # one that nobody reads is reported by asyncio as a fault of ours

    def keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        """Beside the files, until it is cancelled or the program ends."""
        task = asyncio.ensure_future(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return task

    async def _answer(
        self, task: asyncio.Future[T], patience: Patience, late: Callable[[T], None] | None
    ) -> T:
        began = steady_time()
        await asyncio.wait({task}, timeout=max(0.0, patience.left_s))
        patience.left_s -= steady_time() - began
        if not task.done():
            if late is not None:
                task.add_done_callback(lambda done: _pass_on(done, late))
            raise self._failed("the project did not answer in time")
        try:
            answer = task.result()
        except asyncio.CancelledError:
            raise _unanswered("the program ends") from None
        except AppError as error:
            if error.code in _NOBODY:
                raise EngineError(ErrorCode.NOT_SIGNED_IN, error.detail) from error
            raise self._failed(f"{error.title}: {error.detail}".removesuffix(": ")) from error
        self.answered += 1
        self._failures, self._quiet_until = 0, float("-inf")
        return answer

    def _failed(self, why: str) -> EngineError:
        self.left += 1
        self._failures += 1
        if self._failures >= _FAILURES:
            self._quiet_until = steady_time() + QUIET_S
        return _unanswered(why)

    async def close(self) -> None:
        """What was given back last may still be on its way."""
        if self._running:
            await asyncio.wait(self._running, timeout=_LAST_S)
        left = {*self._running, *self._kept}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)


def _pass_on(task: asyncio.Future[T], late: Callable[[T], None]) -> None:
    if not task.cancelled() and task.exception() is None:
        late(task.result())


def _unanswered(why: str) -> EngineError:
    return EngineError(ErrorCode.CLAIM_UNANSWERED, why)
