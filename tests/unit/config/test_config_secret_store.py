"""Where secrets are kept: keyring, vault or memory; and that they are nowhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked

from exai_desktop.config import secret_store
from exai_desktop.config.secret_store import (
    NO_KEYRING,
    KeyringStore,
    SessionStore,
    StoreInUse,
)
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.secret_store import StoreState, StoreStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from tests import conftest
from tests.own_time import OwnTime

from .memory_keyring import MemoryKeyring

KEY = "sk-obviously-not-a-key-0123456789"


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


KIND = "from exai_desktop.config.secret_store import KeyringStore as k; print(k('p').kind)"


@pytest.mark.parametrize("backend", ["fail", "null"])
def test_keyrings_that_keep_nothing_are_refused(backend: str) -> None:
    environment = {"PYTHON_KEYRING_BACKEND": f"keyring.backends.{backend}.Keyring"}
    assert run(KIND, environment) == NO_KEYRING


def test_without_a_keyring_service_there_is_none() -> None:
    environment = {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    assert run(KIND, environment) == NO_KEYRING


def test_importing_does_not_load_the_keyring() -> None:
    code = "import sys, exai_desktop.config.secret_store; print('keyring' in sys.modules)"
    assert run(code, {}) == "False"


ROUND = f"""
from exai_desktop.config.secret_store import KeyringStore
keys, other = KeyringStore("one"), KeyringStore("two")
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
from exai_desktop.config.secret_store import KeyringStore
keys = KeyringStore("one")
assert keys.get("work") == {KEY + "2"!r}
keys.delete("work")
"""
LOCKED = """
import secretstorage
from exai_desktop.config.secret_store import KeyringStore
from exai_desktop.core.errors.tree import AccountError
keys = KeyringStore("one")
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


class OwnService:
    """Not the one of the session: locking that would lock everybody out."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="exai-"))
        self._started: list[subprocess.Popen[bytes]] = []
        self.environment = environment | conftest._xdg_folders(self._root)
        self.environment["HOME"] = str(self._root)

    def start(self) -> None:
        address = conftest._start_bus(self._root, self._started)
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        conftest._start_keyring(self._root, self.environment, self._started)

    def restart(self) -> None:
        """The service, not the bus."""
        daemon = self._started.pop()
        daemon.terminate()
        daemon.wait(60)
        conftest._start_keyring(self._root, self.environment, self._started)

    def end(self) -> None:
        for process in reversed(self._started):
            process.terminate()
            process.wait(60)
        shutil.rmtree(self._root, ignore_errors=True)


@pytest.fixture
def own_service(secret_service: dict[str, str]) -> Iterator[OwnService]:
    service = OwnService(secret_service)
    try:
        service.start()
        yield service
    finally:
        service.end()


@pytest.fixture
def own_secret_service(own_service: OwnService) -> dict[str, str]:
    return own_service.environment


# Somebody unlocks it in another program; from then on it answers again, unasked.
AGAIN_AFTER_LOCK = """
import secretstorage
from exai_desktop.config import keyring_backends
from exai_desktop.config.secret_store import KeyringStore
from exai_desktop.core.errors.tree import AccountError
keys = KeyringStore("one")
keys.set("key of work", "some-key")
backend, asked = keys._found(), []
real = backend.get_preferred_collection
backend.get_preferred_collection = lambda: asked.append(1) or real()
with keyring_backends.closing(secretstorage.dbus_init()) as connection:
    collection = secretstorage.get_default_collection(connection)
    collection.lock()
    for _ in range(5):
        try:
            keys.get("key of work")
        except AccountError as error:
            print(error.code, len(asked))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_the_dialog_of_a_locked_keyring_is_shown_once(own_secret_service: dict[str, str]) -> None:
    said = run(AGAIN_AFTER_LOCK, own_secret_service)
    assert said.splitlines() == ["CREDENTIAL_STORE_LOCKED 1"] * 5


# The bus is asked each time a connection is made.
ONE_LINE = """
import secretstorage, sys, threading
made = []
real = secretstorage.dbus_init
secretstorage.dbus_init = lambda: made.append(real()) or made[-1]
from exai_desktop.config.secret_store import KeyringStore
keys = KeyringStore("one")
keys._found()
found = len(made)
for number in range(4):
    keys.set("key of work", f"key {number}")
    assert keys.get("key of work") == f"key {number}"
    assert keys.get("absent") is None
print("made", len(made) - found)
# One that the service does not know any more.
made[-1].close()
assert keys.get("key of work") == "key 3"
print("made", len(made) - found)
# Two at once do not share one.
answers = []
threads = [threading.Thread(target=lambda: answers.append(keys.get("key of work"))) for _ in "abcd"]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*answers, sep=", ")
keys.delete("key of work")
assert keys.get("key of work") is None
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_the_connection_to_the_keyring_is_kept(secret_service: dict[str, str]) -> None:
    said = run(ONE_LINE, secret_service).splitlines()
    assert said == ["made 1", "made 2", ", ".join(["key 3"] * 4)]


SERVICE_RESTARTED = """
import sys
from exai_desktop.config.secret_store import KeyringStore
keys = KeyringStore("one")
keys.set("key of work", "some-key")
print("set", flush=True)
sys.stdin.readline()
print(keys.get("key of work"), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux's")
def test_a_keyring_that_is_started_anew_is_asked_anew(own_service: OwnService) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE_RESTARTED],
        env=os.environ | own_service.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "set\n"
        own_service.restart()
        assert process.communicate("go\n", timeout=240)[0] == "some-key\n"


