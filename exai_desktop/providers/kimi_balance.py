"""What is left to spend at Kimi: GET /users/me/balance."""

from __future__ import annotations

from typing import Final

from exai_desktop.core.accounts.accounts import Balance
from exai_desktop.net.account_client import Answer
from exai_desktop.providers.answers import invalid

# By region: the two hosts have balances of their own.
_CURRENCIES: Final = {"cn": "CNY"}
_MOST: Final = 1e12


def balance_of(answer: Answer, region: str) -> Balance:
    """`{"code": 0, "data": {"available_balance": 49.5, ...}, "status": true}`.

    Raises INVALID_ANSWER.
    """
    form = answer.json_object() or {}
    data = form.get("data")
    available = data.get("available_balance") if isinstance(data, dict) else None
    if form.get("status") is not True or isinstance(available, bool):
        raise invalid(answer, "no balance")
    if not isinstance(available, int | float) or not -_MOST < available < _MOST:
        raise invalid(answer, "no balance")
    return Balance(float(available), _CURRENCIES.get(region, "USD"))
