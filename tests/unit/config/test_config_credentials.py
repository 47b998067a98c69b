"""Keys: where they are kept, and that they are nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked

from exai_desktop.config import credentials
from exai_desktop.config.credentials import (
    KeyringCredentials,
    SessionCredentials,
    check_key,
    choose_credentials,
    key_fingerprint,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from tests import conftest
from tests.own_time import OwnTime

KEY = "sk-obviously-not-a-key-0123456789"


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


def test_session_credentials() -> None:
    keys = SessionCredentials()
    assert keys.get("work") is None
    keys.set("work", KEY)
    assert keys.get("work") == KEY
    keys.delete("work")
    keys.delete("work")
    assert keys.get("work") is None
    assert keys.kind == "this session only"


def test_the_sandbox_never_asks_the_keyring() -> None:
    assert isinstance(choose_credentials("p", sandbox=True), SessionCredentials)


def run(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CHOSEN = "from exai_desktop.config.credentials import choose_credentials as c; print(c('p').kind)"


@pytest.mark.parametrize("backend", ["fail", "null"])
def test_keyrings_that_keep_nothing_are_refused(backend: str) -> None:
    environment = {"PYTHON_KEYRING_BACKEND": f"keyring.backends.{backend}.Keyring"}
    assert run(CHOSEN, environment) == "this session only"


def test_without_a_keyring_service_this_session_only() -> None:
    environment = {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    assert run(CHOSEN, environment) == "this session only"


def test_importing_does_not_load_the_keyring() -> None:
    code = "import sys, exai_desktop.config.credentials; print('keyring' in sys.modules)"
    assert run(code, {}) == "False"


ROUND = f"""
from exai_desktop.config.credentials import choose_credentials
keys, other = choose_credentials("one"), choose_credentials("two")
print(keys.kind)
assert keys.get("work") is None
keys.set("work", {KEY!r})
keys.set("home 家", "k" * 512)
keys.set("work", {KEY + "2"!r})
assert keys.get("work") == {KEY + "2"!r}
assert keys.get("home 家") == "k" * 512
assert other.get("work") is None
keys.delete("home 家")
keys.delete("home 家")
assert keys.get("home 家") is None
"""
AGAIN = f"""
from exai_desktop.config.credentials import choose_credentials
keys = choose_credentials("one")
assert keys.get("work") == {KEY + "2"!r}
keys.delete("work")
"""
LOCKED = """
import secretstorage
from exai_desktop.config.credentials import choose_credentials
from exai_desktop.core.errors.tree import AccountError
keys = choose_credentials("one")
keys.set("locked", "some-key")
connection = secretstorage.dbus_init()
collection = secretstorage.get_default_collection(connection)
collection.lock()
connection.close()
try:
    keys.get("locked")
except AccountError as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_a_real_keyring(secret_service: dict[str, str]) -> None:
    assert run(ROUND, secret_service) == "Secret Service"
    run(AGAIN, secret_service)


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_a_locked_keyring_is_told(own_secret_service: dict[str, str]) -> None:
    assert run(LOCKED, own_secret_service) == "CREDENTIAL_STORE_LOCKED"


@pytest.fixture
def own_secret_service(secret_service: dict[str, str]) -> Iterator[dict[str, str]]:
    """Not the one of the session: locking that would lock everybody out."""
    root = Path(tempfile.mkdtemp(prefix="exai-"))
    started: list[subprocess.Popen[bytes]] = []
    try:
        environment = secret_service | conftest._xdg_folders(root) | {"HOME": str(root)}
        environment["DBUS_SESSION_BUS_ADDRESS"] = conftest._start_bus(root, started)
        conftest._start_keyring(root, environment, started)
        yield environment
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(60)
        shutil.rmtree(root, ignore_errors=True)


class Backend(KeyringBackend):
    """A keyring that behaves badly in a chosen way: no real one does so on demand."""

    priority: float = 5

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.error = error
        self.answer = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        if self.error is None:
            self.answer.wait(30)
            return None
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        self.get_password(service, username)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyringLocked(f"item {KEY}"), ErrorCode.CREDENTIAL_STORE_LOCKED),
        (InitError(f"no {KEY}"), ErrorCode.CREDENTIAL_STORE_UNAVAILABLE),
        (OSError(f"bus {KEY}"), ErrorCode.CREDENTIAL_STORE_UNAVAILABLE),
    ],
)
def test_failures_are_named_and_say_nothing_secret(error: Exception, code: ErrorCode) -> None:
    keys = KeyringCredentials("p", Backend(error))
    calls: list[Callable[[], object]] = [
        lambda: keys.get("work"),
        lambda: keys.set("work", KEY),
        lambda: keys.delete("work"),
    ]
    for call in calls:
        with pytest.raises(AccountError) as caught:
            call()
        assert caught.value.code is code
        assert KEY not in str(caught.value)


def test_a_keyring_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_LIMIT_S", 0.2)
    backend = Backend()
    own = OwnTime()
    with pytest.raises(AccountError) as caught:
        KeyringCredentials("p", backend).get("work")
    assert own.seconds() < 5
    assert caught.value.code is ErrorCode.CREDENTIAL_STORE_LOCKED
    backend.answer.set()


class PlaintextKeyring(Backend):
    """Named like the one that writes keys into a readable file."""


class HalfHearted(Backend):
    priority = 0.5


@pytest.mark.parametrize(
    ("kind", "secure"), [(Backend, True), (PlaintextKeyring, False), (HalfHearted, False)]
)
def test_only_secure_keyrings_are_taken(kind: type[Backend], secure: bool) -> None:
    assert credentials._is_secure(kind()) is secure