def test_a_keyring_that_does_not_tell_is_asked_less_and_less() -> None:
    backend = MemoryKeyring()
    backend.failure = KeyringLocked("locked")
    asked: list[str] = []
    whole = backend.get_password

    def counted(service: str, username: str) -> str | None:
        asked.append(username)
        return whole(service, username)

    backend.get_password = counted  # type: ignore[method-assign]
    keys = KeyringStore("p", backend)
    for _ in range(9):
        with pytest.raises(AccountError) as caught:
            keys.get("key of work")
        assert caught.value.code is ErrorCode.CREDENTIAL_STORE_LOCKED
    assert len(asked) == 1
    # When the user wants it: a key is entered, or the key store is looked at.
    backend.failure = None
    keys.set("key of work", KEY)
    assert keys.get("key of work") == KEY
    backend.failure = KeyringLocked("locked")
    with pytest.raises(AccountError):
        keys.get("key of work")
    backend.failure = None
    assert keys.available()
    assert keys.get("key of work") == KEY


LEAVES = """
import sys, threading, time
from keyring.backend import KeyringBackend
from exai_desktop.config import secret_store
class Slow(KeyringBackend):
    priority = 5
    def get_password(self, *_):
        time.sleep(1.5)
        print("the call has ended", flush=True)
    set_password = get_password
secret_store._START_LIMIT_S = 0.05
try:
    secret_store.KeyringStore("p", Slow()).get("audit")
except Exception as error:
    print(error.code, flush=True)
"""


def test_a_process_does_not_leave_in_the_middle_of_a_call() -> None:
    """The service of a desktop may end by it, and with it the keyring of all programs."""
    assert run(LEAVES, {}).splitlines() == ["CREDENTIAL_STORE_LOCKED", "the call has ended"]


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
    keys = KeyringStore("p", Backend(error))
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
    monkeypatch.setattr(secret_store, "_LIMIT_S", 0.2)
    backend = Backend()
    own = OwnTime()
    with pytest.raises(AccountError) as caught:
        KeyringStore("p", backend).get("key of work")
    assert own.seconds() < 5
    assert caught.value.code is ErrorCode.CREDENTIAL_STORE_LOCKED
    backend.answer.set()


def test_what_is_read_at_the_start_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_store, "_START_LIMIT_S", 0.1)
    backend = Backend()
    own = OwnTime()
    with pytest.raises(AccountError):
        KeyringStore("p", backend).get("audit")
    assert own.seconds() < 5
    backend.answer.set()


def test_a_keyring_that_is_not_there_is_no_missing_key() -> None:
    keys = KeyringStore("p")
    assert (keys.kind, keys.available()) == (NO_KEYRING, False)
    calls: list[Callable[[], object]] = [
        lambda: keys.get("work"),
        lambda: keys.set("work", KEY),
        lambda: keys.delete("work"),
    ]
    for call in calls:
        with pytest.raises(AccountError) as caught:
            call()
        assert caught.value.code is ErrorCode.CREDENTIAL_STORE_UNAVAILABLE


def test_a_session_store_forgets_nothing_until_it_ends() -> None:
    keys = SessionStore()
    assert keys.get("work") is None
    keys.set("work", KEY)
    assert keys.get("work") == KEY
    keys.delete("work")
    keys.delete("work")
    assert keys.get("work") is None
    assert (keys.kind, keys.is_lasting, keys.available()) == ("this session only", False, True)


# -- which store is in use

NEW = "a passphrase for tests"


def memory() -> KeyringStore:
    return KeyringStore("p", MemoryKeyring())


def test_the_keyring_is_used_until_there_is_a_vault(tmp_path: Path) -> None:
    keyring, vault = memory(), VaultStore(tmp_path / "vault")
    store = StoreInUse(vault, keyring)
    store.set("audit", "aa")
    store.set("key of work", KEY)
    assert store.status().has_vault is False
    store.create_vault(NEW, "", ["key of work", "nothing"])
    assert store.status() == StoreStatus("vault", StoreState.READY, has_vault=True)
    # Moved, not copied.
    assert (store.get("audit"), store.get("key of work")) == ("aa", KEY)
    assert (keyring.get("audit"), keyring.get("key of work")) == (None, None)
    with pytest.raises(AccountError) as caught:
        store.create_vault(NEW, "", [])
    assert caught.value.code is ErrorCode.VAULT_EXISTS


