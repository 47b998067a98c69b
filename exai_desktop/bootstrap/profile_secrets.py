"""The profile's id and key store, opened together: whose profile this is, and what its keys are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.credentials import AccountKeys, keys_of_environment
from exai_desktop.config.passphrase import (
    find_passphrase,
    key_file_for,
    read_passphrase,
    take_variable,
)
from exai_desktop.config.paths import Places, places
from exai_desktop.config.profile_identity import COMPUTER, Choice, Copied, ProfileIdentity
from exai_desktop.config.secret_store import KeyringStore, StoreInUse
from exai_desktop.config.settings_document import SettingsDocument
from exai_desktop.config.settings_file import SettingsAccountBook
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.user_profile.profile_lock import ProfileLock
from exai_desktop.storage.user_profile.restoring import Restoring

Ask = Callable[[], str]


@dataclass(frozen=True, slots=True)
class OpenedSecrets:
    """`copied`: what the user has chosen since the last start of a profile that was copied."""

    profile_id: str
    store: StoreInUse
    keys: AccountKeys
    copied: Copied | None = None


def open_secrets(
    where: Places, accounts: Sequence[Account], passphrase: str | None
) -> OpenedSecrets:
    """Blocks, for seconds when a keyring does not answer.

    Raises PROFILE_COPIED, WRONG_PASSPHRASE, VAULT_DAMAGED. Without a passphrase a vault stays
    locked: what needs no key works.
    """
    identity = ProfileIdentity(where)
    environment = keys_of_environment()
    keyring, vault = KeyringStore(identity.id), VaultStore(where.vault)
    store = StoreInUse(vault, keyring, sorted(environment))
    if vault.exists():
        if passphrase:
            vault.unlock(passphrase)
        identity.check(store)
    else:
        identity.check(store, KeyringStore(COMPUTER))
        identity.carry_over(keyring, accounts)
    keys = AccountKeys(store, environment, where.key_addresses)
    return OpenedSecrets(identity.id, store, keys, identity.take_choice())


def clear_environment() -> None:
    """No child process finds a secret of ours in its environment."""
    keys_of_environment()
    take_variable()


def sandbox_secrets(where: Places) -> OpenedSecrets:
    """Nothing of the sandbox is secret, and nothing of it stays."""
    store = StoreInUse(None, None)
    return OpenedSecrets(ProfileIdentity(where).id, store, AccountKeys(store))


def passphrase_for(file: Path | None, ask: Ask | None) -> str | None:
    """What opens the vault of this profile; None when there is none, or nobody gives one.

    `ask` asks the user, when all other ways are empty and no other process holds the profile.
    """
    where = places()
    found = find_passphrase(where.vault, file)
    if found is not None or ask is None or not where.vault.exists():
        return found
    lock = ProfileLock(where.locks / "profile.lock")
    try:
        lock.acquire()
    except EngineError:
        return None
    lock.release()
    return ask() or None


def new_passphrase(
    file: Path | None, key_file: Path | None, ask: Ask | None, *, for_new_vault: bool
) -> tuple[str, str]:
    """A passphrase to be used from now on, and the whole path of its key file, "" for none.

    Raises VAULT_EXISTS, and VAULT_LOCKED when there is no way to get one.
    """
    vault = places().vault
    if for_new_vault and vault.exists():
        raise EngineError(ErrorCode.VAULT_EXISTS)
    if key_file is not None:
        path = key_file.absolute()
        return key_file_for(path), os.fspath(path)
    if file is not None:
        return read_passphrase(file, "the new passphrase"), ""
    # Of a vault that is there, the environment has the present passphrase.
    given = find_passphrase(vault) if for_new_vault else ""
    given = given or (ask() if ask is not None else "")
    if not given:
        raise EngineError(ErrorCode.VAULT_LOCKED, "there is no terminal to ask for a passphrase")
    return given, ""


def settle_copy(choice: str, passphrase: str | None) -> str:
    """Carry out the user's choice for a copied profile; returns its id, "" when it is no copy.

    Raises ANOTHER_INSTANCE.
    """
    where = places()
    with ProfileLock(where.locks / "profile.lock"):
        Restoring(where.data, where.settings_file, write_file).finish()
        identity = ProfileIdentity(where)
        keyring, vault = KeyringStore(identity.id), VaultStore(where.vault)
        store = StoreInUse(vault, keyring)
        if passphrase and vault.exists():
            vault.unlock(passphrase)
        accounts = SettingsAccountBook(SettingsDocument(where.settings_file)).load()
        try:
            identity.check(store, None if vault.exists() else KeyringStore(COMPUTER))
        except EngineError as error:
            if error.code is not ErrorCode.PROFILE_COPIED:
                raise
        else:
            return ""
        identity.settle(Choice(choice), store, accounts)
        return identity.id
