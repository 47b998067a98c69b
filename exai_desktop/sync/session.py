"""The user's session at the project: one refresh at a time, and kept whatever the network does.

The session ends only when the user signs out, or when the project says that it has ended it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from exai_desktop.core.accounts.secret_store import MIRROR_SESSION, SecretStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.machine import steady_time
from exai_desktop.net.account_client import Answer
from exai_desktop.net.project_client import ProjectClient, value_of

# A token is renewed so long before its end, and serves for so long at least: a project that gives
# tokens of no length would be asked for one with each request.
_EARLY_S: Final = 60.0
_SHORTEST_S: Final = 30.0
_LONGEST_S: Final = 7 * 86_400.0
_SIGN_OUT_S: Final = 5.0
_LONGEST_SECRET: Final = 1_024
_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,60}")


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What is kept in the key store. Small: Windows takes 1,280 characters."""

    url: str
    key: str
    user_id: str
    email: str
    refresh: str
    # The profile it belongs to: a copy of the folder with its vault has no session.
    profile: str


class SessionBook:
    """The session in the key store. Calls block."""

    def __init__(self, store: SecretStore, profile: str) -> None:
        self._store = store
        self.profile = profile

    def load(self) -> StoredSession | None:
        """Raises one of `STORE_CODES`: then nobody knows whether there is one."""
        text = self._store.get(MIRROR_SESSION)
        try:
            found = StoredSession(**json.loads(text)) if text else None
        except (ValueError, TypeError):
            return None
        if found is None or found.profile != self.profile:
            return None
        register(found.refresh)
        return found

    def save(self, session: StoredSession) -> None:
        self._store.set(MIRROR_SESSION, json.dumps(asdict(session)))

    def forget(self) -> None:
        self._store.delete(MIRROR_SESSION)


class Session:
    """Tokens of one user at one project."""

    def __init__(
        self,
        stored: StoredSession,
        client: ProjectClient,
        book: SessionBook,
        steady: Callable[[], float] = steady_time,
    ) -> None:
        self.stored = stored
        self._client = client
        self._book = book
        self._steady = steady
        self._lock = asyncio.Lock()
        self._access = ""
        self._good_until = 0.0
        self._is_saved = True

    def take(self, found: Tokens) -> None:
        """What the project has just given."""
        self.stored = replace(self.stored, refresh=found.refresh)
        self._access = found.access
        life_s = min(max(found.expires_in - _EARLY_S, _SHORTEST_S), _LONGEST_S)
        self._good_until = self._steady() + life_s
        self._is_saved = False

    async def token(self, refused: str = "") -> str:
        """A token that is good now. `refused`: one that the project did not accept.

        Raises SESSION_ENDED, and what keeps the project from answering: then it is kept.
        """
        async with self._lock:
            is_good = self._access not in ("", refused) and self._steady() < self._good_until
            if not self._is_saved:
                await self._save_again(is_needed=not is_good)
            if not is_good:
                await self._renew()
            return self._access

    async def _save_again(self, *, is_needed: bool) -> None:
        """Of two tokens that were not stored, the store's one would be the grandparent: the
        project would take it for stolen, and end the session."""
        try:
            await self.save()
        except AppError:
            if is_needed:
                raise

    async def _renew(self) -> None:
        body = {"refresh_token": self.stored.refresh}
        answer = await self._client.ask("POST", "/auth/v1/token?grant_type=refresh_token", body)
        if not answer.is_success:
            raise refusal(answer, ErrorCode.SESSION_ENDED)
        found = tokens_of(answer)
        if found.user_id != self.stored.user_id:
            raise EngineError(ErrorCode.SESSION_ENDED, "the project answered for another user")
        self.take(found)
        # A lost new token does no harm: the project still accepts the one before it.
        await self._save_again(is_needed=False)

    async def save(self) -> None:
        await asyncio.to_thread(self._book.save, self.stored)
        self._is_saved = True

    async def end(self) -> None:
        """Tell the project, if it answers soon, and forget it here."""
        try:
            async with asyncio.timeout(_SIGN_OUT_S):
                token = await self.token()
                await self._client.ask("POST", "/auth/v1/logout?scope=local", token=token)
        except (AppError, TimeoutError):
            pass  # the token runs out by itself
        await asyncio.to_thread(self._book.forget)


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str
    expires_in: float
    user_id: str
    email: str


async def sign_in(client: ProjectClient, email: str, password: str) -> Tokens:
    """Raises SIGN_IN_REFUSED, EMAIL_NOT_CONFIRMED, PROJECT_KEY_INVALID, and as `ask` does."""
    register(password)
    body = {"email": email, "password": password}
    answer = await client.ask("POST", "/auth/v1/token?grant_type=password", body)
    if not answer.is_success:
        raise refusal(answer, ErrorCode.SIGN_IN_REFUSED)
    return tokens_of(answer)


def tokens_of(answer: Answer) -> Tokens:
    """Raises PROJECT_REFUSED for an answer that has no session."""
    found = value_of(answer)
    try:
        user, expires_in = found["user"], float(found["expires_in"])
        texts = [found["access_token"], found["refresh_token"], user["id"], user.get("email") or ""]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EngineError(ErrorCode.PROJECT_REFUSED, "its sign-in gave no session") from error
    if not all(isinstance(text, str) for text in texts) or len(texts[1]) > _LONGEST_SECRET:
        raise EngineError(ErrorCode.PROJECT_REFUSED, "its sign-in gave no session")
    if not texts[0].isascii() or not texts[0].isprintable() or not texts[0]:
        raise EngineError(ErrorCode.PROJECT_REFUSED, "its sign-in gave no token")
    for secret in texts[:2]:
        register(secret)
    return Tokens(texts[0], texts[1], expires_in, texts[2], texts[3])


def code_of(answer: Answer) -> str:
    """The server's own short name of an error; its sentences are not shown."""
    found: Any = value_of(answer)
    if not isinstance(found, dict):
        return ""
    for name in ("error_code", "code", "error"):
        code = found.get(name)
        if isinstance(code, str) and _CODE.fullmatch(code) and not code.isdecimal():
            return code
    number = found.get("code")
    return str(number) if isinstance(number, str) and _CODE.fullmatch(number) else ""


def unavailable(answer: Answer) -> AppError | None:
    """An answer that says nothing about the request: the project cannot answer now."""
    if answer.status == 540:  # its own number for a paused project
        return EngineError(ErrorCode.PROJECT_ASLEEP, "it says that it is paused")
    if answer.status == 429 or answer.status >= 500:
        why = f"it answered {answer.status} {code_of(answer)}".rstrip()
        return EngineError(ErrorCode.PROJECT_UNREACHABLE, why)
    return None


def refusal(answer: Answer, otherwise: ErrorCode) -> AppError:
    """Of the sign-in, by status and code."""
    code = code_of(answer)
    later = unavailable(answer)
    if later is not None:
        return later
    why = f"it answered {answer.status} {code}".rstrip()
    if answer.status == 401 and code in ("", "invalid_api_key", "UNAUTHORIZED_INVALID_API_KEY"):
        return EngineError(ErrorCode.PROJECT_KEY_INVALID, why)
    if code == "email_not_confirmed":
        return EngineError(ErrorCode.EMAIL_NOT_CONFIRMED)
    # Without a code it is not the project that speaks: a proxy's page ends no session.
    if code and answer.status in (400, 401, 403, 422):
        return EngineError(otherwise, why)
    return EngineError(ErrorCode.PROJECT_REFUSED, why)
