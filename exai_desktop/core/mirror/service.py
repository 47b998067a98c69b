"""`MirrorService`: what window and command line can ask about the user's Supabase project."""

from __future__ import annotations

from typing import Protocol

from exai_desktop.core.mirror.status import (
    MirrorStatus,
    OtherFilePage,
    RefusedRow,
    SignedOut,
    SyncDone,
)


class MirrorService(Protocol):
    """The records in the user's own Supabase project. Uploads never wait for it."""

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorStatus:
        """Sign in with the project's publishable key; from now on changes are sent there.

        Raises PROJECT_ADDRESS, SECRET_KEY_GIVEN, PROJECT_KEY_INVALID before anything is sent;
        SIGN_IN_REFUSED, EMAIL_NOT_CONFIRMED, PROJECT_UNREACHABLE, PROJECT_ASLEEP, and what the
        key store raises. Missing tables are no error: the state says so.
        """

    async def sign_out(self) -> SignedOut:
        """Forget the session. What waits is kept for the same user. Raises NOT_SIGNED_IN."""

    async def status(self, *, ask: bool = False) -> MirrorStatus:
        """As of the last contact, at once. `ask`: ask the project first, for some seconds at
        most; a project that does not answer is no error but a state."""

    async def sync_now(self) -> SyncDone:
        """Send and fetch now, until nothing waits. Raises NOT_SIGNED_IN, SESSION_ENDED,
        PROJECT_UNREACHABLE, PROJECT_ASLEEP, SCHEMA_MISSING, SCHEMA_TOO_OLD, PROJECT_REFUSED."""

    async def refused(self, limit: int = 100) -> list[RefusedRow]:
        """Rows that the project has refused, with the reason."""

    async def retry_refused(self) -> int:
        """Send them again as they are now; returns how many."""

    async def other_files(self, text: str = "", limit: int = 100, offset: int = 0) -> OtherFilePage:
        """Files at the providers that other devices of the user have sent, the newest first, as
        of the last contact. `text`: only those whose name or id holds it, or whose hash it is."""
