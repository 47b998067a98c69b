"""Which account takes a file, and why. Pure: the engine brings accounts, table and wishes.

A file crosses to another company or region only with the user's consent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from exai_desktop.core.accounts import Account
from exai_desktop.core.capabilities import ProviderTable, Purpose, fit
from exai_desktop.core.error_codes import ErrorCode
from exai_desktop.core.errors import AccountError, AppError


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for with this file."""

    account: str | None = None
    purpose: str | None = None
    allow_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    account: Account
    purpose: Purpose
    reason: str


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


def _place(account: Account) -> tuple[str, str, str]:
    return account.provider, account.region, account.base_url


def _try(name: str, size: int, wish: Wish, account: Account, table: ProviderTable) -> Purpose:
    provider = table.provider(account.provider)
    if provider is None:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"unknown provider {account.provider}")
    return fit(name, size, provider, account.region, wish.purpose)


def choose(
    name: str,
    size: int,
    wish: Wish,
    accounts: Sequence[Account],
    table: ProviderTable,
    refused: Mapping[str, AppError] = MappingProxyType({}),
) -> Route:
    """The first account that takes the file and may have it.

    `refused`: accounts whose provider has seen this file and refused it. Raises the first
    account's refusal, or CONSENT_NEEDED when only another company or region would take the file
    and the wish does not allow that.
    """
    first, *others = candidates(wish, accounts)
    try:
        if first.name in refused:
            raise refused[first.name]
        purpose = _try(name, size, wish, first, table)
    except AppError as error:
        refusal = error
    else:
        return Route(first, purpose, "chosen account" if wish.account else "preferred account")
    would_take: list[str] = []
    for account in others:
        if account.name in refused:
            continue
        try:
            purpose = _try(name, size, wish, account, table)
        except AppError:
            continue
        same_place = _place(account) == _place(first)
        if wish.allow_fallback or (same_place and wish.account is None):
            how = "same provider" if same_place else "fallback allowed"
            return Route(account, purpose, f"{how}; {first.name}: {refusal.detail}")
        would_take.append(account.name)
    if would_take:
        raise AppError(
            ErrorCode.CONSENT_NEEDED,
            f"{first.name}: {refusal.detail}. {', '.join(would_take)} would take it",
        )
    raise refusal
