"""What a key belongs to, and the names under which secrets lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import (
    StoreState,
    StoreStatus,
    is_secret,
    key_name,
    names_of,
    origin_of,
)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://api.kimi.invalid/v1", "https://api.kimi.invalid:443"),
        ("HTTPS://API.kimi.invalid:443/other?x=1", "https://api.kimi.invalid:443"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"),
        ("http://[::1]/v1", "http://[::1]:80"),
        ("https://kimi.invalid:99999/v1", "https://kimi.invalid:443"),
        ("ftp://kimi.invalid", "ftp://kimi.invalid:0"),
        ("nothing", "://:0"),
    ],
)
def test_scheme_host_and_port_are_what_a_key_belongs_to(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["a:1", "a:1 b", "b:2"]))
def test_two_accounts_never_share_a_name(one: str, other: str, host: str) -> None:
    origin = origin_of(f"https://{host}")
    assert (key_name(one, origin) == key_name(other, origin)) is (one == other)


def test_keys_are_secret_and_addresses_are_not() -> None:
    account = Account("work", "kimi", "intl", "https://kimi.invalid/v1")
    key, address = names_of(account)
    assert (is_secret(key), is_secret(address), is_secret("audit"), is_secret("opened")) == (
        True,
        False,
        True,
        False,
    )
    assert names_of(account, "https://other.invalid:443")[0] != key


def test_the_store_in_one_line() -> None:
    assert StoreStatus("vault", StoreState.LOCKED, has_vault=True).words == "vault (locked)"
    status = StoreStatus("no keyring", StoreState.ABSENT, environment=("EXAI_DESKTOP_KEY_WORK",))
    assert status.words == "no keyring (absent), EXAI_DESKTOP_KEY_WORK"
