"""The passphrase of the vault, as the user or the machine gives it: before any engine is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from exai_desktop.config.credentials import keys_of_environment
from exai_desktop.config.passphrase import (
    find_passphrase,
    key_file_for,
    read_passphrase,
    redis_password_given,
    take_variable,
)
from exai_desktop.config.paths import places
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError

Ask = Callable[[], str]

# Read by the verb `login` alone.
PROJECT_VARIABLE = "EXAI_DESKTOP_SUPABASE_PASSWORD"


def clear_environment() -> None:
    """No child process finds a secret of ours in its environment."""
    keys_of_environment()
    redis_password_given()
    take_variable()
    os.environ.pop(PROJECT_VARIABLE, None)


def passphrase_for(file: Path | None, ask: Ask | None) -> str | None:
    """What opens the vault of this profile; None when there is none, or nobody gives one.

    `ask` asks the user, when all other ways are empty and no other process holds the profile.
    """
    where = places()
    found = find_passphrase(where.vault, file)
    if found is not None or ask is None or not where.vault.exists():
        return found
    # Late: only a vault needs it.
    from exai_desktop.storage.user_profile.profile_lock import ProfileLock

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
