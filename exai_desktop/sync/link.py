"""The way to the user's project: session, requests, and one round of sending and fetching."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError
from exai_desktop.core.machine import steady_time
from exai_desktop.core.mirror.claims import ClaimStep, GrantedClaim
from exai_desktop.core.mirror.link import MirrorUser, ProjectFacts, Rest
from exai_desktop.core.mirror.operations import MirrorAccount, MirrorTarget, OtherRecords, Outbox
from exai_desktop.core.mirror.quota import QuotaDesk, Reservation, RoomAnswer
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry
from exai_desktop.core.mirror.status import SyncDone
from exai_desktop.core.mirror.storage_copies import ContentStorage
from exai_desktop.core.settings import Settings
from exai_desktop.net.project_client import ProjectClient
from exai_desktop.sync.mirror import Device, Mirror, no_rest
from exai_desktop.sync.project import Project
from exai_desktop.sync.project_key import project_address, publishable_key
from exai_desktop.sync.quota_answers import settle_and_count
from exai_desktop.sync.session import Session, SessionBook, StoredSession, Tokens, sign_in
from exai_desktop.sync.storage import Storage

if TYPE_CHECKING:
    from exai_desktop.sync.sign_in import SignInAttempt

# Not by commands that end soon.
_TIDY_AFTER_S: Final = 900.0
_TIDY_EVERY_S: Final = 86_400.0
# Asked again, the answer would be the same.
_NOBODY: Final = frozenset({ErrorCode.SESSION_ENDED, ErrorCode.PROJECT_KEY_INVALID})

T = TypeVar("T")


class SupabaseLink:
    """Meets `core.mirror.link.ProjectLink`."""

    def __init__(
        self,
        book: SessionBook,
        device: Device,
        outbox: Outbox,
        others: OtherRecords,
        quotas: QuotaDesk,
        settings: Callable[[], Settings],
    ) -> None:
        """`settings` blocks: with them comes the password of the proxy."""
        self._book = book
        self._device = device
        self._outbox = outbox
        self._others = others
        self._quotas = quotas
        self._settings = settings
        self._client: ProjectClient | None = None
        self._session: Session | None = None
        self._mirror: Mirror | None = None
        self._restoring = asyncio.Lock()
        self._changes = 0
        # Why nobody can claim anything, until somebody signs in or a round succeeds.
        self._refusal: AppError | None = None
        self._attempt: SignInAttempt | None = None
        self._tidy_at = steady_time() + _TIDY_AFTER_S

    async def restore(self) -> MirrorUser | None:
        """Once: two sessions with one refresh token would end each other."""
        async with self._restoring:
            if self._session is not None:
                return _user(self._session.stored)
            change = self._changes
            stored = await asyncio.to_thread(self._book.load)
            if stored is None:
                return None
            client = await self._new_client(stored.url, stored.key)
            if self._changes != change:
                # The user has signed in or out meanwhile, and what was read is of before.
                await client.close()
                return self._user_now()
            await self._use(Session(stored, client, self._book), client)
            return _user(stored)

    def _user_now(self) -> MirrorUser | None:
        return None if self._session is None else _user(self._session.stored)

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorUser:
        address, key = project_address(url), publishable_key(key)
        client = await self._new_client(address, key)
        try:
            found = await sign_in(client, email.strip(), password)
            return await self._signed_in(client, address, key, found, email.strip())
        except BaseException:
            await client.close()
            raise

    async def _signed_in(
        self, client: ProjectClient, url: str, key: str, found: Tokens, email: str
    ) -> MirrorUser:
        shown = found.email or email
        stored = StoredSession(url, key, found.user_id, shown, found.refresh, self._book.profile)
        session = Session(stored, client, self._book)
        session.take(found)
        await session.save()
        await self._use(session, client)
        return _user(stored)

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry:
        request = replace(
            request, url=project_address(request.url), key=publishable_key(request.key)
        )
        from exai_desktop.sync.sign_in import SignInAttempt  # few who are signed in need it again

        await self._end_attempt()
        attempt = SignInAttempt(request, await self._new_client(request.url, request.key))
        self._attempt = attempt
        try:
            return await attempt.begin()
        except BaseException:
            await self._end_attempt()
            raise

    async def sign_in_answered(self, try_id: str) -> None:
        attempt = self._attempt_of(try_id)
        try:
            await attempt.answered()
        except BaseException:
            await self.give_up_sign_in(try_id)
            raise

    async def finish_sign_in(self, try_id: str, code: str) -> MirrorUser:
        attempt = self._attempt_of(try_id)
        wanted = attempt.request
        try:
            found = await attempt.tokens(code)
            user = await self._signed_in(
                attempt.client, wanted.url, wanted.key, found, wanted.email.strip()
            )
        except BaseException as error:
            if not isinstance(error, AppError) or error.code is not ErrorCode.CODE_WRONG:
                await self.give_up_sign_in(try_id)
            raise
        attempt.close()
        self._attempt = None
        return user

    async def give_up_sign_in(self, try_id: str) -> None:
        if self._attempt is not None and self._attempt.id == try_id:
            await self._end_attempt()

    def _attempt_of(self, try_id: str) -> SignInAttempt:
        if self._attempt is None or self._attempt.id != try_id:
            raise EngineError(ErrorCode.SIGN_IN_NOT_COMPLETED, "it has ended, or another was begun")
        return self._attempt

    async def _end_attempt(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.close()
            await attempt.client.close()

    async def _new_client(self, url: str, key: str) -> ProjectClient:
        settings = await asyncio.to_thread(self._settings)
        try:
            return ProjectClient(url, key, settings)
        except AccountError as error:
            if error.code is not ErrorCode.INVALID_ACCOUNT:
                raise
            raise AccountError(ErrorCode.PROJECT_ADDRESS, error.detail) from None

    async def _use(self, session: Session, client: ProjectClient) -> None:
        await self._let_go()
        self._session, self._client = session, client
        self._refusal = None

    async def sign_out(self) -> None:
        if self._session is None:
            await asyncio.to_thread(self._book.forget)
        else:
            await self._session.end()
        await self._let_go()

    def _project(self) -> Project:
        if self._session is None or self._client is None:
            raise EngineError(ErrorCode.NOT_SIGNED_IN)
        return Project(self._client, self._session)

    async def look(self, within_s: float) -> ProjectFacts:
        facts = await self._project().look(within_s)
        if facts.quota is not None and self._session is not None:
            stored = self._session.stored
            await self._quotas.counted(stored.url, stored.user_id, facts.quota)
        return facts

    async def reserve(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        return await self._project().reserve(reservation, within_s)

    async def sync(
        self, target: MirrorTarget, accounts: Mapping[str, MirrorAccount], rest: Rest = no_rest
    ) -> SyncDone:
        project = self._project_of(target)
        if self._mirror is None or self._mirror.target != target:
            self._mirror = Mirror(target, self._device, self._outbox, self._others)
        # First what is new there: a project that was put back is noticed before it is written to.
        fetched = await self._mirror.pull(project)
        pushed = await self._mirror.push(project, accounts, rest)
        await settle_and_count(project, target, self._quotas)
        if steady_time() >= self._tidy_at:
            self._tidy_at = steady_time() + _TIDY_EVERY_S
            await project.tidy()
        self._refusal = None
        return SyncDone(pushed.operations, pushed.refused, pushed.audit_rows, fetched)

    async def storage(self, target: MirrorTarget) -> ContentStorage:
        await self.restore()
        if self._session is None or self._client is None:
            raise EngineError(ErrorCode.SESSION_ENDED, "the key store has no session")
        self._project_of(target)
        return Storage(self._client, self._session)

    async def claim(self, key: str, seconds: int) -> GrantedClaim | None:
        """Meets `core.mirror.claims.ClaimServer`."""
        target = await self._outbox.active()
        if target is None:
            raise EngineError(ErrorCode.NOT_SIGNED_IN)
        return await self._as_user(target, lambda project: project.claim(target, key, seconds))

    async def claim_step(
        self,
        claim: GrantedClaim,
        step: ClaimStep,
        seconds: int,
        note: Mapping[str, Any] | None = None,
    ) -> bool:
        return await self._as_user(
            claim.target, lambda project: project.claim_step(claim, step, seconds, note)
        )

    async def _as_user(self, target: MirrorTarget, call: Callable[[Project], Awaitable[T]]) -> T:
        """As the user of `target` and nobody else. The session may not have been read yet."""
        if self._refusal is not None:
            raise EngineError(self._refusal.code, self._refusal.detail)
        try:
            if await self.restore() is None:
                raise EngineError(ErrorCode.SESSION_ENDED, "the key store has no session")
            return await call(self._project_of(target))
        except AppError as error:
            if error.code in _NOBODY:
                self._refusal = error
            raise

    def _project_of(self, target: MirrorTarget) -> Project:
        """What is of one user never goes to another."""
        project = self._project()
        assert self._session is not None
        stored = self._session.stored
        if (stored.url, stored.user_id) != (target.url, target.user_id):
            raise EngineError(ErrorCode.NOT_SIGNED_IN, "another user is signed in")
        return project

    async def close(self) -> None:
        await self._end_attempt()
        await self._let_go()

    async def _let_go(self) -> None:
        client, self._client, self._session = self._client, None, None
        self._mirror = None
        self._changes += 1
        if client is not None:
            await client.close()


def _user(stored: StoredSession) -> MirrorUser:
    return MirrorUser(stored.url, stored.user_id, stored.email, stored.profile)
