"""The way to the user's project: session, requests, and one round of sending and fetching."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, EngineError
from exai_desktop.core.machine import steady_time
from exai_desktop.core.mirror.link import MirrorUser, ProjectFacts
from exai_desktop.core.mirror.operations import MirrorAccount, MirrorTarget, OtherRecords, Outbox
from exai_desktop.core.mirror.quota import QuotaDesk, Reservation, RoomAnswer
from exai_desktop.core.mirror.status import SyncDone
from exai_desktop.core.mirror.storage_copies import ContentStorage
from exai_desktop.core.settings import Settings
from exai_desktop.net.project_client import ProjectClient
from exai_desktop.sync.mirror import Device, Mirror
from exai_desktop.sync.project import Project
from exai_desktop.sync.project_key import project_address, publishable_key
from exai_desktop.sync.quota_answers import settle_and_count
from exai_desktop.sync.session import Session, SessionBook, StoredSession, sign_in
from exai_desktop.sync.storage import Storage

# Not by commands that end soon.
_TIDY_AFTER_S: Final = 900.0
_TIDY_EVERY_S: Final = 86_400.0


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
        # Two parts of the engine may ask for the session at the start.
        self._restoring = asyncio.Lock()
        self._tidy_at = steady_time() + _TIDY_AFTER_S

    async def restore(self) -> MirrorUser | None:
        async with self._restoring:
            if self._session is not None:
                return _user(self._session.stored)
            stored = await asyncio.to_thread(self._book.load)
            if stored is None:
                return None
            client = await self._new_client(stored.url, stored.key)
            await self._use(Session(stored, client, self._book), client)
            return _user(stored)

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorUser:
        address, key = project_address(url), publishable_key(key)
        client = await self._new_client(address, key)
        try:
            found = await sign_in(client, email.strip(), password)
            shown = found.email or email.strip()
            profile = self._book.profile
            stored = StoredSession(address, key, found.user_id, shown, found.refresh, profile)
            session = Session(stored, client, self._book)
            session.take(found)
            await session.save()
        except BaseException:
            await client.close()
            raise
        await self._use(session, client)
        return _user(stored)

    async def _new_client(self, url: str, key: str) -> ProjectClient:
        settings = await asyncio.to_thread(self._settings)
        try:
            return ProjectClient(url, key, settings)
        except AccountError as error:
            if error.code is not ErrorCode.INVALID_ACCOUNT:
                raise
            raise AccountError(ErrorCode.PROJECT_ADDRESS, error.detail) from None

    async def _use(self, session: Session, client: ProjectClient) -> None:
        await self.close()
        self._session, self._client = session, client

    async def sign_out(self) -> None:
        if self._session is None:
            await asyncio.to_thread(self._book.forget)
        else:
            await self._session.end()
        await self.close()

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

    async def sync(self, target: MirrorTarget, accounts: Mapping[str, MirrorAccount]) -> SyncDone:
        project = self._project()
        assert self._session is not None
        _check(self._session.stored, target)
        if self._mirror is None or self._mirror.target != target:
            self._mirror = Mirror(target, self._device, self._outbox, self._others)
        # First what is new there: a project that was put back is noticed before it is written to.
        fetched = await self._mirror.pull(project)
        pushed = await self._mirror.push(project, accounts)
        await settle_and_count(project, target, self._quotas)
        if steady_time() >= self._tidy_at:
            self._tidy_at = steady_time() + _TIDY_EVERY_S
            await project.tidy()
        return SyncDone(pushed.operations, pushed.refused, pushed.audit_rows, fetched)

    async def storage(self, target: MirrorTarget) -> ContentStorage:
        await self.restore()
        if self._session is None or self._client is None:
            raise EngineError(ErrorCode.SESSION_ENDED, "the key store has no session")
        _check(self._session.stored, target)
        return Storage(self._client, self._session)

    async def close(self) -> None:
        client, self._client, self._session = self._client, None, None
        self._mirror = None
        if client is not None:
            await client.close()


def _check(stored: StoredSession, target: MirrorTarget) -> None:
    """What waits for one user never goes to another."""
    if (stored.url, stored.user_id) != (target.url, target.user_id):
        raise EngineError(ErrorCode.NOT_SIGNED_IN, "another user is signed in")


def _user(stored: StoredSession) -> MirrorUser:
    return MirrorUser(stored.url, stored.user_id, stored.email, stored.profile)
