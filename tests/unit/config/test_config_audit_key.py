"""The key of the audit trail: in the keyring, else in a file; and the file with its anchor."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from keyring.errors import KeyringLocked

from exai_desktop.config import secret_store
from exai_desktop.config import vault as config_vault
from exai_desktop.config.audit_key import BY_FILE, KeptAnchor, load_seal
from exai_desktop.config.audit_signing import StoredSigner, signature_fits
from exai_desktop.config.credentials import AccountKeys
from exai_desktop.config.secret_store import KeyringStore, SessionStore, StoreInUse
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import ANCHOR_OF_COPY, SecretStore
from exai_desktop.core.audit.audit import KEY_BYTES, Seal, key_id
from exai_desktop.core.audit.check import NO_ROWS, Anchoring, AuditHead
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AccountError
from tests.lasting_store import LastingStore
from tests.own_time import OwnTime

from .memory_keyring import MemoryKeyring

AUDIT = Account("audit", "kimi", "intl", "https://kimi.invalid/v1")


@pytest.fixture
def backend() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def keys(backend: MemoryKeyring) -> KeyringStore:
    return KeyringStore("profile", backend)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.key"


def test_the_key_lies_in_the_keyring_and_stays(
    keys: KeyringStore, backend: MemoryKeyring, file: Path
) -> None:
    seal = load_seal(keys, file)
    assert len(seal.key) == KEY_BYTES
    assert load_seal(keys, file) == seal
    assert list(backend.items) == [("exai-desktop", "profile/audit")]
    # For a session in which the keyring is locked, and known before.
    [in_file] = seal.others
    assert file.read_text(encoding="ascii").strip() == in_file.hex()
    assert (seal.protected_by, seal.by_file) == (keys.kind, frozenset({key_id(in_file)}))


def test_an_account_called_audit_has_a_key_of_its_own(keys: KeyringStore, file: Path) -> None:
    seal = load_seal(keys, file)
    AccountKeys(keys).set(AUDIT, "sk-not-a-real-key-at-all")
    assert load_seal(keys, file).key == seal.key


def test_without_a_keyring_a_file_for_its_owner_alone(file: Path) -> None:
    seal = load_seal(SessionStore(), file)
    assert len(seal.key) == KEY_BYTES
    assert load_seal(SessionStore(), file) == seal
    assert (seal.protected_by, seal.by_file) == (BY_FILE, frozenset({key_id(seal.key)}))
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_locked_keyring_means_the_file_until_it_is_open_again(
    keys: KeyringStore, backend: MemoryKeyring, file: Path
) -> None:
    before = load_seal(keys, file)
    backend.failure = KeyringLocked("locked")
    locked = load_seal(keys, file)
    assert locked.protected_by == BY_FILE
    assert locked.key != before.key
    backend.failure = None
    after = load_seal(KeyringStore("profile", backend), file)
    assert after.key == before.key
    # What was sealed with the file's key can still be checked, and is told apart.
    assert after.keys[key_id(locked.key)] == locked.key
    assert after.by_file == {key_id(locked.key)}


def test_a_silent_keyring_does_not_hold_up_the_start(
    keys: KeyringStore,
    backend: MemoryKeyring,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secret_store, "_START_LIMIT_S", 0.1)
    backend.silent_s = 2.0
    own = OwnTime()
    assert load_seal(keys, file).protected_by == BY_FILE
    assert own.seconds() < 1.5


@pytest.mark.parametrize("damage", ["", "zz", "abcd", "ключ"])
def test_a_damaged_key_is_replaced(
    keys: KeyringStore, backend: MemoryKeyring, file: Path, damage: str
) -> None:
    backend.items["exai-desktop", "profile/audit"] = damage
    assert len(load_seal(keys, file).key) == KEY_BYTES
    file.write_text(damage, encoding="utf-8")
    assert len(load_seal(SessionStore(), file).key) == KEY_BYTES


REAL = """
import sys
from pathlib import Path
from exai_desktop.config.audit_key import load_seal
from exai_desktop.config.secret_store import KeyringStore
first = load_seal(KeyringStore("audited"), Path(sys.argv[1]))
assert load_seal(KeyringStore("audited"), Path(sys.argv[1])) == first
assert load_seal(KeyringStore("another"), Path(sys.argv[1])).key != first.key
print(first.protected_by)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_a_real_keyring(secret_service: dict[str, str], file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", REAL, str(file)],
        env=os.environ | secret_service,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "Secret Service"), done.stderr


