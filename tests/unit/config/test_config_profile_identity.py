"""One profile, one id: whatever its path; and a copy is noticed by whoever opens the second."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from keyring.errors import KeyringLocked

from exai_desktop.config import profile_identity
from exai_desktop.config.credentials import AccountKeys
from exai_desktop.config.paths import Places, places
from exai_desktop.config.profile_identity import NAME, Choice, Copied, ProfileIdentity
from exai_desktop.config.secret_store import KeyringStore, SessionStore, StoreInUse
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import ANCHOR_OF_COPY
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

from .memory_keyring import MemoryKeyring

WORK = Account("work", "kimi", "intl", "https://kimi.invalid/v1")
KEY = "sk-obviously-not-a-key-0123456789"


@pytest.fixture
def backend() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "profile"


def start(home: Path, backend: MemoryKeyring, now: float | None = None) -> str:
    """One start of the program, up to where a copy is noticed; returns the profile's id."""
    identity = ProfileIdentity(places(home))
    identity.check(KeyringStore(identity.id, backend), computer(backend), now)
    return identity.id


def computer(backend: MemoryKeyring) -> KeyringStore:
    return KeyringStore("this-computer", backend)


def copied(home: Path, target: Path) -> Path:
    shutil.copytree(home, target)
    return target


def why_refused(home: Path, backend: MemoryKeyring) -> str:
    with pytest.raises(EngineError) as caught:
        start(home, backend)
    assert caught.value.code is ErrorCode.PROFILE_COPIED
    return caught.value.detail


def settled(home: Path, backend: MemoryKeyring, choice: Choice) -> str:
    identity = ProfileIdentity(places(home))
    identity.settle(choice, StoreInUse(None, KeyringStore(identity.id, backend)), [WORK])
    return identity.id


def test_the_id_stays_and_tells_nothing_of_the_path(home: Path, backend: MemoryKeyring) -> None:
    first = start(home, backend)
    assert start(home, backend) == first
    assert len(first) == 32
    assert first not in places(home).former_ids


def test_a_moved_folder_is_the_same_profile(home: Path, backend: MemoryKeyring) -> None:
    first = start(home, backend)
    moved = home.rename(home.with_name("moved"))
    assert start(moved, backend) == first
    # And what is made at the old place is another one.
    assert start(home, backend) != first
    assert start(moved, backend) == first


def test_a_copy_beside_the_profile_is_noticed(home: Path, backend: MemoryKeyring) -> None:
    start(home, backend)
    copy = copied(home, home.with_name("copy"))
    assert str(home) in why_refused(copy, backend)
    # The profile itself goes on.
    start(home, backend)
    # Also without any store that lasts.
    identity = ProfileIdentity(places(copy))
    with pytest.raises(EngineError):
        identity.check(SessionStore())


def test_an_older_state_put_back_is_noticed(home: Path, backend: MemoryKeyring) -> None:
    start(home, backend)
    kept = copied(home, home.with_name("kept"))
    start(home, backend)
    shutil.rmtree(home)
    kept.rename(home)
    assert "opened 2 times" in why_refused(home, backend)
    # It is not settled by trying again.
    why_refused(home, backend)


def test_a_folder_from_another_computer_is_noticed(home: Path, backend: MemoryKeyring) -> None:
    start(home, backend)
    elsewhere = MemoryKeyring()
    assert "another computer" in why_refused(home, elsewhere)
    settled(home, elsewhere, Choice.KEEP)
    start(home, elsewhere)
    # A memory stick that goes back and forth is no copy.
    start(home, backend)
    start(home, elsewhere)


def test_this_one_lives_on(home: Path, backend: MemoryKeyring) -> None:
    first = start(home, backend)
    copy = copied(home, home.with_name("copy"))
    start(home, backend)
    why_refused(copy, backend)
    assert settled(copy, backend, Choice.KEEP) == first
    assert start(copy, backend) == first
    # Now the other one is asked.
    assert str(copy) in why_refused(home, backend)


def test_this_is_a_new_profile(home: Path, backend: MemoryKeyring) -> None:
    first = start(home, backend)
    keys = AccountKeys(KeyringStore(first, backend))
    keys.set(WORK, KEY)
    KeyringStore(first, backend).set("audit", "aa")
    KeyringStore(first, backend).set("anchor", "of the newest row")
    copy = copied(home, home.with_name("copy"))
    why_refused(copy, backend)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile_identity, "KeyringStore", lambda owner: KeyringStore(owner, backend))
        second = settled(copy, backend, Choice.NEW)
    assert second != first
    for profile_id, folder in ((first, home), (second, copy)):
        assert start(folder, backend) == profile_id
        assert AccountKeys(KeyringStore(profile_id, backend)).get(WORK) == KEY
        assert KeyringStore(profile_id, backend).get("audit") == "aa"
    # The first one may have gone on: its newest row is not the copy's.
    assert KeyringStore(second, backend).get("anchor") == ANCHOR_OF_COPY


