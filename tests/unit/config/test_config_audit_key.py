"""The key of the audit trail: in the keyring, else in a file; and the file with its anchor."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from exai_desktop.config import credentials
from exai_desktop.config.audit_key import BY_FILE, JsonAnchorFile, load_seal
from exai_desktop.config.credentials import KeyringCredentials, SessionCredentials
from exai_desktop.core.audit.audit import KEY_BYTES, Seal, key_id
from tests.own_time import OwnTime


class MemoryKeyring(KeyringBackend):
    """A keyring that can be locked, or fall silent, while the program runs."""

    priority: float = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.items: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None
        self.silent_s = 0.0

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(self.silent_s)
        if self.failure is not None:
            raise self.failure
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.items[service, username] = password


@pytest.fixture
def backend() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def keys(backend: MemoryKeyring) -> KeyringCredentials:
    return KeyringCredentials("profile", backend)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.key"


def test_the_key_lies_in_the_keyring_and_stays(
    keys: KeyringCredentials, backend: MemoryKeyring, file: Path
) -> None:
    seal = load_seal(keys, file)
    assert len(seal.key) == KEY_BYTES
    assert load_seal(keys, file) == seal
    assert list(backend.items) == [("exai-desktop", "profile/audit")]
    assert not file.exists()
    assert (seal.protected_by, seal.by_file) == (keys.kind, frozenset())


def test_an_account_called_audit_has_a_key_of_its_own(keys: KeyringCredentials, file: Path) -> None:
    seal = load_seal(keys, file)
    keys.set("audit", "sk-not-a-real-key-at-all")
    assert load_seal(keys, file).key == seal.key


def test_without_a_keyring_a_file_for_its_owner_alone(file: Path) -> None:
    seal = load_seal(SessionCredentials(), file)
    assert len(seal.key) == KEY_BYTES
    assert load_seal(SessionCredentials(), file) == seal
    assert (seal.protected_by, seal.by_file) == (BY_FILE, frozenset({key_id(seal.key)}))
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_locked_keyring_means_the_file_until_it_is_open_again(
    keys: KeyringCredentials, backend: MemoryKeyring, file: Path
) -> None:
    before = load_seal(keys, file)
    backend.failure = KeyringLocked("locked")
    locked = load_seal(keys, file)
    assert locked.protected_by == BY_FILE
    assert locked.key != before.key
    backend.failure = None
    after = load_seal(keys, file)
    assert after.key == before.key
    # What was sealed with the file's key can still be checked, and is told apart.
    assert after.keys[key_id(locked.key)] == locked.key
    assert after.by_file == {key_id(locked.key)}


def test_a_silent_keyring_does_not_hold_up_the_start(
    keys: KeyringCredentials,
    backend: MemoryKeyring,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credentials, "_AUDIT_LIMIT_S", 0.1)
    backend.silent_s = 2.0
    own = OwnTime()
    assert load_seal(keys, file).protected_by == BY_FILE
    assert own.seconds() < 1.5


@pytest.mark.parametrize("damage", ["", "zz", "abcd", "ключ"])
def test_a_damaged_key_is_replaced(
    keys: KeyringCredentials, backend: MemoryKeyring, file: Path, damage: str
) -> None:
    backend.items["exai-desktop", "profile/audit"] = damage
    assert len(load_seal(keys, file).key) == KEY_BYTES
    file.write_text(damage, encoding="utf-8")
    assert len(load_seal(SessionCredentials(), file).key) == KEY_BYTES


REAL = """
import sys
from pathlib import Path
from exai_desktop.config.audit_key import load_seal
from exai_desktop.config.credentials import choose_credentials
first = load_seal(choose_credentials("audited"), Path(sys.argv[1]))
assert load_seal(choose_credentials("audited"), Path(sys.argv[1])) == first
assert load_seal(choose_credentials("another"), Path(sys.argv[1])).key != first.key
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
    anchors = JsonAnchorFile(tmp_path / "anchor.json")
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
    assert JsonAnchorFile(tmp_path / "anchor.json").load() is None


def test_an_anchor_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    JsonAnchorFile(tmp_path / "taken" / "anchor.json").save(Seal(bytes(32)).anchor(1, "ab", "then"))
