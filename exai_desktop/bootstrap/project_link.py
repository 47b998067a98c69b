"""The way to a Supabase project, made when it is first used: few profiles have one."""

from __future__ import annotations

import platform
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from exai_desktop import __version__
from exai_desktop.bootstrap.profile_secrets import OpenedSecrets
from exai_desktop.config.address_passwords import ProxyLogin
from exai_desktop.config.surroundings import SystemSurroundings
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.mirror.claims import ClaimStep, GrantedClaim
from exai_desktop.core.mirror.link import MirrorUser, ProjectFacts, Rest
from exai_desktop.core.mirror.operations import MirrorAccount, MirrorTarget, OtherRecords, Outbox
from exai_desktop.core.mirror.quota import QuotaDesk, Reservation, RoomAnswer
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry
from exai_desktop.core.mirror.status import SyncDone
from exai_desktop.core.mirror.storage_copies import ContentStorage
from exai_desktop.engine.background.mirroring import MirrorParts
from exai_desktop.storage.database import Database
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.storage.record.outbox import SqliteOutbox
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk
from exai_desktop.storage.record.storage_copies import SqliteStorageCopies

if TYPE_CHECKING:
    from exai_desktop.core.settings import Settings
    from exai_desktop.sync.link import SupabaseLink


class LateLink:
    """Meets `core.mirror.link.ProjectLink`; the HTTP stack is loaded with the first call."""

    def __init__(
        self,
        secrets: OpenedSecrets,
        login: ProxyLogin,
        outbox: Outbox,
        others: OtherRecords,
        quotas: QuotaDesk,
    ) -> None:
        self._secrets = secrets
        self._login = login
        self._outbox = outbox
        self._others = others
        self._quotas = quotas
        self._link: SupabaseLink | None = None
        self._is_closed = False

    def _loaded(self) -> SupabaseLink:
        if self._link is None:
            from exai_desktop.sync.link import SupabaseLink
            from exai_desktop.sync.mirror import Device
            from exai_desktop.sync.session import SessionBook

            self._link = SupabaseLink(
                SessionBook(self._secrets.store, self._secrets.identity.id),
                Device(platform.node()[:200] or "unnamed", platform.system(), __version__),
                self._outbox,
                self._others,
                self._quotas,
                self._settings,
            )
        return self._link

    def _settings(self) -> Settings:
        self._login.load()
        return self._login.settings

    async def restore(self) -> MirrorUser | None:
        return await self._loaded().restore()

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorUser:
        return await self._loaded().sign_in(url, key, email, password)

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry:
        return await self._loaded().begin_sign_in(request)

    async def sign_in_answered(self, try_id: str) -> None:
        await self._loaded().sign_in_answered(try_id)

    async def finish_sign_in(self, try_id: str, code: str) -> MirrorUser:
        return await self._loaded().finish_sign_in(try_id, code)

    async def give_up_sign_in(self, try_id: str) -> None:
        if self._link is not None:
            await self._link.give_up_sign_in(try_id)

    async def sign_out(self) -> None:
        await self._loaded().sign_out()

    async def look(self, within_s: float) -> ProjectFacts:
        return await self._loaded().look(within_s)

    async def sync(
        self, target: MirrorTarget, accounts: Mapping[str, MirrorAccount], rest: Rest
    ) -> SyncDone:
        return await self._loaded().sync(target, accounts, rest)

    async def reserve(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        return await self._loaded().reserve(reservation, within_s)

    async def storage(self, target: MirrorTarget) -> ContentStorage:
        return await self._loaded().storage(target)

    async def claim(self, key: str, seconds: int) -> GrantedClaim | None:
        """Meets `core.mirror.claims.ClaimServer`."""
        return await self._open().claim(key, seconds)

    async def claim_step(
        self,
        claim: GrantedClaim,
        step: ClaimStep,
        seconds: int,
        note: Mapping[str, Any] | None = None,
    ) -> bool:
        return await self._open().claim_step(claim, step, seconds, note)

    def _open(self) -> SupabaseLink:
        """A claim of the last moment opens no link that nobody closes."""
        if self._is_closed:
            raise EngineError(ErrorCode.NOT_SIGNED_IN, "the program ends")
        return self._loaded()

    async def close(self) -> None:
        self._is_closed = True
        if self._link is not None:
            await self._link.close()


def project_parts(
    secrets: OpenedSecrets, database: Database, login: ProxyLogin
) -> tuple[MirrorParts, LateLink]:
    """What the engine needs for a project; whether there is one is known later."""
    outbox, others = SqliteOutbox(database), SqliteOtherRecords(database)
    quotas, copies = SqliteQuotaDesk(database), SqliteStorageCopies(database)
    link = LateLink(secrets, login, outbox, others, quotas)
    network, chance = SystemSurroundings().network, random.SystemRandom().random
    return MirrorParts(link, outbox, others, quotas, copies, link.storage, network, chance), link
