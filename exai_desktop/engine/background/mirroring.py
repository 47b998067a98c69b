"""The user's Supabase project beside the uploads: when it is told and asked, and what is known.

Uploads never wait for it. A round is begun some seconds after a change, and every few minutes.
After a failure the waits grow; a changed network, or a computer that has slept, ends them.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from exai_desktop.core.audit.audit import AuditEntry
from exai_desktop.core.audit.ports import AuditStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, EngineError
from exai_desktop.core.events import Event, EventBus, JobChanged, JobsRemoved, MirrorChanged
from exai_desktop.core.machine import Clock
from exai_desktop.core.mirror.link import MirrorUser, ProjectFacts, ProjectLink
from exai_desktop.core.mirror.operations import (
    NO_ACCOUNT,
    MirrorAccount,
    MirrorTarget,
    OtherRecords,
    Outbox,
)
from exai_desktop.core.mirror.quota import QuotaDesk, Reservation, RoomAnswer
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry
from exai_desktop.core.mirror.status import (
    MirrorState,
    MirrorStatus,
    OtherFilePage,
    RefusedRow,
    SignedOut,
    SyncDone,
)
from exai_desktop.core.mirror.storage_copies import CopyBook, StorageDoor
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.background.mirror_pace import (
    ASK_S,
    FIRST_S,
    GATHER_S,
    LAST_S,
    LOOK_AGAIN_S,
    LOOK_S,
    SLEPT_S,
    STATES,
    Rests,
    wait_s,
)
from exai_desktop.engine.waiting import Wakeup

log = logging.getLogger(__name__)

S = MirrorState


@dataclass(frozen=True, slots=True)
class MirrorParts:
    """What the mirror is made from. `network` names the connection in use; it blocks shortly."""

    link: ProjectLink
    outbox: Outbox
    others: OtherRecords
    quotas: QuotaDesk
    copies: CopyBook
    storage: StorageDoor
    network: Callable[[], object]
    chance: Callable[[], float]


class Mirroring:
    """Meets `core.mirror.service.MirrorService`."""

    def __init__(
        self,
        parts: MirrorParts,
        accounts: Accounts,
        audit: AuditStore,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._parts = parts
        self._audit = audit
        self._link = parts.link
        self._outbox = parts.outbox
        self._accounts = accounts
        self._bus = bus
        self._clock = clock
        self._wake = Wakeup(clock)
        # One round, sign-in or sign-out after the other.
        self._turn = asyncio.Lock()
        self._target: MirrorTarget | None = None
        self._user: MirrorUser | None = None
        self._facts: ProjectFacts | None = None
        self._error: AppError | None = None
        self._failures = 0
        self._next_try: float | None = None
        self._is_loaded = False
        self._is_changed = False
        self._is_busy = False
        self._rests = Rests(clock)
        self._work: asyncio.Future[SyncDone] | None = None
        bus.subscribe(self._heard)

    # -- what it is told of

    def _heard(self, event: Event) -> None:
        if isinstance(event, JobChanged):
            self._rests.moved()
        if self._target is not None and isinstance(event, JobChanged | JobsRemoved):
            if not self._is_changed:
                self._wake.set()
            self._is_changed = True

    # -- the service

    async def sign_in(self, url: str, key: str, email: str, password: str) -> MirrorStatus:
        return await self._signed_in(partial(self._link.sign_in, url, key, email, password))

    async def begin_sign_in(self, request: SignInRequest) -> SignInTry:
        return await self._link.begin_sign_in(request)

    async def finish_sign_in(self, try_id: str, code: str = "") -> MirrorStatus:
        # For minutes, maybe: rounds go on, for whoever is signed in until then.
        await self._link.sign_in_answered(try_id)
        return await self._signed_in(partial(self._link.finish_sign_in, try_id, code))

    async def give_up_sign_in(self, try_id: str) -> None:
        await self._link.give_up_sign_in(try_id)

    async def _signed_in(self, sign_in: Callable[[], Awaitable[MirrorUser]]) -> MirrorStatus:
        self._interrupt()
        async with self._turn:
            user = await sign_in()
            self._facts = None
            await self._use(user)
            await self._note("supabase.signed_in", user)
        status = await self.status(ask=True)
        self._go_on()
        return status

    async def _use(self, user: MirrorUser) -> None:
        self._target = await self._outbox.sign_in(
            user.url, user.user_id, str(uuid.uuid4()), user.profile
        )
        self._user, self._is_loaded = user, True
        self._failed(None)

    async def _note(self, action: str, user: MirrorUser) -> None:
        """Where the records of this profile go from now on, or not any more."""
        detail = {"url": user.url, "email": user.email}
        await self._audit.note(AuditEntry(self._clock.now(), action, "ok", detail=detail))

    def _interrupt(self) -> None:
        """A round under way may wait for an answer for long; what it has sent stays fixed."""
        if self._work is not None:
            self._work.cancel()

    def _go_on(self) -> None:
        self._is_changed = True
        self._wake.set()

    async def sign_out(self) -> SignedOut:
        await self._load()
        self._interrupt()
        async with self._turn:
            target = self._target
            if target is None:
                raise EngineError(ErrorCode.NOT_SIGNED_IN)
            with suppress(AppError):
                await self._restore()  # so that the project is told as well
            email = self._user.email if self._user else ""
            counts = await self._outbox.counts(target)
            await self._link.sign_out()
            # Behind it: what cannot be forgotten must not look as if it were.
            await self._outbox.sign_out()
            if self._user is not None:
                await self._note("supabase.signed_out", self._user)
            self._target = self._user = self._facts = None
            self._failed(None)
        pending = counts.rows + counts.audit_rows
        refused = sum(n for code, n in counts.refused.items() if code != NO_ACCOUNT)
        return SignedOut(email, pending, refused)

    async def status(self, *, ask: bool = False) -> MirrorStatus:
        await self._load()
        if ask and self._target is not None:
            await self._ask()
        counts = await self._outbox.counts(self._target)
        facts, error, codes = self._facts, self._error, dict(counts.refused)
        without_account = codes.pop(NO_ACCOUNT, 0)
        return MirrorStatus(
            state=self._state(),
            url=self._target.url if self._target else "",
            email=self._user.email if self._user else "",
            schema=facts.schema if facts else None,
            pending=counts.rows + counts.audit_rows,
            refused=sum(codes.values()),
            codes=codes,
            without_account=without_account,
            pending_elsewhere=counts.elsewhere,
            other_files=counts.other_files,
            last_success=counts.last_success,
            next_try=self._next_try,
            open_sign_ups=facts.open_sign_ups if facts else None,
            quota=counts.quota,
            is_busy=self._is_busy,
            code=error.code.value if error else "",
            detail=error.detail if error else "",
        )

    def _state(self) -> MirrorState:
        if self._target is None:
            return S.SIGNED_OUT
        return S.SIGNED_IN if self._error is None else STATES.get(self._error.code, S.SIGNED_IN)

    async def _ask(self) -> None:
        """What is wrong is a state."""
        if self._turn.locked():
            return  # it is being asked just now
        async with self._turn:
            try:
                await self._restore()
                async with asyncio.timeout(ASK_S):
                    self._facts = await self._link.look(ASK_S)
            except TimeoutError:
                why = f"no answer within {ASK_S:.0f} s"
                self._failed(EngineError(ErrorCode.PROJECT_UNREACHABLE, why))
            except AppError as error:
                self._failed(error)
            else:
                if self._error is not None:
                    self._go_on()
                self._failed(None)

    async def sync_now(self) -> SyncDone:
        await self._load()
        if self._target is None:
            raise EngineError(ErrorCode.NOT_SIGNED_IN)
        return await self._round()

    async def refused(self, limit: int = 100) -> list[RefusedRow]:
        await self._load()
        return list(await self._outbox.refused(self._target, limit)) if self._target else []

    async def retry_refused(self) -> int:
        await self._load()
        if self._target is None:
            raise EngineError(ErrorCode.NOT_SIGNED_IN)
        count = await self._outbox.retry_refused(self._target)
        self._go_on()
        return count

    async def other_files(self, text: str = "", limit: int = 100, offset: int = 0) -> OtherFilePage:
        await self._load()
        if self._target is None:
            return OtherFilePage((), 0)
        return await self._parts.others.page(self._target, text, limit, offset)

    async def room_for(self, reservation: Reservation, within_s: float) -> RoomAnswer:
        """What the project says to it now; behind a start the session may not be read yet."""
        if self._user is None:
            await self._load()
            async with self._turn:
                await self._restore()
        return await self._link.reserve(reservation, within_s)

    # -- rounds

    async def _load(self) -> None:
        """Who is signed in, by the record: the key store may not answer for a while."""
        if not self._is_loaded:
            found = await self._outbox.active()
            if not self._is_loaded:  # else somebody has signed in or out meanwhile: that is newer
                self._target, self._is_loaded = found, True

    async def _restore(self) -> None:
        """The session, when it was not read yet. Only the key store can say that there is none."""
        if self._user is not None or self._target is None:
            return
        user = await self._link.restore()
        if user is None:
            raise EngineError(ErrorCode.SESSION_ENDED, "the key store has no session")
        await self._use(user)

    async def _round(self) -> SyncDone:
        async with self._turn:
            self._work = asyncio.ensure_future(self._one_round())
            try:
                return await self._work
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                raise EngineError(ErrorCode.NOT_SIGNED_IN, "the sign-in was changed") from None
            finally:
                self._work = None

    async def _one_round(self) -> SyncDone:
        if self._target is None:
            raise EngineError(ErrorCode.NOT_SIGNED_IN)
        self._is_changed, self._is_busy = False, True
        self._rests.begin()
        try:
            await self._restore()
            if self._facts is None or self._error is not None:
                self._facts = await self._link.look(ASK_S)
            done = await self._link.sync(self._target, self._known_accounts(), self._rests.take)
            await self._parts.others.completed(self._target, self._clock.now())
        except AppError as error:
            self._failed(error)
            raise
        finally:
            self._is_busy = False
        self._failed(None)
        return done

    def _known_accounts(self) -> dict[str, MirrorAccount]:
        return {
            account.name: MirrorAccount(account.provider, account.base_url, account.key_fingerprint)
            for account in self._accounts.all()
            if account.key_fingerprint
        }

    def _failed(self, error: AppError | None) -> None:
        """None: all is well."""
        self._failures = self._failures + 1 if error is not None else 0
        if error is not None and (self._error is None or self._error.code is not error.code):
            log.warning("Supabase: %s (%s)", error.code, error.detail)
        self._error, self._next_try = error, None
        self._bus.publish(MirrorChanged())

    # -- beside the uploads

    async def run(self) -> None:
        """Until cancelled."""
        await self._load()
        await self._clock.sleep(FIRST_S)
        while True:
            self._wake.clear()
            if self._target is None:
                await self._wake.wait(None)
                continue
            try:
                await self._round()
            except AppError:
                pass  # noted; what waits stays where it is
            except Exception:
                log.exception("an unexpected error in the mirror")
                self._failures += 1
            await self._pause()

    async def _pause(self) -> None:
        """Until the next round: after a change, after a wait, or when the world is another."""
        code = self._error.code if self._error is not None else None
        until = self._clock.monotonic() + wait_s(self._failures, code, self._parts.chance)
        if self._failures:
            self._next_try = self._clock.now() + until - self._clock.monotonic()
        network = await self._network() if self._failures else None
        while (left := until - self._clock.monotonic()) > 0:
            if self._is_changed and not self._failures:
                await self._clock.sleep(min(GATHER_S, left))
                return
            step = min(LOOK_AGAIN_S if self._failures else LOOK_S, left)
            before = self._clock.now()
            self._wake.clear()
            await self._wake.wait(step)
            has_slept = self._clock.now() - before > step + SLEPT_S
            if has_slept or self._target is None:
                return
            if network is not None and await self._network() != network:
                return

    async def _network(self) -> object:
        return await asyncio.to_thread(self._parts.network)

    async def finish(self) -> None:
        """The last changes of a program that ends: they are sent if the project answers soon."""
        self._rests.end()
        if self._target is not None and self._is_changed and not self._failures:
            try:
                async with asyncio.timeout(LAST_S):
                    await self._round()
            except (AppError, TimeoutError):
                pass  # they wait for the next start
        await self._link.close()
