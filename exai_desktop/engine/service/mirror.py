"""The service for the user's Supabase project, and its stand-in where there can be none."""

from __future__ import annotations

from exai_desktop.core.audit.ports import AuditStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.events import EventBus
from exai_desktop.core.machine import Clock
from exai_desktop.core.mirror.quota import Reservation, RoomAnswer
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry
from exai_desktop.core.mirror.status import (
    MirrorState,
    MirrorStatus,
    OtherFilePage,
    RefusedRow,
    SignedOut,
    SyncDone,
)
from exai_desktop.core.mirror.storage_copies import StorageCopy, StorageState, StorageStatus
from exai_desktop.core.settings import CurrentSettings
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.accounts.timing import Bandwidth
from exai_desktop.engine.background.copying import BesideUploads, Copying
from exai_desktop.engine.background.mirroring import Mirroring, MirrorParts
from exai_desktop.engine.background.one_copy import Sources
from exai_desktop.engine.scheduling.in_hand import JobsInHand


def copying(
    parts: MirrorParts | None,
    settings: CurrentSettings,
    bus: EventBus,
    clock: Clock,
    bandwidth: Bandwidth,
    in_hand: JobsInHand,
    sources: Sources,
) -> Copying | NoCopies:
    """With None there can be no project."""
    if parts is None:
        return NoCopies()
    pace = BesideUploads(bandwidth, lambda: bool(in_hand.runs), clock)
    return Copying(parts, sources, pace, settings, bus, clock)


class NoCopies:
    """Meets `core.mirror.storage_copies.StorageService` where there can be no project."""

    def wake(self) -> None:
        """There is nothing to do."""

    async def run(self) -> None:
        """There is nothing to do."""

    async def status(self) -> StorageStatus:
        return StorageStatus()

    async def rows(
        self,
        states: tuple[StorageState, ...] = (),
        sha256: tuple[str, ...] = (),
        limit: int = 100,
    ) -> list[StorageCopy]:
        return []

    async def copy(self, job_ids: tuple[int, ...]) -> int:
        raise _refusal()

    async def copy_now(self) -> StorageStatus:
        raise _refusal()

    async def retry_refused(self) -> int:
        raise _refusal()

    async def fetch(self, sha256: str, path: str) -> int:
        raise _refusal()

    async def delete(self, sha256: str) -> None:
        raise _refusal()


def _refusal() -> EngineError:
    return EngineError(ErrorCode.NOT_SIGNED_IN, "nothing is sent from here to a project")


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

    async def run(self) -> None:
        """There is nothing to do."""

    async def finish(self) -> None:
        """There is nothing to end."""

    async def room_for(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        raise _refusal()

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorStatus:
        raise _refusal()

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry:
        raise _refusal()

    async def finish_sign_in(self, try_id: str, code: str = "") -> MirrorStatus:
        raise _refusal()

    async def give_up_sign_in(self, try_id: str) -> None:
        """There is none."""

    async def sign_out(self) -> SignedOut:
        raise _refusal()

    async def status(self, *, ask: bool = False) -> MirrorStatus:
        return MirrorStatus(MirrorState.UNAVAILABLE)

    async def sync_now(self) -> SyncDone:
        raise _refusal()

    async def refused(self, limit: int = 100) -> list[RefusedRow]:
        return []

    async def retry_refused(self) -> int:
        raise _refusal()

    async def other_files(self, text: str = "", limit: int = 100, offset: int = 0) -> OtherFilePage:
        return OtherFilePage((), 0)
