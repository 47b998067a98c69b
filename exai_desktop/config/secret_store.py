"""Where the secrets of a profile are: the vault, the keyring, or memory. Here it is decided which.

A vault in the profile goes first: the user has made it. Otherwise the keyring is used, also while
it does not answer: a key that cannot be read now is not a key that is not there.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from exai_desktop.config.keyring_backends import is_unlocked, secure_backend
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.secret_store import (
    PROFILE_NAMES,
    STAYING_NAMES,
    SecretStore,
    StoreState,
    StoreStatus,
    is_secret,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

log = logging.getLogger(__name__)

T = TypeVar("T")

SERVICE: Final = "exai-desktop"
NO_KEYRING: Final = "no keyring"

# The waits before a service that reported a failure is asked again.
_RETRY_WAITS_S: Final = (0.1, 0.4)
# A keyring that asks the user, or has lost its service, may never answer.
_LIMIT_S: Final = 20.0
# What is read or written at every start and end must not delay them: the limit is short.
_START_LIMIT_S: Final = 5.0
# To ask whether it is locked shows no dialog.
_QUIET_LIMIT_S: Final = 2.0
# A keyring that does not tell whether it is locked is asked again, by a dialog, after this time.
_ASK_AGAIN_S: Final = 600.0
# A service may end by an assertion of its own when a process leaves in the middle of a call.
_LEAVE_S: Final = 2.0
# To look for a keyring takes some 50 ms.
_LOOK_AGAIN_S: Final = 5.0

_KINDS: Final = {
    "SecretService": "Secret Service",
    "libsecret": "Secret Service",
    "kwallet": "KDE Wallet",
    "macOS": "macOS Keychain",
    "Windows": "Windows Credential Manager",
}


class SessionStore:
    """In memory, gone with the process: the sandbox, and users who want it so."""

    kind = "this session only"
    is_lasting = False

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def available(self) -> bool:
        return True

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def set(self, name: str, value: str) -> None:
        if is_secret(name):
            register(value)
        self._values[name] = value

    def delete(self, name: str) -> None:
        self._values.pop(name, None)


class KeyringStore:
    """One item of the system's keyring for each name. Without a `backend` it is looked for."""

    is_lasting = True

    def __init__(self, owner: str, backend: KeyringBackend | None = None) -> None:
        """`owner` is the id of the profile."""
        self._owner = owner
        self._backend = backend
        self._looked_at: float | None = None
        # Since when it did not answer, or the user closed its dialog.
        self._locked_at: float | None = None

    @property
    def kind(self) -> str:
        backend = self._found()
        if backend is None:
            return NO_KEYRING
        module = type(backend).__module__.rpartition(".")[2]
        return _KINDS.get(module) or str(backend.name)

    def available(self) -> bool:
        """The user wants to know: it may ask for its password again."""
        self._looked_at = self._locked_at = None
        if self._found() is None:
            return False
        try:
            self.get(PROFILE_NAMES[0])
        except AccountError:
            return False
        return True

    def get(self, name: str) -> str | None:
        return self._get(f"{self._owner}/{name}", _limit_s(name))

    def set(self, name: str, value: str) -> None:
        if is_secret(name):
            register(value)
        if _limit_s(name) is None:
            self._locked_at = None  # a key is entered: the user may be asked for the password
        item = f"{self._owner}/{name}"
        self._call(lambda backend: backend.set_password(SERVICE, item, value), _limit_s(name))

    def delete(self, name: str) -> None:
        self._delete(f"{self._owner}/{name}")

    def take_former(self, former: str) -> str | None:
        """A key as earlier versions named it."""
        value = self._get(former)
        if value is not None:
            register(value)
        return value

    def delete_former(self, former: str) -> None:
        self._delete(former)

    def _get(self, item: str, limit_s: float | None = None) -> str | None:
        return self._call(lambda backend: backend.get_password(SERVICE, item), limit_s)

    def _delete(self, item: str) -> None:
        def delete(backend: KeyringBackend) -> None:
            # Backends report an absent item like any other failure.
            if backend.get_password(SERVICE, item) is not None:
                backend.delete_password(SERVICE, item)

        self._call(delete)

    def _call(self, use: Callable[[KeyringBackend], T], limit_s: float | None = None) -> T:
        backend = self._found()
        if backend is None:
            raise AccountError(ErrorCode.CREDENTIAL_STORE_UNAVAILABLE)
        self._refuse_while_locked(backend)
        try:
            result = _bounded(lambda: use(backend), limit_s)
        except AccountError as error:
            if error.code is ErrorCode.CREDENTIAL_STORE_LOCKED:
                self._locked_at = time.monotonic()
            raise
        self._locked_at = None
        return result

    def _refuse_while_locked(self, backend: KeyringBackend) -> None:
        """Each call would show the keyring's dialog again, which the user has just closed."""
        if self._locked_at is None:
            return
        found = None
        with suppress(AccountError):
            found = _once(lambda: is_unlocked(backend), _QUIET_LIMIT_S)
        if found is None:
            found = time.monotonic() - self._locked_at > _ASK_AGAIN_S
        if not found:
            raise AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED)

    def _found(self) -> KeyringBackend | None:
        """A service that is started later is found then."""
        now = time.monotonic()
        if self._backend is None and (
            self._looked_at is None or now - self._looked_at > _LOOK_AGAIN_S
        ):
            with suppress(AccountError):
                self._backend = _bounded(secure_backend)
            self._looked_at = now
        return self._backend


