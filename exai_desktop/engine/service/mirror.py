"""The service for the user's Supabase project, and its stand-in where there can be none."""

from __future__ import annotations

from exai_desktop.core.audit.ports import AuditStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import EventBus
from exai_desktop.core.machine import Clock
from exai_desktop.core.mirror.quota import Reservation, RoomAnswer
from exai_desktop.core.mirror.status import (
    MirrorState,
    MirrorStatus,
    OtherFilePage,
    RefusedRow,
    SignedOut,
    SyncDone,
)
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.background.mirroring import Mirroring, MirrorParts


def mirroring(
    parts: MirrorParts | None,
    accounts: Accounts,
    audit: AuditStore,
    bus: EventBus,
    clock: Clock,
) -> Mirroring | NoMirror:
    """With None there can be no project."""
    return NoMirror() if parts is None else Mirroring(parts, accounts, audit, bus, clock)


class NoMirror:
    """Meets `core.mirror.service.MirrorService` where there can be no project."""

    def _refuse(self) -> EngineError:
        return EngineError(ErrorCode.NOT_SIGNED_IN, "nothing is sent from here to a project")

    async def run(self) -> None:
        """There is nothing to do."""

    async def finish(self) -> None:
        """There is nothing to end."""

    async def room_for(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        raise self._refuse()

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorStatus:
        raise self._refuse()

    async def sign_out(self) -> SignedOut:
        raise self._refuse()

    async def status(self, *, ask: bool = False) -> MirrorStatus:
        return MirrorStatus(MirrorState.UNAVAILABLE)

    async def sync_now(self) -> SyncDone:
        raise self._refuse()

    async def refused(self, limit: int = 100) -> list[RefusedRow]:
        return []

    async def retry_refused(self) -> int:
        raise self._refuse()

    async def other_files(self, text: str = "", limit: int = 100, offset: int = 0) -> OtherFilePage:
        return OtherFilePage((), 0)
