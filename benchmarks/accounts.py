"""The accounts of a profile under measurement, in the child."""

from __future__ import annotations

from typing import Any, Protocol

from exai_desktop.core.accounts.accounts import AccountDraft, AccountStatus


class _Accounts(Protocol):
    """What the engine and the window's way to it have in common."""

    async def accounts(self) -> list[AccountStatus]: ...
    async def add_account(self, draft: AccountDraft, key: str) -> AccountStatus: ...
    async def remove_account(self, name: str) -> None: ...


async def renew_accounts(service: _Accounts, order: dict[str, Any]) -> list[str]:
    """Add `count` accounts and remove all that were there before; the names of the new ones."""
    before = [status.account.name for status in await service.accounts()]
    # No name a second time: what was sent by an account counts against its room for good.
    first = max((int(name.rpartition("-")[2]) + 1 for name in before), default=0)
    names = [f"bench-{first + number}" for number in range(order["count"])]
    for name in names:
        draft = AccountDraft(name, "kimi", "intl", order["base_url"], max_in_flight=order["lanes"])
        await service.add_account(draft, order["key"])
    for name in before:
        await service.remove_account(name)
    return names