def test_an_anchor_comes_back_as_it_was(tmp_path: Path) -> None:
    anchors = KeptAnchor(tmp_path / "anchor.json", SessionStore())
    assert anchors.load().anchor is None
    first = Seal(bytes(32)).anchor(1, "ab", "then")
    second = Seal(bytes(32)).anchor(2, "cd", "now")
    anchors.save(first)
    anchors.save(second)
    assert anchors.load().anchor == second
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "anchor.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"seq": "1"}', b"\xff"])
def test_a_damaged_anchor_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "anchor.json").write_bytes(text)
    assert KeptAnchor(tmp_path / "anchor.json", SessionStore()).load().anchor is None


def test_an_anchor_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    KeptAnchor(tmp_path / "taken" / "anchor.json", SessionStore()).save(
        Seal(bytes(32)).anchor(1, "ab", "then")
    )


def test_the_anchor_in_the_key_store_goes_before_the_file(tmp_path: Path) -> None:
    """Who may write the profile can forge the file, or delete it."""
    store, path = LastingStore(), tmp_path / "anchor.json"
    true = Seal(bytes(32)).anchor(7, "ab", "then")
    KeptAnchor(path, store).save(true)
    forged = Seal(b"1" * 32).anchor(9, "cd", "later")
    KeptAnchor(path, SessionStore()).save(forged)
    assert KeptAnchor(path, SessionStore()).load().anchor == forged
    assert KeptAnchor(path, store).load().anchor == true
    path.unlink()
    assert KeptAnchor(path, store).load().anchor == true
    store.error = AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED)
    assert KeptAnchor(path, store).load() == Anchoring(away="the keyring is locked")
    KeptAnchor(path, store).save(true)
    assert KeptAnchor(path, store).load().anchor == true


# -- which keys count


class Profile:
    """What lies in the folder, and the key store beside it."""

    def __init__(self, folder: Path, store: SecretStore) -> None:
        self.key, self.anchor, self.store = folder / "audit.key", folder / "anchor.json", store

    def start(self) -> tuple[Seal, Anchoring]:
        """What a start of the program does."""
        seal = load_seal(self.store, self.key)
        return seal, KeptAnchor(self.anchor, self.store, seal).load()

    def forge_key(self) -> str:
        """As somebody who may write the profile; returns the id of that key."""
        self.key.write_text(bytes(32).hex())
        return key_id(bytes(32))


def test_the_first_start_accepts_its_keys_and_anchors_no_row(tmp_path: Path) -> None:
    profile = Profile(tmp_path, LastingStore())
    seal, noted = profile.start()
    assert noted.accepted == frozenset(seal.keys)
    assert len(seal.keys) == 2
    assert noted.anchor is not None
    assert (noted.anchor.seq, noted.place, noted.away) == (0, "test store", "")
    assert seal.holds(noted.anchor)
    assert profile.start() == (seal, noted)


def test_a_key_that_somebody_puts_into_the_file_is_not_accepted(tmp_path: Path) -> None:
    profile = Profile(tmp_path, LastingStore())
    profile.start()
    forged = profile.forge_key()
    seal, noted = profile.start()
    # It can be checked with, and does not count.
    assert forged in seal.keys
    assert noted.accepted is not None
    assert forged not in noted.accepted


def test_a_key_made_anew_is_accepted_while_the_key_store_answers(tmp_path: Path) -> None:
    store = LastingStore()
    profile = Profile(tmp_path, store)
    before, _ = profile.start()
    profile.key.unlink()
    seal, noted = profile.start()
    assert noted.accepted == frozenset({*seal.keys, *before.keys})
    # In a locked session nobody can note it: its rows are told later.
    profile.key.unlink()
    store.error = AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED)
    locked, away = profile.start()
    assert away == Anchoring(away="the keyring is locked")
    store.error = None
    _, after = profile.start()
    assert after.accepted == noted.accepted
    assert not after.accepted & set(locked.keys)


def test_a_damaged_key_in_the_key_store_is_replaced_by_one_that_counts(tmp_path: Path) -> None:
    profile = Profile(tmp_path, LastingStore())
    profile.start()
    profile.store.set("audit", "zz")
    seal, noted = profile.start()
    assert noted.accepted is not None
    assert key_id(seal.key) in noted.accepted


