"""What each provider has answered: the breakers in use, the answers of late, the history.

All calls are made in the engine's loop. As long as an account is well its breaker reads and writes
nothing.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from exai_desktop.core.accounts import health as rules_of
from exai_desktop.core.accounts.health import (
    CLOSED,
    WINDOW_S,
    AttemptVerdict,
    Breaker,
    BreakerRules,
    BreakerStatus,
    Check,
    HealthBook,
    HealthSample,
    HealthStatus,
    Phase,
    sample_of,
    summarize,
    unreached,
)
from exai_desktop.core.accounts.ports import StateStore
from exai_desktop.core.errors.codes import WAY_CLOSED, ErrorCode, Outcome
from exai_desktop.core.errors.tree import AppError, EngineError, TransferError
from exai_desktop.core.events import NO_METRICS, Metrics
from exai_desktop.core.machine import Clock
from exai_desktop.core.settings import Settings
from exai_desktop.engine.waiting import uninterrupted

T = TypeVar("T")

log = logging.getLogger(__name__)

# Another machine's breaker is known so soon.
SHARED_AGE_S: Final = 0.5

# An account that cannot be reached, or not to the end, is at fault while another one can.
_NETWORK: Final = frozenset({ErrorCode.OFFLINE, ErrorCode.UPLOAD_CUT})
NETWORK_AGE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Permit:
    """To send, or (`until`) not to. A probe's token must come back with what it has shown."""

    account: str
    token: str = ""
    until: float | None = None


class OnChange(Protocol):
    def __call__(self, account: str, *, is_new_phase: bool) -> None: ...


def breaker_rules(settings: Settings) -> BreakerRules:
    """As the user wants them."""
    return BreakerRules(settings.breaker_failures, settings.breaker_wait_s)


def _nothing(account: str, *, is_new_phase: bool) -> None:
    del account, is_new_phase


