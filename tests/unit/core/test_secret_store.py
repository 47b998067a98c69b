"""What a key belongs to, and the names under which secrets lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import (
    PROFILE_NAMES,
    StoreState,
    StoreStatus,
    delete_password,
    find_password,
    is_secret,
    key_name,
    names_of,
    origin_of,
    save_password,
    variable_of,
)
from exai_desktop.core.addresses import WITH_PASSWORD


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


class Drawer(dict[str, str]):
    """A store in memory."""

    kind = "drawer"
    is_lasting = False

    def available(self) -> bool:
        return True

    def set(self, name: str, value: str) -> None:
        self[name] = value

    def delete(self, name: str) -> None:
        self.pop(name, None)


def test_a_password_is_found_for_its_own_place_only() -> None:
    drawer = Drawer()
    save_password(drawer, "proxy", "http://me@gate.example:3128", "s3cr3t")
    assert find_password(drawer, "proxy", "http://me@gate.example:3128") == "s3cr3t"
    assert find_password(drawer, "proxy", "http://me@other.example:3128") is None
    assert find_password(drawer, "redis_url", "http://me@gate.example:3128") is None
    assert all(is_secret(name) and name in PROFILE_NAMES for name in drawer)
    assert delete_password(drawer, "proxy")
    assert not delete_password(drawer, "proxy")


def test_every_password_goes_along_into_another_store() -> None:
    drawer = Drawer()
    for setting in WITH_PASSWORD:
        save_password(drawer, setting, "a", "s3cr3t")
    assert len(drawer) == len(WITH_PASSWORD)
    assert set(drawer) <= set(PROFILE_NAMES)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"place": "a"}'])
def test_what_is_no_password_is_none(text: str) -> None:
    drawer = Drawer({"password proxy": text})
    assert find_password(drawer, "proxy", "a") is None


@pytest.mark.parametrize(
    ("name", "variable"),
    [("work", "EXAI_DESKTOP_KEY_WORK"), ("my work-2", "EXAI_DESKTOP_KEY_MY_WORK_2")],
)
def test_the_variable_of_an_account(name: str, variable: str) -> None:
    assert variable_of(name) == variable