@pytest.mark.parametrize("of_the_store", [True, False])
def test_a_profile_of_an_earlier_version_is_taken_over_as_it_is(
    tmp_path: Path, of_the_store: bool
) -> None:
    """It had the anchor in the file alone, then in the key store, too; and rows of both keys."""
    profile, key = Profile(tmp_path, LastingStore()), b"1" * 32
    profile.forge_key()
    profile.store.set("audit", key.hex())
    anchor = Seal(key).anchor(7, "ab", "then")
    KeptAnchor(profile.anchor, profile.store if of_the_store else SessionStore()).save(anchor)
    seal, noted = profile.start()
    assert (noted.anchor, noted.accepted) == (anchor, frozenset(seal.keys))
    profile.anchor.unlink()
    assert profile.start() == (seal, noted)


def test_a_store_that_is_opened_later_accepts_its_own_key_too(tmp_path: Path) -> None:
    store = LastingStore()
    store.set("audit", (b"1" * 32).hex())
    profile = Profile(tmp_path, store)
    store.error = AccountError(ErrorCode.VAULT_LOCKED)
    seal, noted = profile.start()
    assert noted.away == "the vault is locked"
    store.error = None
    later = KeptAnchor(profile.anchor, store, seal).load()
    assert later.accepted == frozenset({*seal.keys, key_id(b"1" * 32)})


def test_an_anchor_that_was_taken_away_stays_away(tmp_path: Path) -> None:
    profile = Profile(tmp_path, LastingStore())
    seal, _ = profile.start()
    KeptAnchor(profile.anchor, SessionStore()).save(seal.anchor(3, "ab", "then"))
    profile.store.delete("anchor")
    _, noted = profile.start()
    assert noted.anchor is None
    assert noted.is_lost


def test_what_the_user_accepts_counts_from_then_on(tmp_path: Path) -> None:
    profile = Profile(tmp_path, LastingStore())
    profile.start()
    forged = profile.forge_key()
    seal, _ = profile.start()
    anchor = seal.anchor(3, "ab", "then")
    KeptAnchor(profile.anchor, profile.store, seal).accept(anchor, seal.keys, NO_ROWS)
    _, noted = profile.start()
    assert noted.anchor == anchor
    assert noted.accepted is not None
    assert forged in noted.accepted


def test_a_vault_that_cannot_be_written_is_no_fault_of_the_trail(tmp_path: Path) -> None:
    """A profile that can only be read, or a full disk."""
    vault = VaultStore(tmp_path / "vault")
    vault.create("correct horse battery staple", "", {"audit": (b"1" * 32).hex()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config_vault, "write_file", _full)
        seal = load_seal(vault, tmp_path / "audit.key", is_kept=False)
        anchors = KeptAnchor(tmp_path / "anchor.json", vault, seal)
        assert anchors.load() == Anchoring(away="nothing can be noted in: vault")
        anchors.save(seal.anchor(1, "ab", "then"))
        assert load_seal(vault, tmp_path / "audit.key").key == seal.key
    assert Profile(tmp_path, vault).start()[1].place == "vault"


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_rows_that_were_accepted_without_their_keys_are_noted(tmp_path: Path) -> None:
    profile = Profile(tmp_path, LastingStore())
    seal, before = profile.start()
    for head in (AuditHead(9, "ab", "cd"), AuditHead(12, "ef", "01")):
        anchors = KeptAnchor(profile.anchor, profile.store, seal)
        anchors.accept(seal.anchor(head.seq, head.mac, "then"), seal.keys, head)
        _, noted = profile.start()
        assert (noted.taken, noted.accepted) == (head, before.accepted)


def test_a_new_profile_from_a_copy_begins_with_the_anchor_of_the_copy(tmp_path: Path) -> None:
    profile = Profile(tmp_path, LastingStore())
    seal, _ = profile.start()
    anchor = seal.anchor(3, "ab", "then")
    KeptAnchor(profile.anchor, SessionStore()).save(anchor)
    profile.store.set("anchor", ANCHOR_OF_COPY)
    assert profile.start()[1].anchor == anchor
    profile.anchor.unlink()
    assert profile.start()[1].anchor == anchor
    # One that somebody has forged is none.
    profile.store.set("anchor", ANCHOR_OF_COPY)
    forged = profile.forge_key()
    KeptAnchor(profile.anchor, SessionStore()).save(Seal(bytes(32)).anchor(1, "ab", "then"))
    seal, noted = profile.start()
    assert forged in seal.keys
    assert noted.is_lost


def test_a_run_asks_the_key_store_once_and_notes_what_it_has_noted(tmp_path: Path) -> None:
    store = LastingStore()
    profile = Profile(tmp_path, store)
    seal, _ = profile.start()
    anchors = KeptAnchor(profile.anchor, store, seal)
    before = anchors.load()
    store.error = AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED)
    assert anchors.known() == before
    store.error = None
    anchor = seal.anchor(3, "ab", "then")
    anchors.save(anchor)
    assert anchors.known() == replace(before, anchor=anchor)
    # What could not be noted is asked for again, and so is a store that was locked.
    store.error = AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED)
    anchors.save(seal.anchor(4, "cd", "then"))
    assert anchors.known().away == "the keyring is locked"
    store.error = None
    assert anchors.known().anchor == anchor


