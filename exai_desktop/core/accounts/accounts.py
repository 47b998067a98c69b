"""Values about accounts. Keys are never among them: they stay in the credential store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from exai_desktop.core.accounts.health import AT_REST, UNKNOWN, BreakerStatus, HealthStatus
from exai_desktop.core.errors.tree import ErrorView


@dataclass(frozen=True, slots=True)
class Account:
    """A key at one provider in one region. `order` is the user's preference, 0 first.

    `purposes`: its own instead of the provider's, as `NAME` or `NAME:ending,ending`.
    """

    name: str
    provider: str
    region: str
    base_url: str
    key_fingerprint: str = ""
    enabled: bool = True
    max_in_flight: int = 2
    order: int = 0
    purposes: tuple[str, ...] = ()
    # 0: no limit is known.
    uploads_per_minute: int = 0
    # 0: as fast as the line.
    bytes_per_s: int = 0
    # When its key was last replaced: what was seen with an earlier key is asked about again.
    key_since: float = 0.0


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """An account as the user enters it; `base_url` is None for the region's own."""

    name: str
    provider: str
    region: str | None = None
    base_url: str | None = None
    max_in_flight: int | None = None
    purposes: tuple[str, ...] = ()
    uploads_per_minute: int = 0
    bytes_per_s: int = 0
    # The name of a tier: its limits hold where none are given.
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class AccountEdit:
    """What the user changes of an account; None leaves it as it is.

    The address is changed only together with the key, by `KeyPlace`: a key belongs to one host.
    """

    max_in_flight: int | None = None
    # Empty: the provider's own.
    purposes: tuple[str, ...] | None = None
    uploads_per_minute: int | None = None
    bytes_per_s: int | None = None
    # The name of a tier: its limits hold where none are given.
    tier: str | None = None
    # Another region at the same address, as with a server of one's own.
    region: str | None = None


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a new key is valid, if not where the old one was."""

    region: str | None = None
    base_url: str | None = None


# Where the old one was.
HERE: Final = KeyPlace()


@dataclass(frozen=True, slots=True)
class TransportStatus:
    """The way an account sends now; `note` says why it is not the first of the order."""

    name: str
    note: str = ""
    step_downs: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left to spend at a provider, as it said at `at`; below zero it is owed."""

    available: float
    currency: str
    at: float = 0.0

    def __str__(self) -> str:
        return f"{self.available:,.2f} {self.currency}"


class BalanceBook(Protocol):
    """The last balance of each account."""

    async def note(self, account: str, balance: Balance | None) -> None:
        """None: the account is gone."""
        ...

    async def all(self) -> dict[str, Balance]: ...


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """An account with what the engine knows of it now."""

    account: Account
    paused_until: float | None = None
    problem: ErrorView | None = None
    waiting: int = 0
    sending: int = 0
    files: int = 0
    bytes: int = 0
    # None: nothing was asked or sent yet.
    transport: TransportStatus | None = None
    breaker: BreakerStatus = AT_REST
    health: HealthStatus = UNKNOWN
    # The last one told; None: never asked for, or the provider does not tell.
    balance: Balance | None = None
    # Another name of the same account, under which its files go and are listed.
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """The result of a connection test."""

    ok: bool
    account: str
    host: str
    duration_ms: int
    files: int | None = None
    error: ErrorView | None = None
    balance: Balance | None = None
