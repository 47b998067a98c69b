"""Backups of a profile: what goes into one, and how one becomes the profile of this computer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exai_desktop import __version__
from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.credentials import keys_of_environment
from exai_desktop.config.paths import Places, places
from exai_desktop.config.profile_identity import RestoredIdentity, restored_identity
from exai_desktop.config.secret_store import KeyringStore
from exai_desktop.config.settings.document import SettingsDocument
from exai_desktop.config.settings.file import SettingsAccountBook
from exai_desktop.config.vault import VaultStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import (
    ACCEPTED_KEYS,
    ANCHOR,
    MIRROR_SESSION,
    OPENED,
    PROFILE_NAMES,
    SecretStore,
    names_of,
    variable_of,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, EngineError, not_written
from exai_desktop.core.machine import BackupContent, Restored
from exai_desktop.storage.user_profile.backup_database import check_database, check_texts
from exai_desktop.storage.user_profile.backup_file import (
    BackupSource,
    OpenBackup,
    Part,
    opened_backup,
    room_for,
    write_backup,
)
from exai_desktop.storage.user_profile.last_run import LastRun, LastRunFile
from exai_desktop.storage.user_profile.profile_lock import ProfileLock
from exai_desktop.storage.user_profile.restoring import Restoring

# They say what the other profile was: this one counts and notes anew.
_OF_ONE_PROFILE: Final = frozenset({OPENED, ANCHOR, ACCEPTED_KEYS, MIRROR_SESSION})
# The audit trail's key of a time without a key store. A name for keys, so it is never shown.
_KEY_IN_FILE: Final = "key audit-file"
_AUDIT_KEY_FILE: Final = "audit.key"


# -- making one


@dataclass(frozen=True, slots=True)
class ProfileBackup:
    """`core.machine.BackupMaker` for the profile that is open."""

    where: Places
    database: Path
    store: SecretStore

    def __call__(self, file: Path, *, texts: bool, passphrase: str) -> BackupContent:
        document = SettingsDocument(self.where.settings_file)
        _, problem = document.read()
        if problem:
            raise EngineError(ErrorCode.UNUSABLE_SETTING, problem)
        accounts = SettingsAccountBook(document).load()
        raw = b""
        with suppress(FileNotFoundError):
            raw = self.where.settings_file.read_bytes()
        source = BackupSource(
            database=self.database,
            settings=raw or b'{"version": 1}\n',
            accounts=tuple(account.name for account in accounts),
            program=__version__,
            texts=self.where.texts if texts else None,
            keys=self._keys(accounts, passphrase, file.parent) if passphrase else b"",
        )
        return write_backup(file, source, time.time())

    def _keys(self, accounts: Sequence[Account], passphrase: str, folder: Path) -> bytes:
        """A vault of its own, under the passphrase given. Raises what the key store raises."""
        names = [*PROFILE_NAMES, *(name for each in accounts for name in names_of(each))]
        values = {name: self.store.get(name) for name in names if name not in _OF_ONE_PROFILE}
        with suppress(OSError):
            values[_KEY_IN_FILE] = (self.where.data / _AUDIT_KEY_FILE).read_text("ascii").strip()
        try:
            with tempfile.TemporaryDirectory(prefix=".exai-desktop-", dir=folder) as scratch:
                vault = Path(scratch) / "keys"
                known = {name: value for name, value in values.items() if value is not None}
                VaultStore(vault).create(passphrase, "", known)
                return vault.read_bytes()
        except OSError as error:
            why = f"{folder}: {error.strerror}"
            raise EngineError(ErrorCode.BACKUP_NOT_WRITTEN, why) from error


# -- looking at one


def verify_backup(file: Path) -> BackupContent:
    """Read all of it: hashes, the list of contents, every row. Raises BACKUP_DAMAGED,
    BACKUP_NEWER, FILE_NOT_FOUND, FILE_UNREADABLE, NOT_A_FILE."""
    try:
        with opened_backup(file) as backup, _scratch(file.parent) as folder:
            room_for(backup, Path(folder))
            _extract(backup, Path(folder))
            return backup.content
    except OSError as error:
        raise not_written(error, str(file)) from error


def _scratch(otherwise: Path) -> tempfile.TemporaryDirectory[str]:
    """Where this system has temporary files; a container may have no such place."""
    try:
        return tempfile.TemporaryDirectory(prefix="exai-desktop-")
    except OSError:
        return tempfile.TemporaryDirectory(prefix=".exai-desktop-", dir=otherwise)


def _extract(backup: OpenBackup, folder: Path) -> tuple[tuple[Account, ...], float]:
    """All parts, checked, by their names in a profile; returns the accounts, and when the last
    move on record was made."""
    now = time.time()
    for part in backup.parts:
        backup.extract(part, folder / part.value)
    counted = check_database(folder / Part.DATABASE.value, now)
    backup.check_counted(counted)
    if Part.TEXTS in backup.parts:
        check_texts(folder / Part.TEXTS.value)
    if Part.KEYS in backup.parts:
        try:
            VaultStore(folder / Part.KEYS.value).check()
        except AccountError as error:
            raise EngineError(ErrorCode.BACKUP_DAMAGED, f"the keys: {error.detail}") from error
    document = SettingsDocument(folder / Part.SETTINGS.value)
    _, problem = document.read()
    if problem:
        raise EngineError(ErrorCode.BACKUP_DAMAGED, "the settings cannot be read")
    return SettingsAccountBook(document).load(), counted.newest


# -- restoring one


def _restoring(where: Places) -> Restoring:
    return Restoring(where.data, where.settings_file, write_file)


def end_restoring(where: Places) -> None:
    """A restore that was interrupted is ended or undone. The profile's lock is held."""
    _restoring(where).finish()


