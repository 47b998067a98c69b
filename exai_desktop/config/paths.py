"""Where the profile lives on this machine."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, not_written

_APP: Final = "exai-desktop"
# The kernels allow 104 to 108 bytes.
_SOCKET_PATH_BYTES: Final = 100


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files of one profile. `sandbox` is the folder of its rehearsal profile."""

    data: Path
    settings_file: Path
    database: Path
    texts: Path
    locks: Path
    # Of this user on this machine, whatever the profile: where programs on one account meet.
    shared_locks: Path
    logs: Path
    socket: Path
    sandbox: Path

    @property
    def profile_id(self) -> str:
        """Tells profiles of one user apart, for instance in the keyring."""
        return _short_hash(self.data)


def places(home: Path | None = None, *, sandbox: bool = False) -> Places:
    """The profile in `home`, else in EXAI_DESKTOP_HOME, else in this system's usual folders.

    The sandbox has a profile of its own inside, so that rehearsal never mixes with real records.
    Makes the folders, for the owner alone.
    """
    given = home or os.environ.get("EXAI_DESKTOP_HOME")
    if given:
        root = Path(given).expanduser().absolute()
        folders = (root, root, root / "logs")
    else:
        folders = (
            Path(platformdirs.user_data_dir(_APP, appauthor=False)),
            Path(platformdirs.user_config_dir(_APP, appauthor=False)),
            Path(platformdirs.user_log_dir(_APP, appauthor=False)),
        )
    data, settings, logs = folders
    if sandbox:
        data = settings = data / "sandbox"
        logs = data / "logs"
    locks = data / "locks"
    for folder in (data, settings, locks, logs):
        _make_private(folder)
    return Places(
        data=data,
        settings_file=settings / "settings.json",
        database=data / "exai-desktop.db",
        texts=data / "texts.db",
        locks=locks,
        shared_locks=Path(platformdirs.user_state_dir(_APP, appauthor=False)) / "contents",
        logs=logs,
        socket=_socket(data),
        sandbox=data if sandbox else data / "sandbox",
    )


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        failure = not_written(error, f"the profile folder {folder}")
        if failure.code is not ErrorCode.DATABASE_ERROR:
            raise failure from error
        # No such place: what is wrong is who named it.
        raise EngineError(ErrorCode.INVALID_SETTING, failure.detail) from error


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _socket(data: Path) -> Path:
    """In the profile if the path is short enough, else in a folder only this user can enter."""
    usual = data / "engine.sock"
    if sys.platform == "win32" or len(os.fsencode(usual)) < _SOCKET_PATH_BYTES:
        return usual
    name = _short_hash(data)
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    socket = Path(runtime) / f"exai-{name}.sock"
    if runtime and len(os.fsencode(socket)) < _SOCKET_PATH_BYTES and _is_mine(Path(runtime)):
        return socket
    # Not the temporary folder of the environment: two processes must come to the same answer.
    folder = Path("/tmp") / f"exai-{os.getuid()}-{name}"  # noqa: S108 - checked below
    _make_private(folder)
    if not _is_mine(folder):
        raise EngineError(
            ErrorCode.INVALID_SETTING,
            f"HOME: {folder} belongs to another user; use a shorter path",
        )
    return folder / "engine.sock"


def _is_mine(folder: Path) -> bool:
    """Whether it is a real folder that nobody else may enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return sys.platform == "win32" or (private and found.st_uid == os.getuid())
