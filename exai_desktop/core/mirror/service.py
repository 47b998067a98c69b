"""`MirrorService`: what window and command line can ask about the user's Supabase project."""

from __future__ import annotations

from typing import Protocol

from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry
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

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry:
        """Without a password; one try at a time, a new one ends the one before. No user is made.

        Raises what `sign_in` raises before anything is sent; REDIRECT_NOT_ALLOWED,
        SIGN_IN_WAY_DISABLED, SIGN_UPS_OPEN, USER_UNKNOWN, MAIL_LIMIT.
        """

    async def finish_sign_in(self, try_id: str, code: str = "") -> MirrorStatus:
        """Wait until the user has opened the link or signed in there; or give the mailed code.

        Raises CODE_WRONG: the same try takes another one. Else the try has ended: LINK_EXPIRED,
        LINK_OF_ANOTHER_SIGN_IN, SIGN_IN_DENIED, SIGN_IN_NOT_COMPLETED.
        """

    async def give_up_sign_in(self, try_id: str) -> None:
        """Wait for nobody any more; a try that has ended is no error."""

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
