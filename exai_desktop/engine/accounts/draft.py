"""From what the user enters to an account."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from exai_desktop.core.accounts.accounts import Account, AccountDraft, ConnectionReport
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.routing.capabilities import AccountTier, Provider, ProviderTable
from exai_desktop.core.settings import Settings

# More at once only share the same line.
MOST_AT_ONCE: Final = 8


def _tier(provider: Provider, region: str, name: str) -> AccountTier:
    known = provider.tiers_in(region)
    found = next((tier for tier in known if tier.name == name.strip()), None)
    if found is None:
        names = ", ".join(tier.name for tier in known) or "none"
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"the tier must be one of: {names}")
    return found


def account_of(
    draft: AccountDraft, table: ProviderTable, settings: Settings, order: int
) -> Account:
    """Without a key yet. Raises INVALID_ACCOUNT with what is wrong."""
    provider = table.provider(draft.provider)
    if provider is None:
        known = ", ".join(p.name for p in table.providers)
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"the provider must be one of: {known}")
    region = provider.region(draft.region) if draft.region else provider.regions[0]
    if region is None:
        known = ", ".join(r.name for r in provider.regions)
        raise AccountError(ErrorCode.INVALID_ACCOUNT, f"the region must be one of: {known}")
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
