"""`ProjectLink`: the way to the user's project and back, as the engine sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from exai_desktop.core.mirror.operations import MirrorAccount, MirrorTarget
from exai_desktop.core.mirror.quota import Quota, Reservation, RoomAnswer
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry
from exai_desktop.core.mirror.status import SyncDone

# Between two batches: it waits as long as uploads need the processor.
Rest = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MirrorUser:
    """Who is signed in, and where. `profile`: the one of this computer that the session is of."""

    url: str
    user_id: str
    email: str
    profile: str


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What a project says of itself; None where it does not."""

    schema: int | None
    open_sign_ups: bool | None
    quota: Quota | None = None


class ProjectLink(Protocol):
    """One user at one project, or nobody. Every call may raise what keeps it from working."""

    async def restore(self) -> MirrorUser | None:
        """The session that the key store has; asks nobody else. Raises one of `STORE_CODES`."""
        ...

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorUser: ...

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry: ...

    async def sign_in_answered(self, try_id: str) -> None:
        """Wait for the browser; at once when a code is asked for. May take many minutes."""
        ...

    async def finish_sign_in(self, try_id: str, code: str) -> MirrorUser: ...

    async def give_up_sign_in(self, try_id: str) -> None: ...

    async def sign_out(self) -> None:
        """Forget the session, whether or not the project answers."""
        ...

    async def look(self, within_s: float) -> ProjectFacts:
        """Raises SCHEMA_MISSING, SCHEMA_TOO_OLD, SESSION_ENDED and what stands in the way."""
        ...

    async def sync(
        self, target: MirrorTarget, accounts: Mapping[str, MirrorAccount], rest: Rest
    ) -> SyncDone:
        """Send all that waits and fetch all that is new. May be cancelled at any time."""
        ...

    async def reserve(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        """Ask for room at the providers for one file. Raises NOT_SIGNED_IN without a session."""
        ...

    async def close(self) -> None: ...