def test_a_new_profile_keeps_its_copy_of_the_vault(home: Path, backend: MemoryKeyring) -> None:
    where = places(home)
    ProfileIdentity(where)
    vault = VaultStore(where.vault)
    vault.create("a passphrase for tests", "", {"opened": "5", "audit": "aa"})
    store = StoreInUse(vault, KeyringStore("p", backend))
    ProfileIdentity(where).settle(Choice.NEW, store, [WORK])
    assert (vault.get("audit"), vault.get("opened")) == ("aa", None)
    ProfileIdentity(where).check(store)
    assert vault.get("opened") == "1"


def test_what_was_chosen_is_told_once(home: Path, backend: MemoryKeyring) -> None:
    start(home, backend, now=1_000.0)
    assert ProfileIdentity(places(home)).choice is None
    kept = copied(home, home.with_name("kept"))
    start(home, backend, now=2_000.0)
    shutil.rmtree(home)
    kept.rename(home)
    why_refused(home, backend)
    settled(home, backend, Choice.KEEP)
    # From the last start on that this folder knows of, however often it is begun.
    for now in (3_000.0, 4_000.0):
        start(home, backend, now=now)
        assert ProfileIdentity(places(home)).choice == Copied(Choice.KEEP, 1_000.0)
    ProfileIdentity(places(home)).choice_noted(4_000.0)
    assert ProfileIdentity(places(home)).choice is None


def test_a_keyring_that_does_not_answer_is_no_copy(home: Path, backend: MemoryKeyring) -> None:
    first = start(home, backend)
    backend.failure = KeyringLocked("locked")
    assert start(home, backend) == first
    backend.failure = None
    assert start(home, backend) == first


def test_a_crash_between_file_and_keyring_is_no_copy(home: Path, backend: MemoryKeyring) -> None:
    first = start(home, backend)
    before = dict(backend.items)
    start(home, backend)
    backend.items = before
    assert start(home, backend) == first


def test_a_damaged_file_is_an_error_and_no_new_id(home: Path, backend: MemoryKeyring) -> None:
    start(home, backend)
    (home / NAME).write_text("{}")
    with pytest.raises(EngineError) as caught:
        start(home, backend)
    assert caught.value.code is ErrorCode.DATABASE_ERROR
    assert NAME in caught.value.detail


# -- profiles of earlier versions


def earlier(home: Path, backend: MemoryKeyring) -> Places:
    """As an earlier version left it: keys under the hash of the path, no id."""
    where = places(home)
    where.settings_file.write_text(json.dumps({"version": 1, "settings": {}, "accounts": []}))
    former = where.former_ids[0]
    backend.items["exai-desktop", f"{former}:work"] = KEY
    backend.items["exai-desktop", f"{former}/audit"] = "aa"
    return where


def test_keys_of_an_earlier_version_are_found_and_moved(home: Path, backend: MemoryKeyring) -> None:
    identity = ProfileIdentity(earlier(home, backend))
    keyring = KeyringStore(identity.id, backend)
    identity.carry_over(keyring, [WORK])
    assert AccountKeys(keyring).get(WORK) == KEY
    assert keyring.get("audit") == "aa"
    assert all(name.startswith(identity.id) for _, name in backend.items)
    # Once: what has the old name later is not of this profile.
    backend.items["exai-desktop", f"{places(home).former_ids[0]}:work"] = "sk-of-somebody-else"
    again = ProfileIdentity(places(home))
    again.carry_over(KeyringStore(again.id, backend), [WORK])
    assert AccountKeys(keyring).get(WORK) == KEY


def test_without_the_keyring_they_are_moved_later(home: Path, backend: MemoryKeyring) -> None:
    where = earlier(home, backend)
    backend.failure = KeyringLocked("locked")
    identity = ProfileIdentity(where)
    identity.carry_over(KeyringStore(identity.id, backend), [WORK])
    backend.failure = None
    again = ProfileIdentity(where)
    again.carry_over(KeyringStore(again.id, backend), [WORK])
    assert AccountKeys(KeyringStore(again.id, backend)).get(WORK) == KEY


def test_a_folder_that_can_only_be_read_has_a_name_all_the_same(
    home: Path, backend: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = earlier(home, backend)

    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(profile_identity, "write_file", refused)
    assert ProfileIdentity(where).id == ProfileIdentity(where).id == where.former_ids[-1]
    start(home, backend)
    assert not os.path.exists(home / NAME)  # noqa: PTH110 - as a user would look
