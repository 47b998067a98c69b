"""The part of the scripted service that is about the user's Supabase project."""

from __future__ import annotations

from dataclasses import dataclass, field

from exai_desktop.core.mirror.status import (
    MirrorState,
    MirrorStatus,
    OtherFilePage,
    RefusedRow,
    SignedOut,
    SyncDone,
)


@dataclass
class ScriptedMirror:
    """Meets `MirrorService`; `now` is what it says of itself."""

    now: MirrorStatus = field(default_factory=lambda: MirrorStatus(MirrorState.SIGNED_OUT))
    rows: list[RefusedRow] = field(default_factory=list)

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorStatus:
        self.now = MirrorStatus(MirrorState.SIGNED_IN, url, email, 1)
        return self.now

    async def sign_out(self) -> SignedOut:
        left = SignedOut(self.now.email, self.now.pending, self.now.refused)
        self.now = MirrorStatus(MirrorState.SIGNED_OUT)
        return left

    async def status(self, *, ask: bool = False) -> MirrorStatus:
        return self.now

    async def sync_now(self) -> SyncDone:
        return SyncDone()

    async def refused(self, limit: int = 100) -> list[RefusedRow]:
        return self.rows

    async def retry_refused(self) -> int:
        return len(self.rows)

    async def other_files(self, text: str = "", limit: int = 100, offset: int = 0) -> OtherFilePage:
        return OtherFilePage((), 0)