def present_profile() -> str:
    """The folder of the profile that a restore would replace, "" for none.

    Raises PROFILE_IN_USE.
    """
    where = places()
    with _locked(where):
        end_restoring(where)
        is_there = where.database.exists() or where.settings_file.exists()
        return str(where.data) if is_there else ""


def restore_backup(file: Path, passphrase: str, vault_passphrase: str | None) -> Restored:
    """Make the backup the profile of this computer; the former one is kept beside it.

    `passphrase` opens the keys in the backup; "": they are left out. `vault_passphrase` opens the
    vault of the present profile. Raises PROFILE_IN_USE, WRONG_PASSPHRASE, and what `verify_backup`
    raises; the present profile is unchanged then.
    """
    where = places()
    with _locked(where):
        end_restoring(where)
        restoring = _restoring(where)
        with opened_backup(file) as backup, restoring.begun() as folder:
            room_for(backup, folder)
            accounts, since = _extract(backup, folder)
            keys = folder / Part.KEYS.value
            values = VaultStore(keys).contents(passphrase) if passphrase and keys.exists() else {}
            keys.unlink(missing_ok=True)
            stays = where.vault.exists() and not values
            identity = restored_identity(where, since, keeps_vault=stays)
            without = _place_keys(where, folder, identity, accounts, values, passphrase)
            has_its_vault = (folder / "vault").exists()
            if stays and vault_passphrase:
                _renew_vault(where, folder, vault_passphrase)
            _note_restored(folder, backup, since, identity)
            aside = restoring.decide(time.time())
    return Restored(backup.content, str(aside or ""), without, has_its_vault)


@contextmanager
def _locked(where: Places) -> Iterator[None]:
    """Raises PROFILE_IN_USE."""
    lock = ProfileLock(where.locks / "profile.lock")
    try:
        lock.acquire()
    except EngineError as error:
        if error.code is not ErrorCode.ANOTHER_INSTANCE:
            raise
        raise EngineError(ErrorCode.PROFILE_IN_USE, error.detail) from error
    try:
        yield
    finally:
        lock.release()


def _place_keys(
    where: Places,
    folder: Path,
    identity: RestoredIdentity,
    accounts: Sequence[Account],
    values: dict[str, str],
    passphrase: str,
) -> tuple[str, ...]:
    """Into the vault where one was made or no keyring answers, else into the keyring.

    Without keys in the backup those of this computer are taken along: the same accounts at the
    same addresses. Returns the accounts that have none then.
    """
    in_file = values.pop(_KEY_IN_FILE, "")
    if in_file:
        write_file(folder / _AUDIT_KEY_FILE, f"{in_file}\n".encode())
    if where.vault.exists() and not values:
        return ()  # it stays; whether it has all keys is seen when it is opened
    keyring = KeyringStore(identity.new_id)
    if values and (where.vault.exists() or not keyring.available()):
        VaultStore(folder / "vault").create(passphrase, "", values)
        return _lacking(accounts, values)
    names = [*PROFILE_NAMES, *(name for each in accounts for name in names_of(each))]
    try:
        if not values and identity.former_id:
            former = KeyringStore(identity.former_id)
            found = {name: former.get(name) for name in names if name not in _OF_ONE_PROFILE}
            values = {name: value for name, value in found.items() if value is not None}
        for name, value in values.items():
            keyring.set(name, value)
    except AccountError as error:
        # A keyring that is only locked has perhaps the keys that would be left behind.
        if error.code is not ErrorCode.CREDENTIAL_STORE_UNAVAILABLE:
            raise
    return _lacking(accounts, values)


def _lacking(accounts: Sequence[Account], values: dict[str, str]) -> tuple[str, ...]:
    given = keys_of_environment()
    return tuple(
        account.name
        for account in accounts
        if names_of(account)[0] not in values and variable_of(account.name) not in given
    )


def _renew_vault(where: Places, folder: Path, passphrase: str) -> None:
    """The vault stays; what it knows of the former profile's starts and audit trail does not."""
    present = VaultStore(where.vault)
    values = present.contents(passphrase)
    left = {name: value for name, value in values.items() if name not in _OF_ONE_PROFILE}
    VaultStore(folder / "vault").create(passphrase, present.key_file, left)


def _note_restored(
    folder: Path, backup: OpenBackup, since: float, identity: RestoredIdentity
) -> None:
    """The next start goes through a recovery: the providers' lists before anything is sent."""
    write_file(folder / "profile.json", identity.file)
    (folder / "snapshots").mkdir(mode=0o700)
    made_at = datetime.fromtimestamp(backup.manifest.made_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    LastRunFile(folder / "snapshots" / "last-run.json", write_file).save(
        LastRun(
            recovering=since,
            problem=ErrorCode.DATABASE_PUT_BACK.value,
            detail=f"restored from the backup of {made_at}",
        ),
        to_disk=True,
    )
