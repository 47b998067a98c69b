"""When a provider deletes a file by itself."""

from __future__ import annotations

from exai_desktop.core.models import RemoteFile
from exai_desktop.core.remote import DAY_S
from exai_desktop.engine.context import Context


def expiry_of(ctx: Context, account_name: str, purpose: str, remote: RemoteFile) -> float | None:
    """As the provider says, or as its rules say."""
    if remote.expires_at is not None:
        return remote.expires_at
    account = ctx.accounts.get(account_name)
    provider = ctx.accounts.table.of(account)
    if provider is None:
        return None
    days = provider.purpose(account.region, purpose).retention_days
    return remote.created_at + days * DAY_S if days else None
