"""A project that answers what a test tells it: for the page *Records*."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry, SignInWay
from exai_desktop.core.mirror.status import (
    MirrorState,
    MirrorStatus,
    OtherFile,
    OtherFilePage,
    RefusedRow,
    SignedOut,
    SyncDone,
)

if TYPE_CHECKING:
    from .scripted_service import ScriptedService


CODE: Final = "123456"
PAGE: Final = "https://provider.example/sign-in?state=not-real"


def other_file(number: int, **values: object) -> OtherFile:
    """A file that a device of the user's has sent."""
    file = OtherFile(
        uuid=f"uuid-{number}",
        name=f"report {number:03}.pdf",
        size=1_000 * number,
        remote_id=f"file-{number:024}",
        provider="kimi",
        account="work",
        purpose="file-extract",
        sha256=f"{number:064x}",
        status="stored",
        usable=True,
        device="desk-pc",
        recorded_at=1_800_000_000.0 + number,
        expires_at=None,
    )
    return replace(file, **values)  # type: ignore[arg-type]


@dataclass
class ScriptedMirror:
    """Meets `MirrorService`."""

    script: ScriptedService
    now: MirrorStatus = field(default_factory=lambda: MirrorStatus(MirrorState.SIGNED_OUT))
    rows: list[RefusedRow] = field(default_factory=list)
    others: list[OtherFile] = field(default_factory=list)
    # Set by a test: the user has opened the link.
    is_answered: bool = False
    asked: SignInRequest = field(default_factory=lambda: SignInRequest("", "", SignInWay.LINK))

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorStatus:
        self._note("sign_in", url, key, email, password)
        self.now = replace(self.now, state=MirrorState.SIGNED_IN, url=url, email=email, schema=1)
        return self.now

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry:
        self._note("begin_sign_in", request)
        self.asked = request
        page = PAGE if request.way is SignInWay.OAUTH else ""
        return SignInTry("try-1", request.way, 900.0, page)

    async def finish_sign_in(self, try_id: str, code: str = "") -> MirrorStatus:
        self._note("finish_sign_in", try_id, code)
        if self.asked.way is not SignInWay.CODE:
            while not self.is_answered:
                await asyncio.sleep(0.005)
        elif code != CODE:
            raise AppError(ErrorCode.CODE_WRONG)
        return await self.sign_in(self.asked.url, self.asked.key, self.asked.email, "")

    async def give_up_sign_in(self, try_id: str) -> None:
        self._note("give_up_sign_in", try_id)

    async def sign_out(self) -> SignedOut:
        self._note("sign_out")
        left = SignedOut(self.now.email, self.now.pending, self.now.refused)
        self.now = replace(self.now, state=MirrorState.SIGNED_OUT)
        return left

    async def status(self, *, ask: bool = False) -> MirrorStatus:
        if ask:
            self.script.note("mirror.ask")
        return replace(self.now, refused=len(self.rows), other_files=len(self.others))

    async def sync_now(self) -> SyncDone:
        self._note("sync_now")
        done = SyncDone(self.now.pending, 0, 0, 2)
        self.now = replace(self.now, pending=0)
        return done

    async def refused(self, limit: int = 100) -> list[RefusedRow]:
        return self.rows[:limit]

    async def retry_refused(self) -> int:
        self._note("retry_refused")
        count = len(self.rows)
        self.rows.clear()
        return count

    async def other_files(self, text: str = "", limit: int = 100, offset: int = 0) -> OtherFilePage:
        found = [file for file in self.others if text in file.name]
        return OtherFilePage(tuple(found[offset : offset + limit]), len(found))

    def _note(self, name: str, *arguments: object) -> None:
        self.script.note(f"mirror.{name}", *arguments)