class Breakers:
    """`on_change` is told of each change of an account that is not well, and when it is again.

    `identity` tells of two accounts on two machines whether they are one. `on_fleet` is told when
    the store of a fleet does not answer; None: it does.
    """

    def __init__(
        self,
        store: StateStore,
        clock: Clock,
        settings: Settings,
        chance: Callable[[], float],
        identity: Callable[[str], str],
        on_change: OnChange = _nothing,
        on_fleet: Callable[[AppError | None], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._identity = identity
        self._rules = breaker_rules(settings)
        self._known: dict[str, Breaker] = {}
        self._read_at: dict[str, float] = {}
        self._answered_at: dict[str, float] = {}
        self._on_fleet = on_fleet
        self._on_change = on_change

    @property
    def is_shared(self) -> bool:
        """Whether other machines may open and close them too."""
        return self._store.is_shared

    async def load(self, accounts: Sequence[str]) -> None:
        """What earlier runs have left. A probe of theirs is lost; nobody else has one."""
        for account in accounts:
            await self.refresh(account)
            probe = self._of(account).probe
            if probe and not self._store.is_shared:
                await self.record(Permit(account, probe), AttemptVerdict.NEUTRAL)

    async def refresh(self, account: str) -> None:
        """What others may have changed. Without an answer from a fleet it stays as it was."""
        try:
            text = await self._store.load(self._key(account))
        except EngineError as error:
            self._is_own_only(error)
            self._read_at[account] = self._clock.monotonic()
        else:
            self._on_fleet(None)
            self._learn(account, rules_of.from_text(text))

    async def _change(
        self, account: str, change: Callable[[str | None], tuple[str | None, T]]
    ) -> T:
        """In the store, or in memory while a fleet cannot be reached: files are not held up."""
        try:
            return await self._store.update(self._key(account), change)
        except EngineError as error:
            self._is_own_only(error)
            return change(_text(self._of(account)))[1]

    def _is_own_only(self, error: EngineError) -> None:
        if error.code is not ErrorCode.FLEET_UNREACHABLE:
            raise error
        self._on_fleet(error)

    async def forget(self, account: str) -> None:
        if not self._store.is_shared:
            await self._store.update(self._key(account), lambda _: (None, None))
        self._known.pop(account, None)

    def status(self, account: str) -> BreakerStatus:
        return rules_of.status_of(self._of(account), self._rules, self._clock.now())

    def phase(self, account: str) -> Phase:
        return self._of(account).phase

    def until(self, account: str) -> float | None:
        """When it may be asked again; None: now."""
        return self._of(account).until(self._rules)

    async def notice_clock(self, account: str) -> None:
        """A clock that was set back while it was left alone: its wait begins anew, with this."""
        if rules_of.is_ahead(self._of(account), self._clock.now()):
            await self.admit(account)

    def paused(self, accounts: Sequence[str]) -> dict[str, str]:
        """The accounts that take nothing now, with the reason for people."""
        return {
            name: f"paused after {self._of(name).cause or 'several failures'}"
            for name in accounts
            if self.phase(name) is Phase.OPEN
        }

    def error(self, account: str) -> AppError | None:
        """Why nothing goes to this account now."""
        status = self.status(account)
        if status.phase is not Phase.OPEN:
            return None
        detail = f"{account}: last failure {status.cause or 'unknown'}"
        wait_s = max(0.0, (status.until or 0.0) - self._clock.now())
        return AppError(ErrorCode.CIRCUIT_BREAKER_OPEN, detail, retry_after=wait_s)

    def _of(self, account: str) -> Breaker:
        return self._known.get(account, CLOSED)

    def _key(self, account: str) -> str:
        """Machines may call one account by different names."""
        return f"breaker:{self._identity(account) if self._store.is_shared else account}"

    def _is_current(self, account: str) -> bool:
        if not self._store.is_shared:
            return True
        return self._clock.monotonic() - self._read_at.get(account, -1e9) < SHARED_AGE_S

    async def admit(self, account: str, *, wanted: bool = False) -> Permit:
        """Ask before an attempt; give the permit back with `record`. `wanted`: by the user."""
        if not self._is_current(account):
            await self.refresh(account)
        if self.phase(account) is Phase.CLOSED:
            return Permit(account)
        token, now = secrets.token_hex(8), self._clock.now()

        def change(
            text: str | None,
        ) -> tuple[str | None, tuple[Breaker, rules_of.BreakerAdmission]]:
            new, admission = rules_of.admit(
                rules_of.from_text(text), token, now, self._rules, wanted=wanted
            )
            return _text(new), (new, admission)

        permit: Permit | None = None

        async def carry_out() -> Permit:
            nonlocal permit
            new, admission = await self._change(account, change)
            self._learn(account, new)
            permit = Permit(account, token if admission.is_probe else "", admission.until)
            return permit

        try:
            return await uninterrupted(carry_out())
        except asyncio.CancelledError:
            # The permit may be given already: nobody would give it back.
            if permit is not None:
                await self.record(permit, AttemptVerdict.NEUTRAL)
            raise

    async def record(self, permit: Permit, verdict: AttemptVerdict, cause: str = "") -> None:
        """What became of an attempt. A store that fails costs memory of it, nothing else."""
        account = permit.account
        if not permit.token and rules_of.is_at_rest(self._of(account), verdict):
            return
        now, chance = self._clock.now(), self._chance()

        def change(text: str | None) -> tuple[str | None, Breaker]:
            old = rules_of.from_text(text)
            new = rules_of.record(
                old, verdict, permit.token, now, self._rules, chance=chance, cause=cause
            )
            return _text(new), new

        try:
            self._learn(account, await self._change(account, change))
        except AppError as error:
            log.warning("the breaker of %s was not saved: %s", account, error.code)
            self._learn(account, change(_text(self._of(account)))[1])

    def _learn(self, account: str, new: Breaker) -> None:
        old = self._of(account)
        self._known[account] = new
        self._read_at[account] = self._clock.monotonic()
        is_new_phase = old.phase is not new.phase
        if old != new and (is_new_phase or new.phase is not Phase.CLOSED):
            self._on_change(account, is_new_phase=is_new_phase)

    def verdict(self, account: str, error: TransferError | None) -> AttemptVerdict:
        """What the end of an attempt says of the provider; None: it went well.

        No connection, or one that breaks in the body, is the provider's fault only while another
        one can be reached: a computer without network must not wait 40 minutes after it is back.
        """
        now = self._clock.monotonic()
        if error is None or error.status is not None:
            self._answered_at[account] = now
        if error is None:
            return AttemptVerdict.SUCCESS
        if error.outcome not in (Outcome.UNAVAILABLE, Outcome.UNCERTAIN):
            return AttemptVerdict.NEUTRAL
        if error.code in WAY_CLOSED:
            return AttemptVerdict.NEUTRAL
        if error.code not in _NETWORK:
            return AttemptVerdict.FAULT
        others = [at for name, at in self._answered_at.items() if name != account]
        is_network_up = now - max(others, default=-1e9) < NETWORK_AGE_S
        return AttemptVerdict.FAULT if is_network_up else AttemptVerdict.NEUTRAL


def _text(breaker: Breaker) -> str | None:
    """An account that is well takes no room."""
    return None if breaker == CLOSED else rules_of.as_text(breaker)


# More in a quarter of an hour say nothing new about a share.
_REMEMBERED: Final = 500


class Health:
    """All calls in the engine's loop. A crash costs the history of the last seconds at most."""

    def __init__(
        self, clock: Clock, book: HealthBook | None, metrics: Metrics = NO_METRICS
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._book = book
        self._recent: dict[str, deque[HealthSample]] = {}
        self._asked_at: dict[str, float] = {}
        self._unsaved: list[HealthSample] = []

    async def load(self, accounts: Sequence[str]) -> None:
        """What the last quarter of an hour has shown, and since when there is no connection."""
        if self._book is None:
            return
        since = self._clock.now() - WINDOW_S
        for account in accounts:
            newest_first = await self._book.history(account, _REMEMBERED)
            missed = len(unreached(newest_first))
            kept = [s for n, s in enumerate(newest_first) if s.at > since or n < missed]
            self._of(account).extend(reversed(kept))

    def _of(self, account: str) -> deque[HealthSample]:
        return self._recent.setdefault(account, deque(maxlen=_REMEMBERED))

    def note(
        self, account: str, check: Check, took_s: float, error: TransferError | None, *, fault: bool
    ) -> None:
        """One answer, or the lack of one; `fault` as the breaker sees it."""
        self._asked_at[account] = self._clock.monotonic()
        sample = sample_of(account, self._clock.now(), check, took_s, error, fault=fault)
        self._of(account).append(sample)
        self._metrics.answered(account, is_fault=fault)
        if self._book is not None:
            self._unsaved.append(sample)

    def status(self, account: str) -> HealthStatus:
        return summarize(tuple(self._recent.get(account, ())), self._clock.now())

    def asked_at(self, account: str) -> float | None:
        """When it was asked for anything last, by the monotonic clock."""
        return self._asked_at.get(account)

    async def history(self, account: str | None, limit: int) -> list[HealthSample]:
        await self.save()
        return await self._book.history(account, limit) if self._book is not None else []

    async def save(self) -> int:
        """How many answers there were since the last time."""
        samples, self._unsaved = self._unsaved, []
        if self._book is not None and samples:
            await self._book.add(samples)
        return len(samples)

    async def forget(self, account: str) -> None:
        """Another account may get the name."""
        await self.save()
        self._recent.pop(account, None)
        self._asked_at.pop(account, None)
        if self._book is not None:
            await self._book.forget(account)
