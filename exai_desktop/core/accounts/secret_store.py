"""Where keys and other small secrets of a profile are kept: values and protocols.

A store holds texts by name: the key of an account for one address, the address that belongs to an
account, the audit trail's key, counters. Names are the profile's own; another profile on the same
keyring does not see them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode

# The store does not answer now. The key may be in it: this is no missing key.
STORE_CODES: Final = frozenset(
    {
        ErrorCode.CREDENTIAL_STORE_LOCKED,
        ErrorCode.CREDENTIAL_STORE_UNAVAILABLE,
        ErrorCode.VAULT_LOCKED,
    }
)

AUDIT_KEY: Final = "audit"

# How often the profile was opened: a copy of it has a lower number.
OPENED: Final = "opened"

# The newest row of the audit trail, noted where whoever may write the profile cannot.
ANCHOR: Final = "anchor"
# Stands there in a new profile that was made from a copy, until it has its own.
ANCHOR_OF_COPY: Final = "of the copy"

# The ids of the keys that may have sealed rows of the audit trail.
ACCEPTED_KEYS: Final = "audit-keys"

# The private key that signs the days and the exports of the audit trail.
SIGNING_KEY: Final = "audit-signing"

# The session at the user's Supabase project: no other profile can go on with it.
MIRROR_SESSION: Final = "supabase session"

# A password of the proxy or the shared Redis, with the address that it belongs to.
_PASSWORD: Final = "password "  # noqa: S105 - how a name begins

# Secrets of the profile that are not of an account. They go along into another store.
_PASSWORDS: Final = (f"{_PASSWORD}proxy", f"{_PASSWORD}redis_url")
PROFILE_NAMES: Final = (
    AUDIT_KEY,
    OPENED,
    ANCHOR,
    ACCEPTED_KEYS,
    SIGNING_KEY,
    MIRROR_SESSION,
    *_PASSWORDS,
)

# Nothing secret, and a copy stays in the keyring: a vault can be deleted by whoever may write the
# profile, and a trail with keys of another one must not pass for ours then.
STAYING_NAMES: Final = frozenset({ANCHOR, ACCEPTED_KEYS})

_PORTS: Final = {"https": 443, "http": 80}


def origin_of(base_url: str) -> str:
    """Scheme, host and port: what a key belongs to. The port is always written."""
    parts = urlsplit(base_url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    try:
        port = parts.port
    except ValueError:  # no number, or too large: such an address is never asked
        port = None
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{port or _PORTS.get(scheme, 0)}"


def key_name(account: str, origin: str) -> str:
    """The name of the key that this account has for this address."""
    # The address comes first and has no space: two accounts never share a name.
    return f"key {origin} {account}"


def address_name(account: str) -> str:
    """The name under which the address of an account's key is noted."""
    return f"address {account}"


def names_of(account: Account, origin: str | None = None) -> tuple[str, str]:
    """All names that belong to an account."""
    origin = origin or origin_of(account.base_url)
    return key_name(account.name, origin), address_name(account.name)


def is_secret(name: str) -> bool:
    """Whether the value may never be shown. Addresses and counters may."""
    return name in (AUDIT_KEY, SIGNING_KEY, MIRROR_SESSION) or name.startswith(("key ", _PASSWORD))


class SecretStore(Protocol):
    """Small named secrets of one profile. Calls may block for seconds: use a reader thread.

    Raise `AccountError` with one of `STORE_CODES`.
    """

    @property
    def kind(self) -> str:
        """What it is, for people: "Secret Service", "vault", "this session only"."""
        ...

    @property
    def is_lasting(self) -> bool:
        """Whether the next run finds what is stored now."""
        ...

    def available(self) -> bool:
        """Whether it can be used now. Looks anew each time."""
        ...

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, value: str) -> None: ...

    def delete(self, name: str) -> None:
        """A name that is not there counts as deleted."""
        ...


class StoreState(StrEnum):
    """Whether the store can be used now."""

    READY = "ready"
    LOCKED = "locked"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """Which store is in use. `environment`: variables that give keys; never the keys."""

    kind: str
    state: StoreState
    has_vault: bool = False
    # The file that opens the vault without a question; "": there is none.
    key_file: str = ""
    environment: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One line for people."""
        parts = [self.kind if self.state is StoreState.READY else f"{self.kind} ({self.state})"]
        return ", ".join([*parts, *self.environment])


def save_password(store: SecretStore, setting: str, place: str, password: str) -> None:
    """Keep it for this place, in place of any other. Blocks; raises as `SecretStore` does."""
    store.set(_PASSWORD + setting, json.dumps({"place": place, "password": password}))


def find_password(store: SecretStore, setting: str, place: str) -> str | None:
    """The password, if it is for this place. Blocks; raises as `SecretStore` does."""
    text = store.get(_PASSWORD + setting)
    try:
        found = json.loads(text) if text else {}
        is_for_it = found["place"] == place
        password = str(found["password"])
    except (ValueError, TypeError, KeyError):
        return None
    return password if is_for_it else None


def delete_password(store: SecretStore, setting: str) -> bool:
    """Whether there was one. Blocks; raises as `SecretStore` does."""
    was_there = store.get(_PASSWORD + setting) is not None
    store.delete(_PASSWORD + setting)
    return was_there


class ProfileSecrets(SecretStore, Protocol):
    """The store in use, and the way to another one. Calls may block for seconds."""

    def status(self, ask: bool = True) -> StoreStatus:
        """Without `ask` a keyring that is there counts as ready."""
        ...

    def is_vault_locked(self) -> bool:
        """Whether the vault is in use and waits for its passphrase. Does not ask a keyring."""
        ...

    def unlock(self, passphrase: str) -> None:
        """Raises WRONG_PASSPHRASE, VAULT_DAMAGED, or VAULT_LOCKED when there is no vault."""
        ...

    def create_vault(self, passphrase: str, key_file: str, names: Sequence[str]) -> None:
        """From now on the vault is used; what lies under `names` moves into it.

        Raises VAULT_EXISTS.
        """
        ...

    def change_passphrase(self, old: str, new: str, key_file: str) -> None:
        """Raises WRONG_PASSPHRASE."""
        ...

    def keep_for_session(self) -> None:
        """The user wants keys in memory only, until the program ends."""
        ...


class KeyStoreService(Protocol):
    """Where the keys are kept: in the keyring, in the vault, or for this session only."""

    async def status(self) -> StoreStatus: ...

    async def unlock(self, passphrase: str) -> StoreStatus:
        """Open the vault; files that were held for it go on. Raises WRONG_PASSPHRASE."""

    async def create_vault(self, passphrase: str, key_file: str = "") -> StoreStatus:
        """Keys move into an encrypted file of the profile. Raises VAULT_EXISTS, INVALID_SETTING.

        `key_file`: the file that holds the passphrase and opens the vault at each start.
        """

    async def change_passphrase(self, old: str, new: str, key_file: str = "") -> StoreStatus:
        """Raises WRONG_PASSPHRASE, INVALID_SETTING."""

    async def keep_for_session(self) -> StoreStatus:
        """Without a keyring: keys in memory, until the program ends."""

    async def try_again(self) -> StoreStatus:
        """Look for the keyring now; what was held for it goes on when it answers."""


KEY_PREFIX: Final = "EXAI_DESKTOP_KEY_"


def variable_of(account: str) -> str:
    """The variable that gives the key of this account: `my work` → EXAI_DESKTOP_KEY_MY_WORK.

    It may be that of another account, too.
    """
    return KEY_PREFIX + re.sub(r"[^A-Z0-9]", "_", account.upper())
