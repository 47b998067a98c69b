"""From what the user enters to an account: tiers set both limits, given values win."""

from __future__ import annotations

import pytest

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import AccountDraft
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.draft import MOST_AT_ONCE, account_of

TABLE = load_provider_table()
SETTINGS = Settings(max_in_flight=2)


@pytest.mark.parametrize(
    ("draft", "at_once", "per_minute"),
    [
        (AccountDraft("a", "kimi"), 2, 0),
        (AccountDraft("a", "kimi", tier="0"), 1, 3),
        (AccountDraft("a", "kimi", "cn", tier="1"), MOST_AT_ONCE, 100),
        (AccountDraft("a", "kimi", "intl", tier="5"), MOST_AT_ONCE, 10_000),
        (AccountDraft("a", "kimi", max_in_flight=3, uploads_per_minute=7, tier="0"), 3, 7),
    ],
)
def test_a_tier_sets_what_is_not_given(draft: AccountDraft, at_once: int, per_minute: int) -> None:
    account = account_of(draft, TABLE, SETTINGS, 0)
    assert (account.max_in_flight, account.uploads_per_minute) == (at_once, per_minute)


@pytest.mark.parametrize(
    ("draft", "names"),
    [
        (AccountDraft("a", "kimi", tier="9"), "0, 1, 2, 3, 4, 5"),
        (AccountDraft("a", "glm", tier="0"), "none"),
    ],
)
def test_a_tier_that_does_not_exist_is_refused_with_those_that_do(
    draft: AccountDraft, names: str
) -> None:
    with pytest.raises(AccountError, match=names):
        account_of(draft, TABLE, SETTINGS, 0)