def _limit_s(name: str) -> float | None:
    """None: the usual one. A user waits for keys, and may have to type the password first."""
    return None if name.startswith("key") else _START_LIMIT_S


class StoreInUse:
    """`core.accounts.secret_store.ProfileSecrets`. Used from several threads."""

    def __init__(
        self,
        vault: VaultStore | None,
        keyring: KeyringStore | None,
        environment: Sequence[str] = (),
    ) -> None:
        """Without both, memory only. `environment` names variables that give keys."""
        self._vault = vault
        self._keyring = keyring
        self._session = SessionStore()
        self._environment = tuple(environment)
        self._is_for_session = keyring is None
        # Nothing is stored in the old place while it moves into a vault.
        self._moves = threading.RLock()

    def _now(self) -> SecretStore:
        if self._vault is not None and self._vault.exists():
            return self._vault
        if self._is_for_session or self._keyring is None:
            return self._session
        return self._keyring

    @property
    def kind(self) -> str:
        return self._now().kind

    @property
    def is_lasting(self) -> bool:
        return self._now().is_lasting

    def available(self) -> bool:
        return self._now().available()

    def get(self, name: str) -> str | None:
        return self._now().get(name)

    def set(self, name: str, value: str) -> None:
        with self._moves:
            self._now().set(name, value)

    def delete(self, name: str) -> None:
        with self._moves:
            self._now().delete(name)

    def status(self, ask: bool = True) -> StoreStatus:
        store = self._now()
        vault = store if isinstance(store, VaultStore) else None
        state = StoreState.READY
        if store.kind == NO_KEYRING and not store.available():
            state = StoreState.ABSENT
        elif (ask or vault is not None) and not store.available():
            state = StoreState.LOCKED
        return StoreStatus(
            store.kind,
            state,
            vault is not None,
            vault.key_file if vault is not None else "",
            self._environment,
        )

    def is_vault_locked(self) -> bool:
        store = self._now()
        return isinstance(store, VaultStore) and not store.available()

    def unlock(self, passphrase: str) -> None:
        if self._vault is None or not self._vault.exists():
            raise AccountError(ErrorCode.VAULT_LOCKED, "this profile has no vault")
        self._vault.unlock(passphrase)

    def create_vault(self, passphrase: str, key_file: str, names: Sequence[str]) -> None:
        if self._vault is None:
            raise AccountError(ErrorCode.VAULT_EXISTS, "the sandbox keeps no keys")
        with self._moves:
            if self._vault.exists():
                raise AccountError(ErrorCode.VAULT_EXISTS)
            former = self._now()
            moved = _all_of(former, (*PROFILE_NAMES, *names))
            self._vault.create(passphrase, key_file, moved)
            for name in moved.keys() - STAYING_NAMES:
                with suppress(AccountError):
                    former.delete(name)

    def change_passphrase(self, old: str, new: str, key_file: str) -> None:
        if self._vault is None or not self._vault.exists():
            raise AccountError(ErrorCode.VAULT_LOCKED, "this profile has no vault")
        self._vault.change_passphrase(old, new, key_file)

    def keep_for_session(self) -> None:
        self._is_for_session = True


def _all_of(store: SecretStore, names: Sequence[str]) -> dict[str, str]:
    """Whole or not at all: what a vault does not take over is never looked for again.

    Raises what the store answers, also UNAVAILABLE when it ends in the middle.
    """
    if store.kind == NO_KEYRING and not store.available():
        return {}
    found = {name: store.get(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _bounded(call: Callable[[], T], limit_s: float | None = None) -> T:
    """Run it in a thread that may be abandoned, and translate its errors.

    A failed call is retried: one short failure must not hold the files of an account.
    """
    for wait_s in _RETRY_WAITS_S:
        try:
            return _once(call, limit_s)
        except AccountError as error:
            if error.code is not ErrorCode.CREDENTIAL_STORE_UNAVAILABLE:
                raise
        time.sleep(wait_s)
    return _once(call, limit_s)


# Calls that nobody waits for any more are among them.
_calling: Final[set[threading.Thread]] = set()


@atexit.register
def _let_calls_end() -> None:
    until = time.monotonic() + _LEAVE_S
    for thread in list(_calling):
        thread.join(max(0.0, until - time.monotonic()))


def _once(call: Callable[[], T], limit_s: float | None) -> T:
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except Exception as error:  # noqa: BLE001 - handed over; backends raise what they like
            outcome.set_exception(error)
        finally:
            _calling.discard(threading.current_thread())

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    _calling.add(thread)
    thread.start()
    limit_s = limit_s or _LIMIT_S
    try:
        return outcome.result(limit_s)
    except TimeoutError as error:
        raise AccountError(
            ErrorCode.CREDENTIAL_STORE_LOCKED, f"no answer within {limit_s:.0f} s"
        ) from error
    except Exception as error:
        if _is_locked(error):
            raise AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED) from error
        # The type alone: a backend may write anything into its messages.
        raise AccountError(ErrorCode.CREDENTIAL_STORE_UNAVAILABLE, type(error).__name__) from error


def _is_locked(error: Exception) -> bool:
    """The library may not be loaded at all: then nobody can have raised its error."""
    errors = sys.modules.get("keyring.errors")
    return errors is not None and isinstance(error, errors.KeyringLocked)
