"""Which account takes a file, and why, and how much may lie there. Pure.

The engine brings accounts, table and wishes; storage counts, in the transaction that begins a
send. A file crosses to another company or region only with the user's consent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError
from exai_desktop.core.routing.capabilities import ProviderTable, Purpose, fit

_NONE_REFUSED: Final[Mapping[str, AppError]] = MappingProxyType({})
_NONE_PAUSED: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for with this file."""

    account: str | None = None
    purpose: str | None = None
    allow_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """`is_fallback`: another account than the wanted or preferred one."""

    account: Account
    purpose: Purpose
    reason: str
    is_fallback: bool = False


def candidates(wish: Wish, accounts: Sequence[Account]) -> list[Account]:
    """Enabled accounts, the wanted or preferred one first. Raises NO_ACCOUNT, UNKNOWN_ACCOUNT."""
    usable = sorted((a for a in accounts if a.enabled), key=lambda a: (a.order, a.name))
    if not usable:
        raise AccountError(ErrorCode.NO_ACCOUNT)
    if wish.account is None:
        return usable
    chosen = next((a for a in usable if a.name == wish.account), None)
    if chosen is None:
        raise AccountError(ErrorCode.UNKNOWN_ACCOUNT, wish.account)
    return [chosen, *(a for a in usable if a is not chosen)]


def place_of(account: Account) -> tuple[str, str, str]:
    """Company, region and address: between two accounts of one place files need no consent."""
    return account.provider, account.region, account.base_url


def _try(name: str, size: int, wish: Wish, account: Account, table: ProviderTable) -> Purpose:
    provider = table.of(account)
    if provider is None:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"unknown provider {account.provider}")
    return fit(name, size, provider, account.region, wish.purpose)


def _takes(
    name: str,
    size: int,
    wish: Wish,
    account: Account,
    table: ProviderTable,
    refused: Mapping[str, AppError],
) -> Purpose | AppError:
    """The purpose for which the account takes the file, or why it does not."""
    if account.name in refused:
        return refused[account.name]
    try:
        return _try(name, size, wish, account, table)
    except AppError as error:
        return error


def choose(
    name: str,
    size: int,
    wish: Wish,
    accounts: Sequence[Account],
    table: ProviderTable,
    refused: Mapping[str, AppError] = _NONE_REFUSED,
    paused: Mapping[str, str] = _NONE_PAUSED,
) -> Route:
    """The first account that takes the file and may have it.

    `refused`: accounts whose provider has seen this file and refused it. `paused`: accounts that
    are paused after failures, with the reason; one is passed over for another that may have the
    file, and waited for when there is none. Raises the first account's refusal, or CONSENT_NEEDED
    when only another company or region would take the file and the wish does not allow that; its
    cause is the first account's refusal.
    """
    first, *others = candidates(wish, accounts)
    answer = _takes(name, size, wish, first, table, refused)
    why_not = answer.detail if isinstance(answer, AppError) else paused.get(first.name)
    if isinstance(answer, Purpose) and why_not is None:
        return Route(first, answer, "chosen account" if wish.account else "preferred account")
    allowed: list[Route] = []
    forbidden: list[str] = []
    for account in others:
        purpose = _takes(name, size, wish, account, table, refused)
        if isinstance(purpose, AppError):
            continue
        same_place = place_of(account) == place_of(first)
        if wish.allow_fallback or (same_place and wish.account is None):
            how = "same provider" if same_place else "fallback allowed"
            reason = f"{how}; {first.name}: {why_not}"
            allowed.append(Route(account, purpose, reason, is_fallback=True))
        else:
            forbidden.append(account.name)
    if isinstance(answer, Purpose):
        waiting = Route(first, answer, f"waiting for {first.name}: {why_not}")
        return next((r for r in allowed if r.account.name not in paused), waiting)
    if allowed:
        return min(allowed, key=lambda route: route.account.name in paused)
    if forbidden:
        raise AppError(
            ErrorCode.CONSENT_NEEDED,
            f"{first.name}: {answer.detail}. {', '.join(forbidden)} would accept it",
        ) from answer
    raise answer


@dataclass(frozen=True, slots=True)
class Limits:
    """The provider's own limits and the user's (`own_*`). None: no limit."""

    files: int | None = None
    bytes: int | None = None
    purpose_files: int | None = None
    own_files: int | None = None
    own_bytes: int | None = None


# An account and a purpose there.
Room = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Usage:
    """What lies at an account or is on its way there. `purpose_files`: for one purpose alone."""

    files: int = 0
    bytes: int = 0
    purpose_files: int = 0


def limits_of(
    account: Account, purpose: str, table: ProviderTable, own_files: int, own_bytes: int
) -> Limits:
    """`own_*`: the user's settings, 0 for none."""
    provider = table.of(account)
    own = (own_files or None, own_bytes or None)
    if provider is None:
        return Limits(None, None, None, *own)
    per_purpose = provider.purpose(account.region, purpose).max_files
    return Limits(provider.max_total_files, provider.max_total_bytes, per_purpose, *own)


def fullness(used: Usage, limits: Limits) -> tuple[float, str]:
    """How full it is by the limit that is nearest, 1.0 is full; in words, too."""
    found = [
        (amount / limit, f"{amount:,} of {limit:,} {unit}")
        for amount, limit, unit in (
            (used.files, limits.files, "files"),
            (used.purpose_files, limits.purpose_files, "files for one purpose"),
            (used.bytes, limits.bytes, "bytes"),
            (used.files, limits.own_files, "files, your own limit"),
            (used.bytes, limits.own_bytes, "bytes, your own limit"),
        )
        if limit
    ]
    return max(found, default=(0.0, ""))


def check_room(used: Usage, size: int, limits: Limits) -> None:
    """Raise PROVIDER_FILE_LIMIT or QUOTA_EXCEEDED when one more file of `size` is too much."""
    files, total = used.files + 1, used.bytes + size
    full, own = ErrorCode.PROVIDER_FILE_LIMIT, ErrorCode.QUOTA_EXCEEDED
    for code, amount, limit, unit in (
        (full, files, limits.files, "files"),
        (full, used.purpose_files + 1, limits.purpose_files, "files for this purpose"),
        (full, total, limits.bytes, "bytes"),
        (own, files, limits.own_files, "files, your own limit"),
        (own, total, limits.own_bytes, "bytes, your own limit"),
    ):
        if limit is not None and amount > limit:
            raise AccountError(code, f"it would be {amount:,} of {limit:,} {unit}")
