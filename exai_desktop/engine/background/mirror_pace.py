"""What a failure of the mirror means, and how long it waits: after one, and for changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from exai_desktop.core.accounts.secret_store import STORE_CODES
from exai_desktop.core.errors.codes import WAY_CLOSED, ErrorCode
from exai_desktop.core.machine import Clock
from exai_desktop.core.mirror.status import MirrorState

S = MirrorState

# The program is usable by then, and most commands have ended.
FIRST_S: Final = 3.0
# Changes that follow each other closely go together.
GATHER_S: Final = 3.0
# What other devices have told is fetched so often.
EVERY_S: Final = 300.0
# Beside uploads it rests after each batch for so many times as long as the batch took; they are
# under way while a job moves so often.
BESIDE: Final = 19.0
LONGEST_REST_S: Final = 30.0
MOVING_S: Final = 2.0
# After failures: twice as long each time.
RETRY_S: Final = (5.0, 900.0)
# While it waits, it looks so often whether the computer has slept; after a failure also whether
# the network is another, or the key store answers.
LOOK_S: Final = 60.0
LOOK_AGAIN_S: Final = 15.0
SLEPT_S: Final = 60.0
# For the answer to a question of the user, and for the last changes when the program ends.
ASK_S: Final = 10.0
LAST_S: Final = 1.5

STATES: Final = {
    ErrorCode.PROJECT_UNREACHABLE: S.UNREACHABLE,
    ErrorCode.PROJECT_REFUSED: S.UNREACHABLE,
    ErrorCode.PROJECT_ASLEEP: S.ASLEEP,
    ErrorCode.SCHEMA_MISSING: S.NO_SCHEMA,
    ErrorCode.SCHEMA_TOO_OLD: S.OLD_SCHEMA,
    ErrorCode.SESSION_ENDED: S.SESSION_ENDED,
    ErrorCode.PROJECT_KEY_INVALID: S.SESSION_ENDED,
    ErrorCode.NOT_SIGNED_IN: S.SESSION_ENDED,
    **dict.fromkeys(WAY_CLOSED, S.UNREACHABLE),
    **dict.fromkeys(STORE_CODES, S.STORE_LOCKED),
}


def wait_s(failures: int, code: ErrorCode | None, chance: Callable[[], float]) -> float:
    """Until the next round begins by itself; `code` is why the last one failed."""
    if not failures:
        return EVERY_S
    shortest, longest = RETRY_S
    if code in STORE_CODES:
        return LOOK_AGAIN_S
    if code is ErrorCode.SESSION_ENDED:
        return longest
    longer_s: float = min(longest, shortest * 2.0 ** min(failures - 1, 10))
    return longer_s * (0.8 + 0.4 * chance())


class Rests:
    """Between two batches of a round: uploads go first, while there are any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moved_at = -math.inf
        self._since = clock.monotonic()
        self._is_over = False

    def moved(self) -> None:
        """A job has moved: uploads are under way."""
        self._moved_at = self._clock.monotonic()

    def begin(self) -> None:
        """With a round, or behind a rest."""
        self._since = self._clock.monotonic()

    async def take(self) -> None:
        """As long as the last batch asks for, or until no job moves any more."""
        began = self._clock.monotonic()
        until = began + min((began - self._since) * BESIDE, LONGEST_REST_S)
        while not self._is_over and (now := self._clock.monotonic()) < until:
            if now - self._moved_at >= MOVING_S:
                break
            await self._clock.sleep(min(1.0, until - now))
        self.begin()

    def end(self) -> None:
        """The program ends: nothing rests any more."""
        self._is_over = True
