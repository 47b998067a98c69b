"""Where the secrets of a profile are: the vault, the keyring, or memory. Here it is decided which.

A vault in the profile goes first: the user has made it. Otherwise the keyring is used, also while
it does not answer: a key that cannot be read now is not a key that is not there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

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
# What is read at every start must not delay it: the limit is short.
_START_LIMIT_S: Final = 5.0
# To look for a keyring takes some 50 ms.
_LOOK_AGAIN_S: Final = 5.0

_INSECURE_MODULES: Final = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
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

    @property
    def kind(self) -> str:
        backend = self._found()
        if backend is None:
            return NO_KEYRING
        module = type(backend).__module__.rpartition(".")[2]
        return _KINDS.get(module) or str(backend.name)

    def available(self) -> bool:
        self._looked_at = None
        if self._found() is None:
            return False
        try:
            self.get(PROFILE_NAMES[0])
        except AccountError:
            return False
        return True

    def get(self, name: str) -> str | None:
        return self._get(
            f"{self._owner}/{name}", None if name.startswith("key") else _START_LIMIT_S
        )

    def set(self, name: str, value: str) -> None:
        if is_secret(name):
            register(value)
        self._call(lambda backend: backend.set_password(SERVICE, f"{self._owner}/{name}", value))

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
        return _bounded(lambda: use(backend), limit_s)

    def _found(self) -> KeyringBackend | None:
        """A service that is started later is found then."""
        now = time.monotonic()
        if self._backend is None and (
            self._looked_at is None or now - self._looked_at > _LOOK_AGAIN_S
        ):
            with suppress(AccountError):
                self._backend = _bounded(_secure_backend)
            self._looked_at = now
        return self._backend


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
        self._now().set(name, value)

    def delete(self, name: str) -> None:
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
        if self._vault.exists():
            raise AccountError(ErrorCode.VAULT_EXISTS)
        former, moved = self._now(), {}
        for name in (*PROFILE_NAMES, *names):
            try:
                value = former.get(name)
            except AccountError as error:
                # A keyring that is locked now has perhaps what we would leave behind.
                if error.code is not ErrorCode.CREDENTIAL_STORE_UNAVAILABLE:
                    raise
                break
            if value is not None:
                moved[name] = value
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


def _secure_backend() -> KeyringBackend | None:
    # Late: it looks for services of the desktop as soon as it is used.
    import keyring
    from keyring.backend import get_all_keyring
    from keyring.backends.chainer import ChainerBackend

    # Both keep what they found at first; a service may have been started since.
    with suppress(AttributeError, KeyError):
        get_all_keyring.reset()
    keyring.core.init_backend()
    backend = keyring.get_keyring()
    # A chain may end in one that is not secure: take its links one by one.
    candidates = list(backend.backends) if isinstance(backend, ChainerBackend) else [backend]
    return next((candidate for candidate in candidates if _is_secure(candidate)), None)


def _is_secure(backend: KeyringBackend) -> bool:
    kind = type(backend)
    named_so = kind.__module__.startswith(_INSECURE_MODULES) or "plaintext" in kind.__name__.lower()
    # Below 1 the keyring library itself does not recommend a backend.
    return not named_so and backend.priority >= 1


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


def _once(call: Callable[[], T], limit_s: float | None) -> T:
    from keyring.errors import KeyringLocked

    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except Exception as error:  # noqa: BLE001 - handed over; backends raise what they like
            outcome.set_exception(error)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    limit_s = limit_s or _LIMIT_S
    try:
        return outcome.result(limit_s)
    except KeyringLocked as error:
        raise AccountError(ErrorCode.CREDENTIAL_STORE_LOCKED) from error
    except TimeoutError as error:
        raise AccountError(
            ErrorCode.CREDENTIAL_STORE_LOCKED, f"no answer within {limit_s:.0f} s"
        ) from error
    except Exception as error:
        # The type alone: a backend may write anything into its messages.
        raise AccountError(ErrorCode.CREDENTIAL_STORE_UNAVAILABLE, type(error).__name__) from error
