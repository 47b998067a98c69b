"""Values about accounts."""

import pytest

from exai_desktop.core.accounts.accounts import Balance


@pytest.mark.parametrize(
    ("balance", "text"),
    [
        (Balance(1234.5, "USD"), "1,234.50 USD"),
        (Balance(-0.12, "CNY"), "-0.12 CNY"),
    ],
)
def test_a_balance_reads_like_money(balance: Balance, text: str) -> None:
    assert str(balance) == text
