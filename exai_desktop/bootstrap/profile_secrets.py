"""The profile's id and key store, opened together: whose profile this is, and what its keys are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.credentials import AccountKeys, keys_of_environment
from exai_desktop.config.paths import Places, places
from exai_desktop.config.profile_identity import COMPUTER, Choice, Copied, ProfileIdentity
from exai_desktop.config.secret_store import KeyringStore, StoreInUse
from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import SettingsAccountBook
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.storage.user_profile.profile_lock import ProfileLock
from exai_desktop.storage.user_profile.restoring import Restoring


@dataclass(frozen=True, slots=True)
class OpenedSecrets:
    """`copied`: what the user has chosen for a copied profile, as long as no record has it."""

    identity: ProfileIdentity
    store: StoreInUse
    keys: AccountKeys

    @property
    def copied(self) -> Copied | None:
        return self.identity.choice


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
    book = SettingsAccountBook(SettingsDocument(where.settings_file))
    names = partial(_names, book)
    keys = AccountKeys(store, environment, where.key_addresses, names)
    return OpenedSecrets(identity, store, keys)


def _names(book: SettingsAccountBook) -> list[str]:
    return [account.name for account in book.load()]


def sandbox_secrets(where: Places) -> OpenedSecrets:
    """Nothing of the sandbox is secret, and nothing of it stays."""
    store = StoreInUse(None, None)
    return OpenedSecrets(ProfileIdentity(where), store, AccountKeys(store))


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
