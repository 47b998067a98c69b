"""API keys: in the system's keyring, one item each, or in memory when there is no secure one."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, TypeVar

from exai_desktop.core.accounts.ports import Credentials
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend


T = TypeVar("T")

_SERVICE: Final = "exai-desktop"
# The waits before a service that reported a failure is asked again.
_RETRY_WAITS_S: Final = (0.1, 0.4)
# A keyring that asks the user, or has lost its service, may never answer.
_LIMIT_S: Final = 20.0
# Read at every start, so the limit is short: without the keyring the key is in a file.
_AUDIT_LIMIT_S: Final = 5.0
_LONGEST_KEY: Final = 512

_INSECURE_MODULES: Final = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
_KINDS: Final = {
    "SecretService": "Secret Service",
    "libsecret": "Secret Service",
    "kwallet": "KDE Wallet",
    "macOS": "macOS Keychain",
    "Windows": "Windows Credential Manager",
}


def check_key(key: str) -> str:
    """The key without surrounding white space. Raises INVALID_KEY_FORMAT, never with the key."""
    key = key.strip()
    if not key:
        reason = "it is empty"
    elif len(key) > _LONGEST_KEY:
        reason = f"it is longer than {_LONGEST_KEY} characters"
    elif any(char.isspace() for char in key):
        reason = "it contains white space"
    elif not key.isascii() or not key.isprintable():
        reason = "it contains characters that no key has"
    else:
        return key
    raise AccountError(ErrorCode.INVALID_KEY_FORMAT, reason)


def key_fingerprint(key: str) -> str:
    """Eight hex digits that tell keys apart and give nothing of them away."""
    return hashlib.sha256(b"exai-desktop key fingerprint\0" + key.encode()).hexdigest()[:8]


class SessionCredentials:
    """Keys in memory, gone with the process: the sandbox, and systems without a keyring."""

    kind = "this session only"

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def get(self, account: str) -> str | None:
        return self._keys.get(account)

    def set(self, account: str, key: str) -> None:
        register(key)
        self._keys[account] = key

    def delete(self, account: str) -> None:
        self._keys.pop(account, None)


class KeyringCredentials:
    """Keys in the system's keyring. A key that passes through is kept out of the log."""

    def __init__(self, profile_id: str, backend: KeyringBackend) -> None:
        self._profile_id = profile_id
        self._backend = backend

    @property
    def kind(self) -> str:
        module = type(self._backend).__module__.rpartition(".")[2]
        return _KINDS.get(module) or str(self._backend.name)

    def get(self, account: str) -> str | None:
        name = self._item(account)
        key = _bounded(lambda: self._backend.get_password(_SERVICE, name))
        if key is not None:
            register(key)
        return key

    def set(self, account: str, key: str) -> None:
        register(key)
        name = self._item(account)
        _bounded(lambda: self._backend.set_password(_SERVICE, name, key))

    def delete(self, account: str) -> None:
        """A key that is not there counts as deleted."""
        name = self._item(account)

        def delete() -> None:
            # Backends report an absent item like any other failure.
            if self._backend.get_password(_SERVICE, name) is not None:
                self._backend.delete_password(_SERVICE, name)

        _bounded(delete)

    def audit_key(self) -> str | None:
        """The audit trail's key, None when there is none yet."""
        key = _bounded(
            lambda: self._backend.get_password(_SERVICE, self._audit_item), _AUDIT_LIMIT_S
        )
        if key is not None:
            register(key)
        return key

    def set_audit_key(self, key: str) -> None:
        register(key)
        _bounded(
            lambda: self._backend.set_password(_SERVICE, self._audit_item, key), _AUDIT_LIMIT_S
        )

    @property
    def _audit_item(self) -> str:
        # No colon: an account may be called "audit".
        return f"{self._profile_id}/audit"

    def _item(self, account: str) -> str:
        return f"{self._profile_id}:{account}"


def choose_credentials(profile_id: str, *, sandbox: bool = False) -> Credentials:
    """The keyring if it is a secure one, else memory; `kind` says which. May block for seconds."""
    if sandbox:
        return SessionCredentials()
    try:
        backend = _bounded(_secure_backend)
    except AccountError:
        backend = None
    return SessionCredentials() if backend is None else KeyringCredentials(profile_id, backend)


def _secure_backend() -> KeyringBackend | None:
    # Late: it looks for services of the desktop as soon as it is used.
    import keyring
    from keyring.backends.chainer import ChainerBackend

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
