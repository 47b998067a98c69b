"""Which profile this is: a random id of its own, and whether the folder is a copy of another.

The id is in a file of the profile, so a link, another spelling or a moved folder is the same
profile. A copy of the folder has the same id, too. Two things tell it: the folder notes its own
path, and the profile that was copied is still there; or the number of starts, which the key store
counts as well, has gone on without this folder. Whoever opens the second one is asked.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.paths import Places
from exai_desktop.config.secret_store import KeyringStore
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.secret_store import (
    ANCHOR,
    ANCHOR_OF_COPY,
    AUDIT_KEY,
    OPENED,
    PROFILE_NAMES,
    ProfileSecrets,
    SecretStore,
    names_of,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, EngineError

log = logging.getLogger(__name__)

NAME: Final = "profile.json"
_ID_BYTES: Final = 16
# The owner of what all profiles of this user on this computer share in the keyring.
COMPUTER: Final = "this-computer"
_DEVICE: Final = "device"


class Choice(StrEnum):
    """What the user says of a profile that was copied."""

    # This folder goes on as the profile; the other one is the copy.
    KEEP = "keep"
    # This folder is another profile from now on.
    NEW = "new"
    # It was restored from a backup.
    RESTORED = "restored"


class _Stored(BaseModel):
    """The file. `choice` is the user's last one, until the record and the audit trail have it."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    version: int = 1
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")]
    path: str = ""
    opened: Annotated[int, Field(ge=0)] = 0
    opened_at: float = 0.0
    device: str = ""
    former: list[str] = []
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Copied:
    """What the user has chosen since the last start; `since`: when both were still one."""

    choice: Choice
    since: float


class ProfileIdentity:
    """Used by whoever holds the profile's lock. Calls block."""

    def __init__(self, where: Places) -> None:
        self._where = where
        self._file = where.data / NAME
        self._stored = _load(self._file) or self._first()

    @property
    def id(self) -> str:
        """Names the profile in the keyring and among all that use an account."""
        return self._stored.id

    def _first(self) -> _Stored:
        """A new profile, or one of an earlier version: its keys are under the hash of its path."""
        is_old = self._where.database.exists() or self._where.settings_file.exists()
        former = list(self._where.former_ids) if is_old else []
        new = _Stored(id=secrets.token_hex(_ID_BYTES), path=str(self._where.data), former=former)
        try:
            self._save(new)
        except OSError as error:
            log.warning("the id of the profile cannot be written: %s", error.strerror)
            # A folder that can only be read has the same name at each start.
            return _Stored(id=self._where.former_ids[-1])
        return new

    def _save(self, new: _Stored) -> None:
        write_file(self._file, _text(new))
        self._stored = new

    # -- a copy

    def check(
        self, store: SecretStore, computer: SecretStore | None = None, now: float | None = None
    ) -> None:
        """Count this start. Raises PROFILE_COPIED when another folder is this profile as well.

        `computer` tells whether this is the computer of the last start; None: nothing does.
        """
        stored, here = self._stored, str(self._where.data)
        if stored.path and stored.path != here and _is_profile(Path(stored.path), stored.id, here):
            raise EngineError(
                ErrorCode.PROFILE_COPIED, f"{here} is a copy of the profile in {stored.path}"
            )
        known, device = self._count(store), stored.device
        if known is not None and known > stored.opened:
            raise EngineError(
                ErrorCode.PROFILE_COPIED,
                f"it was opened {known} times, this folder knows of {stored.opened}",
            )
        if computer is not None and (known is None or not device):
            device = _device(computer) or device
        if known is None and stored.device and device != stored.device:
            raise EngineError(
                ErrorCode.PROFILE_COPIED, "the folder comes from another computer or user"
            )
        new = _changed(
            stored,
            path=here,
            opened=max(known or 0, stored.opened) + 1,
            # When both folders were still one: kept until the record has it, see `choice_noted`.
            opened_at=stored.opened_at if stored.choice else _now(now),
            device=device,
        )
        self._note(new, store)

    def _note(self, new: _Stored, store: SecretStore) -> None:
        """The file first: a crash between the two must not look like a copy."""
        try:
            self._save(new)
        except OSError as error:
            log.warning("the start cannot be counted: %s", error.strerror)
            return
        if not store.is_lasting:
            return
        try:
            store.set(OPENED, str(new.opened))
        except AccountError as error:
            log.info("the start is not counted in the key store: %s", error.code)

    @staticmethod
    def _count(store: SecretStore) -> int | None:
        if not store.is_lasting:
            return None
        try:
            return int(store.get(OPENED) or "")
        except (AccountError, ValueError):
            return None

    def settle(self, choice: Choice, store: ProfileSecrets, accounts: Sequence[Account]) -> None:
        """Carry out the user's choice. `store` is the one of this id as it was until now."""
        stored, here = self._stored, str(self._where.data)
        if choice is Choice.KEEP:
            other = Path(stored.path)
            new = _changed(stored, opened=max(self._count(store) or 0, stored.opened))
            if stored.path != here and (there := _load(other / NAME)) and there.id == stored.id:
                # Whoever opens the other one is asked.
                _write(other / NAME, _changed(there, path=here))
        else:
            new = _changed(stored, id=secrets.token_hex(_ID_BYTES), opened=0)
            self._copy_secrets(store, new.id, accounts)
        self._save(_changed(new, path=here, device="", former=[], choice=choice.value))

    @staticmethod
    def _copy_secrets(store: ProfileSecrets, new_id: str, accounts: Sequence[Account]) -> None:
        """The vault lies in the folder and was copied with it; items of a keyring are not."""
        if store.status().has_vault:
            store.delete(OPENED)
            return
        target = KeyringStore(new_id)
        names = [name for account in accounts for name in names_of(account)]
        for name in (*PROFILE_NAMES, *names):
            if name != OPENED and (value := store.get(name)) is not None:
                target.set(name, ANCHOR_OF_COPY if name == ANCHOR else value)

    @property
    def choice(self) -> Copied | None:
        """What was chosen, and is not yet in the record."""
        stored = self._stored
        return Copied(Choice(stored.choice), stored.opened_at) if stored.choice else None

    def choice_noted(self, now: float | None = None) -> None:
        """The record has the choice. Not before: without it, nothing would be compared."""
        try:
            self._save(_changed(self._stored, choice="", opened_at=_now(now)))
        except OSError as error:
            # Told again at the next start: then the lists are compared once more.
            log.warning("the choice for a copied profile stays noted: %s", error.strerror)

    # -- earlier versions

    def carry_over(self, keyring: KeyringStore, accounts: Sequence[Account]) -> None:
        """Move the keys that an earlier version kept under the hash of the path, once.

        They belong to the addresses that the accounts have now. Without the keyring it is tried
        again at the next start.
        """
        if not self._stored.former:
            return
        try:
            for former in self._stored.former:
                self._carry_over(keyring, former, accounts)
            self._save(_changed(self._stored, former=[]))
        except AccountError as error:
            log.warning("keys of an earlier version are not moved yet: %s", error.code)
        except OSError as error:
            log.warning("the profile's id cannot be written: %s", error.strerror)

    @staticmethod
    def _carry_over(keyring: KeyringStore, former: str, accounts: Sequence[Account]) -> None:
        audit_item = f"{former}/{AUDIT_KEY}"
        audit_key = keyring.take_former(audit_item)
        if audit_key is not None:
            if keyring.get(AUDIT_KEY) is None:
                keyring.set(AUDIT_KEY, audit_key)
            keyring.delete_former(audit_item)
        for account in accounts:
            item = f"{former}:{account.name}"
            key = keyring.take_former(item)
            if key is None:
                continue
            name, address = names_of(account)
            if keyring.get(address) is None:
                keyring.set(name, key)
                keyring.set(address, name.split(" ")[1])
            keyring.delete_former(item)