def test_a_vault_without_its_passphrase_is_locked(tmp_path: Path) -> None:
    StoreInUse(VaultStore(tmp_path / "vault"), memory()).create_vault(NEW, "", [])
    store = StoreInUse(VaultStore(tmp_path / "vault"), memory())
    assert store.is_vault_locked()
    assert store.status().state is StoreState.LOCKED
    assert store.status().words == "vault (locked)"
    with pytest.raises(AccountError) as caught:
        store.get("audit")
    assert caught.value.code is ErrorCode.VAULT_LOCKED
    store.unlock(NEW)
    assert not store.is_vault_locked()
    assert store.available()
    store.change_passphrase(NEW, NEW + "2", "")
    store.unlock(NEW + "2")


def test_a_locked_keyring_keeps_the_vault_from_being_made(tmp_path: Path) -> None:
    backend = MemoryKeyring()
    backend.failure = KeyringLocked("locked")
    store = StoreInUse(VaultStore(tmp_path / "vault"), KeyringStore("p", backend))
    with pytest.raises(AccountError) as caught:
        store.create_vault(NEW, "", ["key of work"])
    assert caught.value.code is ErrorCode.CREDENTIAL_STORE_LOCKED
    assert not (tmp_path / "vault").exists()


def test_a_keyring_that_ends_in_the_middle_loses_no_key(tmp_path: Path) -> None:
    """The vault would take over a part, and nobody would look for the rest."""
    backend = MemoryKeyring()
    store = StoreInUse(VaultStore(tmp_path / "vault"), KeyringStore("p", backend))
    store.set("key of home", KEY)
    store.set("key of work", KEY)
    whole = backend.get_password

    def ends(service: str, username: str) -> str | None:
        if username.endswith("work"):
            raise InitError("gone")
        return whole(service, username)

    backend.get_password = ends  # type: ignore[method-assign]
    with pytest.raises(AccountError) as caught:
        store.create_vault(NEW, "", ["key of home", "key of work"])
    assert caught.value.code is ErrorCode.CREDENTIAL_STORE_UNAVAILABLE
    assert not (tmp_path / "vault").exists()
    assert len(backend.items) == 2


def test_what_is_stored_while_a_vault_is_made_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, began = VaultStore(tmp_path / "vault"), threading.Event()
    store = StoreInUse(vault, memory())
    store.set("key of work", "old")
    create = vault.create
    others: list[threading.Thread] = []
    refused: list[AccountError] = []

    def second() -> None:
        try:
            store.create_vault(NEW + "2", "", ["key of work"])
        except AccountError as error:
            refused.append(error)

    def slow(*arguments: Any) -> None:
        for work in (lambda: store.set("key of work", KEY), second):
            others.append(threading.Thread(target=work))
            others[-1].start()
        began.wait(0.3)  # long enough for either to do harm, if it could
        create(*arguments)

    monkeypatch.setattr(vault, "create", slow)
    store.create_vault(NEW, "", ["key of work"])
    for thread in others:
        thread.join(60)
    assert store.get("key of work") == KEY
    assert [error.code for error in refused] == [ErrorCode.VAULT_EXISTS]
    VaultStore(tmp_path / "vault").unlock(NEW)


def test_without_a_keyring_a_vault_can_be_made(tmp_path: Path) -> None:
    store = StoreInUse(VaultStore(tmp_path / "vault"), KeyringStore("p"))
    assert store.status().state is StoreState.ABSENT
    store.create_vault(NEW, "", ["key of work"])
    store.set("key of work", KEY)
    assert store.get("key of work") == KEY
    store.delete("key of work")
    assert store.get("key of work") is None


def test_for_this_session_only_when_the_user_says_so(tmp_path: Path) -> None:
    store = StoreInUse(VaultStore(tmp_path / "vault"), KeyringStore("p"))
    with pytest.raises(AccountError):
        store.set("key of work", KEY)
    store.keep_for_session()
    store.set("key of work", KEY)
    assert (store.kind, store.is_lasting, store.get("key of work")) == (
        "this session only",
        False,
        KEY,
    )
    with pytest.raises(AccountError) as caught:
        store.unlock(NEW)
    assert caught.value.code is ErrorCode.VAULT_LOCKED
    with pytest.raises(AccountError):
        store.change_passphrase(NEW, NEW, "")
    store.create_vault(NEW, "", ["key of work"])
    assert (store.kind, store.get("key of work")) == ("vault", KEY)


def test_the_sandbox_has_no_vault() -> None:
    with pytest.raises(AccountError):
        StoreInUse(None, None).create_vault(NEW, "", [])
