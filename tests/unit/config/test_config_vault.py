"""The vault: only its passphrase opens it, and nothing in it can be changed unseen."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.config import vault as vault_module
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError

PASSPHRASE = "a passphrase for tests"
KEY = "sk-obviously-not-a-key-0123456789"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least scrypt that the format allows: these tests are not about its cost."""
    cost = vault_module._Cost(n=2**14, p=1)
    monkeypatch.setattr(vault_module, "_Cost", lambda *given: cost if not given else _Real(*given))


_Real = vault_module._Cost


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault"


@pytest.fixture
def vault(path: Path) -> VaultStore:
    made = VaultStore(path)
    made.create(PASSPHRASE, "", {"audit": "aa"})
    return made


def opened(path: Path, passphrase: str = PASSPHRASE) -> VaultStore:
    again = VaultStore(path)
    again.unlock(passphrase)
    return again


def test_what_was_stored_is_there_at_the_next_start(vault: VaultStore, path: Path) -> None:
    vault.set("key of 家", KEY)
    vault.set("key of 家", KEY)
    vault.set("gone", "x")
    vault.delete("gone")
    vault.delete("gone")
    again = opened(path)
    assert (again.get("key of 家"), again.get("audit"), again.get("gone")) == (KEY, "aa", None)
    assert (again.kind, again.is_lasting, again.available()) == ("vault", True, True)


def test_nothing_of_it_is_readable_and_nobody_else_may_try(vault: VaultStore, path: Path) -> None:
    vault.set("key of work", KEY)
    raw = path.read_bytes()
    for text in (KEY, "key of work", PASSPHRASE, base64.b64encode(KEY.encode()).decode()):
        assert text.encode() not in raw
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_content_never_looks_the_same(vault: VaultStore, path: Path) -> None:
    seen = set()
    for number in range(20):
        vault.set("number", str(number % 2))
        seen.add(path.read_bytes())
    assert len(seen) == 20


def test_a_wrong_passphrase_opens_nothing(vault: VaultStore, path: Path) -> None:
    with pytest.raises(AccountError) as caught:
        opened(path, PASSPHRASE + " ")
    assert caught.value.code is ErrorCode.WRONG_PASSPHRASE
    assert PASSPHRASE not in str(caught.value)


def test_without_a_passphrase_it_is_locked(vault: VaultStore, path: Path) -> None:
    locked = VaultStore(path)
    assert not locked.available()
    calls: list[Callable[[], object]] = [
        lambda: locked.get("audit"),
        lambda: locked.set("audit", "bb"),
        lambda: locked.delete("audit"),
    ]
    for call in calls:
        with pytest.raises(AccountError) as caught:
            call()
        assert caught.value.code is ErrorCode.VAULT_LOCKED


def test_another_passphrase_means_another_key(vault: VaultStore, path: Path) -> None:
    before = path.read_bytes()
    VaultStore(path).change_passphrase(PASSPHRASE, "another passphrase", "/etc/exai.key")
    with pytest.raises(AccountError):
        opened(path)
    again = opened(path, "another passphrase")
    assert (again.get("audit"), again.key_file) == ("aa", "/etc/exai.key")
    salts = {json.loads(raw.split(b"\n")[0])["salt"] for raw in (before, path.read_bytes())}
    assert len(salts) == 2
    with pytest.raises(AccountError):
        VaultStore(path).change_passphrase(PASSPHRASE, "another passphrase", "")


@pytest.mark.parametrize("passphrase", ["", "seven c", "two\nlines of it", "x" * 5_000])
def test_passphrases_that_are_none(path: Path, passphrase: str) -> None:
    with pytest.raises(EngineError) as caught:
        VaultStore(path).create(passphrase, "", {})
    assert caught.value.code is ErrorCode.INVALID_SETTING
    assert not path.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2**15),
        ("p", 2),
        ("nonce", base64.b64encode(bytes(12)).decode()),
        ("key_file", "/tmp/mine"),
        ("salt", base64.b64encode(bytes(16)).decode()),
    ],
)
def test_the_first_line_cannot_be_changed(
    vault: VaultStore, path: Path, field: str, value: object
) -> None:
    line, rest = path.read_bytes().split(b"\n", 1)
    header = json.loads(line) | {field: value}
    path.write_bytes(json.dumps(header).encode() + b"\n" + rest)
    with pytest.raises(AccountError) as caught:
        opened(path)
    assert caught.value.code is ErrorCode.WRONG_PASSPHRASE


def test_a_line_of_another_vault_does_not_fit(vault: VaultStore, path: Path) -> None:
    other = path.with_name("other")
    VaultStore(other).create(PASSPHRASE, "", {"audit": "bb"})
    line, _ = other.read_bytes().split(b"\n", 1)
    _, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(line + b"\n" + rest)
    with pytest.raises(AccountError):
        opened(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"format": "something else"},
        {"n": 2**30},
        {"n": 2**14 + 1},
        {"r": 1_000},
        {"kdf": "none"},
        {"cipher": "none"},
        {"salt": "no base64 at all!!!!!!!!"},
        {"more": 1},
    ],
)
def test_a_file_that_is_no_vault_is_named(
    vault: VaultStore, path: Path, changes: dict[str, object]
) -> None:
    line, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(json.dumps(json.loads(line) | changes).encode() + b"\n" + rest)
    with pytest.raises(AccountError) as caught:
        opened(path)
    assert caught.value.code is ErrorCode.VAULT_DAMAGED
    assert VaultStore(path).key_file == ""


@given(st.data())
def test_no_damage_is_believed(data: st.DataObject) -> None:
    """Any byte changed, or the file cut: an error, never other content."""
    store = VaultStore(Path("unused"))
    key = bytes(32)
    whole = vault_module._encrypted(
        vault_module._Open(key, "c2FsdHNhbHRzYWx0c2FsdA==", _Real(), "", {"audit": "aa"})
    )
    at = data.draw(st.integers(0, len(whole) - 2))
    change = data.draw(st.sampled_from(["flip", "cut"]))
    broken = (
        whole[:at] if change == "cut" else whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    )
    line, _, rest = broken.partition(b"\n")
    assert store.exists() is False
    try:
        header = vault_module._Header.model_validate_json(line, strict=True)
        sealed = base64.b64decode(rest.strip(), validate=True)
        values = vault_module._decrypted(key, header.nonce, sealed, line)
    except (AppError, ValueError):
        return
    pytest.fail(f"{change} at {at} gave {values}")


def test_a_disk_that_takes_nothing_is_said_and_the_old_file_stays(
    vault: VaultStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vault_module, "write_file", full)
    with pytest.raises(EngineError):
        vault.set("key of work", KEY)
    assert path.read_bytes() == before
    assert vault.get("key of work") is None


def test_a_missing_file_is_said(path: Path) -> None:
    with pytest.raises(AccountError) as caught:
        VaultStore(path).unlock(PASSPHRASE)
    assert caught.value.code is ErrorCode.VAULT_DAMAGED


def test_nobody_without_a_vault_loads_the_cipher() -> None:
    code = "import sys, exai_desktop.config.secret_store; print('cryptography' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.strip() == "False"
