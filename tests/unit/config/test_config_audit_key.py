"""The key of the audit trail: in the keyring, else in a file; and the file with its anchor."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from keyring.errors import KeyringLocked

from exai_desktop.config import secret_store
from exai_desktop.config.audit_key import BY_FILE, KeptAnchor, load_seal
from exai_desktop.config.credentials import AccountKeys
from exai_desktop.config.secret_store import KeyringStore, SessionStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.audit.audit import KEY_BYTES, Seal, key_id
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
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
    assert not file.exists()
    assert (seal.protected_by, seal.by_file) == (keys.kind, frozenset())


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
    assert not file.exists()


def test_an_anchor_comes_back_as_it_was(tmp_path: Path) -> None:
    anchors = KeptAnchor(tmp_path / "anchor.json", SessionStore())
    assert anchors.load() is None
    first = Seal(bytes(32)).anchor(1, "ab", "then")
    second = Seal(bytes(32)).anchor(2, "cd", "now")
    anchors.save(first)
    anchors.save(second)
    assert anchors.load() == second
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "anchor.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"seq": "1"}', b"\xff"])
def test_a_damaged_anchor_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "anchor.json").write_bytes(text)
    assert KeptAnchor(tmp_path / "anchor.json", SessionStore()).load() is None


def test_an_anchor_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    KeptAnchor(tmp_path / "taken" / "anchor.json", SessionStore()).save(
        Seal(bytes(32)).anchor(1, "ab", "then")
    )


class Lasting(SessionStore):
    """A key store that the next run finds again, and that may be locked."""

    is_lasting = True
    error: AccountError | None = None

    def get(self, name: str) -> str | None:
        if self.error is not None:
            raise self.error
        return super().get(name)

    def set(self, name: str, value: str) -> None:
        if self.error is not None:
            raise self.error
        super().set(name, value)


def test_the_anchor_in_the_key_store_goes_before_the_file(tmp_path: Path) -> None:
    """Who may write the profile can forge the file, or delete it."""
    store, path = Lasting(), tmp_path / "anchor.json"
    true = Seal(bytes(32)).anchor(7, "ab", "then")
    KeptAnchor(path, store).save(true)
    forged = Seal(b"1" * 32).anchor(9, "cd", "later")
    KeptAnchor(path, SessionStore()).save(forged)
    assert KeptAnchor(path, SessionStore()).load() == forged
    assert KeptAnchor(path, store).load() == true
    path.unlink()
    assert KeptAnchor(path, store).load() == true
    store.error = AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED)
    assert KeptAnchor(path, store).load() is None
    KeptAnchor(path, store).save(true)
    assert KeptAnchor(path, store).load() == true