def _now(given: float | None) -> float:
    return time.time() if given is None else given


@dataclass(frozen=True, slots=True)
class RestoredIdentity:
    """`former_id` is that of the profile in this folder until now, "" when there is none."""

    former_id: str
    new_id: str
    file: bytes


def restored_identity(where: Places, since: float, *, keeps_vault: bool) -> RestoredIdentity:
    """What a profile restored here is: never the same as the one that was backed up.

    That one may live on elsewhere, and the former one is kept beside this. What they have noted of
    contents is then another's, and looked at. `since`: the record is as of then.
    """
    try:
        former = _load(where.data / NAME)
    except EngineError:
        former = None  # damaged: perhaps that is why a backup is restored
    new = _Stored(
        id=secrets.token_hex(_ID_BYTES),
        path=str(where.data),
        # The vault that stays counts the starts, too.
        opened=former.opened if former is not None and keeps_vault else 0,
        opened_at=since,
        former=former.former if former is not None else [],
        choice=Choice.RESTORED.value,
    )
    return RestoredIdentity(former.id if former else "", new.id, _text(new))


def _text(stored: _Stored) -> bytes:
    return stored.model_dump_json(indent=2).encode() + b"\n"


def _changed(stored: _Stored, **changes: object) -> _Stored:
    return _Stored.model_validate(stored.model_dump() | changes)


def _load(path: Path) -> _Stored | None:
    """None when there is none. A damaged one is an error: another id would lose the keys."""
    try:
        return _Stored.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise EngineError(
            ErrorCode.DATABASE_ERROR,
            f"{path} cannot be read ({type(error).__name__}); restore it from a backup",
        ) from error


def _write(path: Path, stored: _Stored) -> None:
    try:
        write_file(path, _text(stored))
    except OSError as error:
        log.warning("the other profile cannot be marked: %s", error.strerror)


def _is_profile(folder: Path, profile_id: str, here: str) -> bool:
    """Whether another folder holds a profile with this id."""
    try:
        if folder.samefile(here):
            return False
        found = _load(folder / NAME)
    except (OSError, EngineError):
        return False
    return found is not None and found.id == profile_id


def _device(computer: SecretStore) -> str:
    """A random name of this user on this computer, made when there is none."""
    try:
        device = computer.get(_DEVICE)
        if device is None:
            device = secrets.token_hex(_ID_BYTES)
            computer.set(_DEVICE, device)
    except AccountError:
        return ""
    return device
