"""API keys: what can be one, and that each goes to its own address only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.config.credentials import (
    AccountKeys,
    check_key,
    key_fingerprint,
    keys_of_environment,
)
from exai_desktop.config.secret_store import KeyringStore, SessionStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import variable_of
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError

from .memory_keyring import MemoryKeyring

KEY = "sk-obviously-not-a-key-0123456789"
HERE = Account("work", "kimi", "intl", "https://api.kimi.invalid/v1")
ELSEWHERE = Account("work", "kimi", "intl", "https://api.kimi.invalid:8443/v1")
OTHER_PATH = Account("work", "kimi", "intl", "https://API.kimi.invalid:443/v2/")


@pytest.mark.parametrize(
    "key", ["", "  \n", "two words", "a\tb", "clé", "a\x00b", "a\u200bb", "k" * 513]
)
def test_what_cannot_be_a_key(key: str) -> None:
    with pytest.raises(AccountError) as caught:
        check_key(key)
    assert caught.value.code is ErrorCode.INVALID_KEY_FORMAT


@given(st.text(st.characters(codec="utf-8"), min_size=6))
def test_the_complaint_never_holds_the_key(key: str) -> None:
    try:
        assert check_key(key) == key.strip()
    except AccountError as error:
        everything = f"{error!r} {error} {error.detail} {error.__cause__!r}"
        assert len(key) < 8 or key not in everything


def test_white_space_around_a_key_goes() -> None:
    assert check_key(f"  {KEY}\r\n") == KEY


def test_the_fingerprint_tells_keys_apart_only() -> None:
    assert key_fingerprint(KEY) == key_fingerprint(KEY)
    assert key_fingerprint(KEY) != key_fingerprint(f"{KEY}x")
    assert len(key_fingerprint(KEY)) == 8
    int(key_fingerprint(KEY), 16)


def test_a_key_is_found_for_its_own_address_only() -> None:
    keys = AccountKeys(SessionStore())
    assert keys.get(HERE) is None
    keys.set(HERE, KEY)
    assert keys.get(HERE) == KEY
    # Another path on the same server is the same address.
    assert keys.get(OTHER_PATH) == KEY
    with pytest.raises(AccountError) as caught:
        keys.get(ELSEWHERE)
    assert caught.value.code is ErrorCode.ADDRESS_CHANGED
    assert "https://api.kimi.invalid:443" in caught.value.detail
    assert "https://api.kimi.invalid:8443" in caught.value.detail


def test_a_key_given_for_the_new_address_replaces_the_old_one() -> None:
    backend = MemoryKeyring()
    keys = AccountKeys(KeyringStore("p", backend))
    keys.set(HERE, KEY)
    keys.set(ELSEWHERE, KEY + "2")
    assert keys.get(ELSEWHERE) == KEY + "2"
    with pytest.raises(AccountError):
        keys.get(HERE)
    assert sorted(name for _, name in backend.items) == [
        "p/address work",
        "p/key https://api.kimi.invalid:8443 work",
    ]
    keys.delete(HERE)
    assert not backend.items


def test_an_account_can_be_removed_without_a_keyring() -> None:
    keys = AccountKeys(KeyringStore("p"))
    keys.delete(HERE)
    assert not keys.available()


def test_keys_are_taken_out_of_the_environment() -> None:
    environment = {"EXAI_DESKTOP_KEY_WORK": f"{KEY}\n", "EXAI_DESKTOP_HOME": "/p", "PATH": "/bin"}
    assert keys_of_environment(environment) == {"EXAI_DESKTOP_KEY_WORK": KEY}
    assert environment == {"EXAI_DESKTOP_HOME": "/p", "PATH": "/bin"}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "key-addresses.json"


def from_environment(notes: Path, key: str = KEY) -> AccountKeys:
    # A keyring that is not there: nothing may be asked of it.
    return AccountKeys(KeyringStore("p"), {"EXAI_DESKTOP_KEY_WORK": key}, notes)


def test_a_key_of_the_environment_belongs_to_the_first_address(notes: Path) -> None:
    assert from_environment(notes).get(HERE) == KEY
    assert from_environment(notes).get(OTHER_PATH) == KEY
    with pytest.raises(AccountError) as caught:
        from_environment(notes).get(ELSEWHERE)
    assert caught.value.code is ErrorCode.ADDRESS_CHANGED
    assert KEY not in notes.read_text()


def test_nobody_without_the_key_can_note_another_address(notes: Path) -> None:
    from_environment(notes).get(HERE)
    noted = json.loads(notes.read_text())
    noted["EXAI_DESKTOP_KEY_WORK"]["address"] = "https://api.kimi.invalid:8443"
    notes.write_text(json.dumps(noted))
    # The seal does not fit: the key is bound anew, to where the account points now.
    assert from_environment(notes).get(HERE) == KEY
    with pytest.raises(AccountError):
        from_environment(notes).get(ELSEWHERE)


def test_another_key_may_belong_to_another_address(notes: Path) -> None:
    from_environment(notes).get(HERE)
    assert from_environment(notes, KEY + "2").get(ELSEWHERE) == KEY + "2"


def test_the_account_of_the_environment_needs_no_store(notes: Path) -> None:
    keys = from_environment(notes)
    keys.set(HERE, KEY)
    with pytest.raises(AccountError):
        from_environment(notes).get(ELSEWHERE)
    # Another account of this name does not get the key for another address.
    keys.delete(HERE)
    with pytest.raises(AccountError):
        from_environment(notes).get(ELSEWHERE)
    # Unless whoever has the key says so.
    keys.set(ELSEWHERE, KEY)
    assert from_environment(notes).get(ELSEWHERE) == KEY


def test_a_key_is_not_set_beside_another_one_of_the_environment(notes: Path) -> None:
    store = SessionStore()
    keys = AccountKeys(store, {"EXAI_DESKTOP_KEY_WORK": KEY}, notes)
    with pytest.raises(AccountError) as caught:
        keys.set(HERE, KEY + "2")
    assert caught.value.code is ErrorCode.UNUSABLE_SETTING
    assert "EXAI_DESKTOP_KEY_WORK" in caught.value.detail
    assert KEY not in caught.value.detail
    assert keys.get(HERE) == KEY
    assert AccountKeys(store).get(HERE) is None


COMPANY = Account("公司", "kimi", "cn", "https://api.kimi.invalid/v1")
PRIVATE = Account("个人", "custom", "cn", "https://files.other.invalid/v1")


def of_both(notes: Path, *accounts: Account) -> AccountKeys:
    """Both names have the same variable."""
    environment = {variable_of(COMPANY.name): KEY}
    return AccountKeys(
        SessionStore(), environment, notes, lambda: [account.name for account in accounts]
    )


def test_a_variable_that_fits_two_accounts_is_for_none_of_them(notes: Path) -> None:
    assert variable_of(COMPANY.name) == variable_of(PRIVATE.name)
    keys = of_both(notes, COMPANY, PRIVATE)
    for call in (keys.get, lambda account: keys.set(account, KEY + "2")):
        with pytest.raises(AccountError) as caught:
            call(PRIVATE)
        assert caught.value.code is ErrorCode.UNUSABLE_SETTING
        assert "公司" in caught.value.detail
        assert "个人" in caught.value.detail
    # Also for one that is being added.
    with pytest.raises(AccountError):
        of_both(notes, COMPANY).set(PRIVATE, KEY)


def test_a_key_of_the_environment_does_not_go_over_to_another_name(notes: Path) -> None:
    keys = of_both(notes, COMPANY)
    assert keys.get(COMPANY) == KEY
    keys.delete(COMPANY)
    with pytest.raises(AccountError) as caught:
        of_both(notes, PRIVATE).get(PRIVATE)
    assert caught.value.code is ErrorCode.ADDRESS_CHANGED


def test_what_was_stored_is_deleted_also_beside_a_variable(notes: Path) -> None:
    store = SessionStore()
    AccountKeys(store).set(HERE, KEY)
    AccountKeys(store, {"EXAI_DESKTOP_KEY_WORK": KEY}, notes).delete(HERE)
    assert AccountKeys(store).get(HERE) is None


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"work": 3}'])
def test_damaged_notes_are_made_anew(notes: Path, text: str) -> None:
    notes.write_text(text)
    assert from_environment(notes).get(HERE) == KEY
    with pytest.raises(AccountError):
        from_environment(notes).get(ELSEWHERE)


def test_notes_that_cannot_be_written_harm_nobody(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    assert from_environment(tmp_path / "taken" / "notes").get(HERE) == KEY
