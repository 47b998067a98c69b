"""API keys: each belongs to one account at one address, in the environment or in the key store."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Final

from exai_desktop.config.atomic_write import write_file
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import (
    KEY_PREFIX,
    SecretStore,
    address_name,
    key_name,
    names_of,
    origin_of,
    variable_of,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import AccountError

log = logging.getLogger(__name__)


_LONGEST_KEY: Final = 512


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


# Keys that were taken out of the environment of this process.
_taken: dict[str, str] = {}


def keys_of_environment(environment: MutableMapping[str, str] | None = None) -> dict[str, str]:
    """The keys by variable. They are taken out, so that no child process finds them there."""
    here = os.environ if environment is None else environment
    taken = _taken if environment is None else {}
    for name in [name for name in here if name.startswith(KEY_PREFIX)]:
        value = here.pop(name).strip()
        register(value)
        taken[name] = value
    return dict(taken)


class AccountKeys:
    """`core.accounts.ports.Credentials`: a key of the environment goes first."""

    def __init__(
        self,
        store: SecretStore,
        environment: Mapping[str, str] | None = None,
        addresses: Path | None = None,
        names: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`environment`: keys by variable; `addresses`: the file that notes what they belong to;
        `names`: those of all accounts."""
        self._store = store
        self._environment = environment or {}
        self._addresses = addresses
        self._names = names

    @property
    def kind(self) -> str:
        return self._store.kind

    def available(self) -> bool:
        return self._store.available()

    def get(self, account: Account) -> str | None:
        origin = origin_of(account.base_url)
        given = self._given(account)
        if given:
            self._check_address(account.name, origin, given)
            return check_key(given)
        key = self._store.get(key_name(account.name, origin))
        if key is None:
            known = self._store.get(address_name(account.name))
            if known not in (None, origin):
                raise _changed(account.name, known, origin)
        else:
            register(key)
        return key

    def _given(self, account: Account) -> str | None:
        """The key that the environment has for this account, if anybody can say so."""
        variable = variable_of(account.name)
        given = self._environment.get(variable)
        if not given:
            return None
        others = [n for n in self._names() if n != account.name and variable_of(n) == variable]
        if others:
            # Each may be another company's: to none of them.
            names = ", ".join(sorted([account.name, *others]))
            raise _unusable(variable, f"it fits several accounts ({names})")
        return given

    def set(self, account: Account, key: str) -> None:
        """Raises UNUSABLE_SETTING when the environment has another key: that one would be used."""
        origin = origin_of(account.base_url)
        given = self._given(account)
        if given == key:
            self._note_address(account.name, origin, key)
            return
        if given:
            raise _unusable(variable_of(account.name), "it has another key, which goes first")
        former = self._store.get(address_name(account.name))
        self._store.set(key_name(account.name, origin), key)
        self._store.set(address_name(account.name), origin)
        if former not in (None, origin):
            self._store.delete(key_name(account.name, former))

    def delete(self, account: Account) -> None:
        """Also the key of another address, when the account's has changed.

        What a key of the environment belongs to stays noted: another account may get the name.
        """
        try:
            known = self._store.get(address_name(account.name))
            for name in names_of(account, known):
                self._store.delete(name)
        except AccountError as error:
            # An account must be removable also on a computer that never had a keyring.
            is_given = bool(self._environment.get(variable_of(account.name)))
            if error.code is not ErrorCode.CREDENTIAL_STORE_UNAVAILABLE and not is_given:
                raise
            log.warning("the key of %s was not deleted: %s", account.name, error.code)

    def _check_address(self, account: str, origin: str, key: str) -> None:
        """A key of the environment belongs to the address it was first used for, whichever account
        that was.

        The note is sealed with the key itself: for another address nobody can write one.
        """
        note = self._noted().get(variable_of(account), {})
        known = note.get("address", "")
        if not hmac.compare_digest(note.get("seal", ""), _seal(key, known)):
            self._note_address(account, origin, key)
        elif known != origin:
            raise _changed(account, known, origin)

    def _noted(self) -> dict[str, dict[str, str]]:
        if self._addresses is None:
            return {}
        try:
            found = json.loads(self._addresses.read_bytes())
            return {str(name): {str(k): str(v) for k, v in n.items()} for name, n in found.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def _note_address(self, account: str, origin: str, key: str) -> None:
        if self._addresses is None:
            return
        noted = self._noted()
        noted[variable_of(account)] = {"address": origin, "seal": _seal(key, origin)}
        try:
            write_file(self._addresses, json.dumps(noted, indent=2).encode() + b"\n")
        except OSError as error:
            log.warning("the address of %s cannot be noted: %s", account, error.strerror)


def _unusable(variable: str, reason: str) -> AccountError:
    return AccountError(
        ErrorCode.UNUSABLE_SETTING,
        f"{variable}: {reason}; remove the variable and keep the key in the keyring or the vault",
    )


def _changed(account: str, known: str | None, origin: str) -> AccountError:
    return AccountError(
        ErrorCode.ADDRESS_CHANGED, f"{account}: the key belongs to {known}, not to {origin}"
    )


def _seal(key: str, origin: str) -> str:
    message = f"exai-desktop address\0{origin}".encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()