def test_without_a_key_store_the_file_is_all_there_is(tmp_path: Path) -> None:
    profile = Profile(tmp_path, SessionStore())
    seal, noted = profile.start()
    assert noted == Anchoring()
    anchor = seal.anchor(3, "ab", "then")
    KeptAnchor(profile.anchor, profile.store, seal).accept(anchor, seal.keys, NO_ROWS)
    assert profile.start() == (seal, Anchoring(anchor))


def test_a_keyring_that_does_not_answer_is_not_an_absent_one(
    backend: MemoryKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_store, "_RETRY_WAITS_S", ())
    monkeypatch.setattr(secret_store, "secure_backend", lambda: None)
    backend.failure = RuntimeError("broken")
    _, broken = Profile(tmp_path, KeyringStore("profile", backend)).start()
    assert broken.away == "the keyring does not answer"
    _, absent = Profile(tmp_path, KeyringStore("profile")).start()
    assert absent.away == ""


def test_a_vault_takes_all_along_and_the_keyring_keeps_what_shows_a_forgery(
    keys: KeyringStore, backend: MemoryKeyring, tmp_path: Path
) -> None:
    profile = Profile(tmp_path, StoreInUse(VaultStore(tmp_path / "vault"), keys))
    seal, noted = profile.start()
    StoredSigner(profile.store).public_key()
    assert isinstance(profile.store, StoreInUse)
    profile.store.create_vault("correct horse battery staple", "", [])
    after, there = profile.start()
    assert (after.keys, there.accepted, there.anchor) == (seal.keys, noted.accepted, noted.anchor)
    assert there.place == "vault"
    left = {name.partition("/")[2] for _, name in backend.items}
    assert left == {"anchor", "audit-keys"}
    # Somebody deletes the vault, and puts an own key into the file.
    (tmp_path / "vault").unlink()
    forged = profile.forge_key()
    _, back = Profile(tmp_path, keys).start()
    assert back.accepted is not None
    assert forged not in back.accepted


# -- signatures


def test_the_key_of_signatures_is_made_once_and_is_secret() -> None:
    store = LastingStore()
    public = StoredSigner(store).public_key()
    assert StoredSigner(store).public_key() == public
    kept = store.get("audit-signing")
    assert kept is not None
    assert kept not in redact(f"it is {kept}")
    assert kept != public
    signature = StoredSigner(store).sign(b"text")
    assert StoredSigner(store).has_signed(b"text", signature)
    assert signature_fits(public, b"text", signature)
    assert not signature_fits(public, b"texts", signature)
    for damaged in ("", "zz", signature[:-2], "00" * 64):
        assert not signature_fits(public, b"text", damaged)
    for damaged in ("", "zz", "00"):
        assert not signature_fits(damaged, b"text", signature)


@pytest.mark.parametrize("damage", ["", "zz", "abcd"])
def test_a_damaged_key_of_signatures_is_told_and_not_replaced(damage: str) -> None:
    store = LastingStore()
    store.set("audit-signing", damage)
    with pytest.raises(AccountError) as told:
        StoredSigner(store).public_key()
    assert told.value.code is ErrorCode.CREDENTIAL_STORE_UNAVAILABLE
    assert store.get("audit-signing") == damage


def test_nothing_is_signed_with_a_key_that_would_be_lost() -> None:
    with pytest.raises(AccountError):
        StoredSigner(SessionStore()).public_key()
