"""The accounts of a profile under measurement, in the child."""

from __future__ import annotations

from typing import Any

from exai_desktop.core.accounts.accounts import AccountDraft
from exai_desktop.core.service import AccountService


async def renew_accounts(accounts: AccountService, order: dict[str, Any]) -> list[str]:
    """Add `count` accounts and remove all that were there before, unless they are to be kept; the
    names of the new ones."""
    before = [status.account.name for status in await accounts.all()]
    # No name a second time: what was sent by an account counts against its room for good.
    first = max((int(name.rpartition("-")[2]) + 1 for name in before), default=0)
    names = [f"bench-{first + number}" for number in range(order["count"])]
    for name in names:
        draft = AccountDraft(name, "kimi", "intl", order["base_url"], max_in_flight=order["lanes"])
        # Two names with one key are one account, and share its room.
        await accounts.add(draft, f"{order['key']}-{name.rpartition('-')[2]}")
    for name in () if order.get("keep") else before:
        await accounts.remove(name)
    return names
