"""From what the user enters to an account, and to a changed one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from exai_desktop.core.accounts.accounts import (
    Account,
    AccountDraft,
    AccountEdit,
    ConnectionReport,
    KeyPlace,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.routing.capabilities import AccountTier, Provider, ProviderTable, Region
from exai_desktop.core.settings import Settings

# More at once only share the same line.
MOST_AT_ONCE: Final = 8
# What the settings file takes.
MOST_SLOTS: Final = 64
MOST_PER_MINUTE: Final = 60_000


def _tier(provider: Provider, region: str, name: str) -> AccountTier:
    known = provider.tiers_in(region)
    found = next((tier for tier in known if tier.name == name.strip()), None)
    if found is None:
        names = ", ".join(tier.name for tier in known) or "none"
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"the tier must be one of: {names}")
    return found


def _region(provider: Provider, name: str) -> Region:
    region = provider.region(name)
    if region is None:
        known = ", ".join(r.name for r in provider.regions)
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"the region must be one of: {known}")
    return region


def account_of(
    draft: AccountDraft, table: ProviderTable, settings: Settings, order: int
) -> Account:
    """Without a key yet. Raises INVALID_ACCOUNT with what is wrong."""
    provider = table.provider(draft.provider)
    if provider is None:
        known = ", ".join(p.name for p in table.providers)
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"the provider must be one of: {known}")
    region = _region(provider, draft.region) if draft.region else provider.regions[0]
    name = plain_text(draft.name, 60).strip()
    if not name or name != draft.name.strip():
        raise AccountError(ErrorCode.INVALID_ACCOUNT, "the name must have 1 to 60 plain characters")
    base_url = (draft.base_url or region.base_url).rstrip("/")
    if not base_url:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"{provider.title} needs a base URL")
    at_once, per_minute = draft.max_in_flight or settings.max_in_flight, draft.uploads_per_minute
    if draft.tier is not None:
        tier = _tier(provider, region.name, draft.tier)
        at_once = draft.max_in_flight or min(tier.concurrency, MOST_AT_ONCE)
        per_minute = draft.uploads_per_minute or tier.per_minute
    account = Account(
        name=name,
        provider=provider.name,
        region=region.name,
        base_url=base_url,
        max_in_flight=at_once,
        order=order,
        purposes=draft.purposes,
        uploads_per_minute=per_minute,
        bytes_per_s=draft.bytes_per_s,
    )
    table.of(account)
    return account


def _provider_of(account: Account, table: ProviderTable) -> Provider:
    provider = table.provider(account.provider)
    if provider is None:
        reason = f"this version does not know the provider {account.provider}"
        raise AccountError(ErrorCode.INVALID_ACCOUNT, reason)
    return provider


def with_place(account: Account, place: KeyPlace, table: ProviderTable) -> Account:
    """The account where its new key is valid. Raises INVALID_ACCOUNT with what is wrong."""
    provider = _provider_of(account, table)
    region, base_url = account.region, account.base_url
    if place.region is not None:
        found = _region(provider, place.region)
        region, base_url = found.name, found.base_url or base_url
    if place.base_url:
        base_url = place.base_url.rstrip("/")
    changed = replace(account, region=region, base_url=base_url)
    table.of(changed)
    return changed


def edited(account: Account, changes: AccountEdit, table: ProviderTable) -> Account:
    """The account with the changes. Raises INVALID_ACCOUNT with what is wrong."""
    provider = _provider_of(account, table)
    region = account.region
    if changes.region is not None and changes.region != region:
        old, new = provider.region(region), _region(provider, changes.region)
        # With the address of its region, the account moves to another host, and its key with it.
        if old is None or account.base_url == old.base_url.rstrip("/"):
            reason = "another region has another address and needs a key of its own"
            raise AccountError(ErrorCode.INVALID_ACCOUNT, reason)
        region = new.name
    at_once, per_minute = changes.max_in_flight, changes.uploads_per_minute
    if changes.tier is not None:
        tier = _tier(provider, region, changes.tier)
        at_once = at_once or min(tier.concurrency, MOST_AT_ONCE)
        per_minute = tier.per_minute if per_minute is None else per_minute
    changed = replace(
        account,
        region=region,
        max_in_flight=at_once or account.max_in_flight,
        uploads_per_minute=account.uploads_per_minute if per_minute is None else per_minute,
        bytes_per_s=account.bytes_per_s if changes.bytes_per_s is None else changes.bytes_per_s,
        purposes=account.purposes if changes.purposes is None else changes.purposes,
    )
    table.of(changed)
    _check_limits(changed)
    return changed


def _check_limits(account: Account) -> None:
    """What the settings file takes: checked here, so that the reason can be said."""
    if not 1 <= account.max_in_flight <= MOST_SLOTS:
        reason = f"1 to {MOST_SLOTS} uploads are possible at the same time"
        raise AccountError(ErrorCode.INVALID_ACCOUNT, reason)
    if not 0 <= account.uploads_per_minute <= MOST_PER_MINUTE:
        reason = f"the limit is 0 to {MOST_PER_MINUTE:,} uploads per minute"
        raise AccountError(ErrorCode.INVALID_ACCOUNT, reason)
    if account.bytes_per_s < 0:
        raise AccountError(ErrorCode.INVALID_ACCOUNT, "the speed limit is 0 or more")


def report_of(
    account: Account, took_s: float, *, files: int | None = None, error: AppError | None = None
) -> ConnectionReport:
    return ConnectionReport(
        ok=error is None,
        account=account.name,
        host=urlsplit(account.base_url).netloc,
        duration_ms=round(took_s * 1000),
        files=files,
        error=ErrorView.of(error) if error else None,
    )
