"""Room under the limit over all devices of the user, before a file is sent.

Usually the sum of the last contact counts: nobody waits for Supabase. In the strict mode the
project itself is asked, and without its answer nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.jobs.jobs import RoutedJob
from exai_desktop.core.machine import Clock
from exai_desktop.core.mirror.quota import QuotaDesk, Reservation, RoomAnswer
from exai_desktop.core.settings import CurrentSettings

# For an answer of the project, and then until it is asked again: twice as long each time.
STRICT_S: Final = 4.0
AGAIN_S: Final = (5.0, 30.0)

Ask = Callable[[Reservation, float], Awaitable[RoomAnswer]]


class SharedRoom:
    """`ask` raises what keeps the project from answering."""

    def __init__(self, desk: QuotaDesk, ask: Ask, settings: CurrentSettings, clock: Clock) -> None:
        self._desk = desk
        self._ask = ask
        self._settings = settings
        self._clock = clock
        # All files wait while one question after another stays without an answer.
        self._silence: AppError | None = None
        self._silent_until = 0.0
        self._wait_s = 0.0

    async def look(self, size: int) -> None:
        """By what is known here. Raises SHARED_QUOTA_REACHED or SHARED_FILE_LIMIT.

        The record itself refuses what two files together would exceed; this only spares a file
        that has no room the way there.
        """
        use = None if self._settings.value.strict_quota else await self._desk.use()
        if use is None:
            return
        if use.is_too_large(size):
            raise _too_large(size, use.file_bytes)
        if size > use.left_bytes:
            raise _no_room(size, use.left_bytes)

    async def ask(self, job: RoutedJob) -> None:
        """In the strict mode: raises the same two, or STRICT_QUOTA_UNANSWERED."""
        if not self._settings.value.strict_quota:
            return
        reservation = await self._desk.reserve(job.id, job.size)
        if reservation is None:
            return  # nobody is signed in
        answer = await self._answer(reservation)
        if answer.is_over:
            await self._desk.drop([reservation.id])
            fresh = await self._desk.reserve(job.id, job.size)
            if fresh is None:
                return
            reservation, answer = fresh, await self._answer(fresh)
        if answer.is_granted:
            await self._desk.granted(reservation)
            return
        await self._desk.drop([reservation.id])
        await self._desk.refused(answer.left_bytes, answer.file_bytes)
        if job.size > answer.file_bytes:
            raise _too_large(job.size, answer.file_bytes)
        raise _no_room(job.size, answer.left_bytes)

    async def _answer(self, reservation: Reservation) -> RoomAnswer:
        left_s = self._silent_until - self._clock.monotonic()
        if self._silence is not None and left_s > 0:
            raise _unanswered(self._silence, left_s)
        try:
            async with asyncio.timeout(STRICT_S):
                answer = await self._ask(reservation, STRICT_S)
        except TimeoutError:
            late = AppError(ErrorCode.PROJECT_UNREACHABLE, f"no answer within {STRICT_S:.0f} s")
            raise self._silent(late) from None
        except AppError as error:
            raise self._silent(error) from error
        self._silence, self._wait_s = None, 0.0
        return answer

    def _silent(self, why: AppError) -> EngineError:
        shortest, longest = AGAIN_S
        self._wait_s = min(longest, max(shortest, self._wait_s * 2))
        self._silence = why
        self._silent_until = self._clock.monotonic() + self._wait_s
        return _unanswered(why, self._wait_s)


class _Parts(Protocol):
    @property
    def quotas(self) -> QuotaDesk: ...


def shared_room(
    mirror: _Parts | None, ask: Ask, settings: CurrentSettings, clock: Clock
) -> SharedRoom | None:
    """None: there can be no Supabase project."""
    return None if mirror is None else SharedRoom(mirror.quotas, ask, settings, clock)


def _too_large(size: int, most: int) -> EngineError:
    return EngineError(ErrorCode.SHARED_FILE_LIMIT, f"{size:,} of {most:,} bytes")


def _no_room(size: int, left: int) -> EngineError:
    reason = f"{size:,} bytes are needed, {left:,} are left"
    return EngineError(ErrorCode.SHARED_QUOTA_REACHED, reason)


def _unanswered(why: AppError, wait_s: float) -> EngineError:
    detail = why.detail or why.title
    return EngineError(ErrorCode.STRICT_QUOTA_UNANSWERED, detail, retry_after=wait_s)
