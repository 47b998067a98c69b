"""The ways in which a machine without a user gives the passphrase of its vault.

In this order: the file of `--passphrase-file`, the file that EXAI_DESKTOP_PASSPHRASE_FILE names,
EXAI_DESKTOP_PASSPHRASE, a systemd credential, and the key file that the vault itself names. Also
how a secret is taken out of the environment.
"""

from __future__ import annotations

import base64
import os
import stat
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import register
from exai_desktop.core.errors.tree import EngineError

VARIABLE: Final = "EXAI_DESKTOP_PASSPHRASE"
REDIS_VARIABLE: Final = "EXAI_DESKTOP_REDIS_PASSWORD"
FILE_VARIABLE: Final = "EXAI_DESKTOP_PASSPHRASE_FILE"
# systemd's LoadCredential= puts a file of this name into the folder that the variable names.
CREDENTIAL: Final = "exai-desktop-passphrase"
CREDENTIALS_FOLDER: Final = "CREDENTIALS_DIRECTORY"

# Container engines mount secrets here, readable for all users of the container.
_CONTAINER_SECRETS: Final = "/run/secrets/"
_LARGEST_BYTES: Final = 8_192
_NEW_KEY_BYTES: Final = 32

# Taken out of the environment of this process, for an engine that is opened a second time.
_taken: list[str] = []
_redis_taken: dict[str, str] = {}


def find_passphrase(
    vault: Path, file: Path | None = None, environment: MutableMapping[str, str] | None = None
) -> str | None:
    """None when nobody has given one. Raises INVALID_SETTING for a file that cannot be used.

    The variable is taken out of the environment: no child process finds it there.
    """
    here = os.environ if environment is None else environment
    given = take_variable() if environment is None else here.pop(VARIABLE, "")
    if file is not None:
        return read_passphrase(file, "--passphrase-file")
    if named := here.get(FILE_VARIABLE):
        return read_passphrase(Path(named), FILE_VARIABLE)
    if given:
        return given
    if folder := here.get(CREDENTIALS_FOLDER):
        credential = Path(folder) / CREDENTIAL
        if credential.exists():
            return read_passphrase(credential, "the systemd credential")
    if not vault.exists():
        return None
    from exai_desktop.config.vault import VaultStore  # late: few profiles have one

    key_file = VaultStore(vault).key_file
    return read_passphrase(Path(key_file), "the key file of the vault") if key_file else None


def redis_password_given(environment: MutableMapping[str, str] | None = None) -> str | None:
    """That of the environment. It is taken out, so that no child process finds it there."""
    here = os.environ if environment is None else environment
    taken = _redis_taken if environment is None else {}
    value = here.pop(REDIS_VARIABLE, None)
    if value:
        register(value)
        taken[REDIS_VARIABLE] = value
    return taken.get(REDIS_VARIABLE)


def take_variable() -> str:
    """The passphrase of the environment, which does not have it any more; "" for none."""
    if given := os.environ.pop(VARIABLE, ""):
        register(given)
        _taken[:] = [given]
    return _taken[0] if _taken else ""


def read_passphrase(path: Path, whose: str) -> str:
    """The first line of a file that no other user can read or change."""
    try:
        with path.open("rb") as file:
            _refuse_open_to_others(path, os.fstat(file.fileno()), whose)
            raw = file.read(_LARGEST_BYTES)
        passphrase = raw.decode("utf-8").partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise EngineError(
            ErrorCode.INVALID_SETTING, f"{whose}: {path}: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise EngineError(ErrorCode.INVALID_SETTING, f"{whose}: {path} is not text") from error
    if not passphrase:
        raise EngineError(ErrorCode.INVALID_SETTING, f"{whose}: the first line of {path} is empty")
    register(passphrase)
    return passphrase


def _refuse_open_to_others(path: Path, found: os.stat_result, whose: str) -> None:
    if sys.platform == "win32":
        return
    forbidden = 0o077
    if str(path.resolve()).startswith(_CONTAINER_SECRETS):
        forbidden = 0o022
    elif _is_credential(path):
        # systemd gives it to root and lets the service's user read it, which looks like a group.
        forbidden = 0o027
    if found.st_mode & forbidden:
        raise EngineError(
            ErrorCode.INVALID_SETTING,
            f"{whose}: other users can read or change {path}. Run: chmod 600 '{path}'",
        )
    if found.st_uid not in (0, os.geteuid()):
        raise EngineError(ErrorCode.INVALID_SETTING, f"{whose}: {path} belongs to another user")


def _is_credential(path: Path) -> bool:
    folder = os.environ.get(CREDENTIALS_FOLDER, "")
    return bool(folder) and path.parent.resolve() == Path(folder).resolve()


def key_file_for(path: Path) -> str:
    """The passphrase in a key file; the file is made, with a random one, if it does not exist."""
    if path.exists():
        return read_passphrase(path, "the key file")
    passphrase = base64.b64encode(os.urandom(_NEW_KEY_BYTES)).decode("ascii")
    register(passphrase)
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR
        )
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(passphrase + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise EngineError(
            ErrorCode.INVALID_SETTING, f"the key file {path} cannot be written: {error.strerror}"
        ) from error
    return passphrase
