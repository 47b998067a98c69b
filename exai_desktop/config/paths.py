"""Where the profile lives on this machine."""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import platformdirs

from exai_desktop.config.profile_socket import (
    APP,
    HOME_VARIABLE,
    SANDBOX,
    SOCKET,
    SOCKET_PATH_BYTES,
)
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError, not_written

_OWN_FILES: Final = ("exai-desktop.db", "profile.json", "vault", "audit.key")
_OTHERS_MAY_WRITE: Final = 0o022
_OTHERS_MAY_ANYTHING: Final = 0o077


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
    # What earlier versions called the profile: the hash of its path, as given and as it is.
    former_ids: tuple[str, ...]

    @property
    def own(self) -> tuple[str, ...]:
        """The folders of the program itself."""
        return tuple(map(str, (self.data, self.settings_file.parent, self.logs)))

    @property
    def vault(self) -> Path:
        """The encrypted file with the keys, for computers without a keyring."""
        return self.data / "vault"

    @property
    def key_addresses(self) -> Path:
        """Which address each key of the environment belongs to."""
        return self.data / "key-addresses.json"


def places(home: Path | None = None, *, sandbox: bool = False) -> Places:
    """The profile in `home`, else in EXAI_DESKTOP_HOME, else in this system's usual folders.

    The sandbox has a profile of its own inside, so that rehearsal never mixes with real records.
    Makes the folders, for the owner alone.
    """
    given = home or os.environ.get(HOME_VARIABLE)
    if given:
        if isinstance(given, str) and given.startswith("~"):
            raise EngineError(
                ErrorCode.INVALID_SETTING,
                f"EXAI_DESKTOP_HOME: {given} is taken as it stands, as the shell did not replace"
                " the ~; write the full path, or ./~… for a folder of that name",
            )
        as_given = Path(given).absolute()
        # A link, or another spelling, is the same profile.
        root = as_given.resolve()
        folders = (root, root, root / "logs")
    else:
        as_given = _of_user("data")
        folders = (as_given, _of_user("config"), _of_user("log"))
    data, settings, logs = folders
    if sandbox:
        data = settings = data / SANDBOX
        as_given = as_given / SANDBOX
        logs = data / "logs"
    locks = data / "locks"
    for folder in (folders[0], data, settings):
        _make_private(folder)
    # Before anything is put there.
    _refuse_what_others_can_change(data, settings)
    for folder in (locks, logs):
        _make_private(folder)
    return Places(
        data=data,
        settings_file=settings / "settings.json",
        database=data / "exai-desktop.db",
        texts=data / "texts.db",
        locks=locks,
        shared_locks=_where_profiles_meet(data),
        logs=logs,
        socket=_socket(data),
        sandbox=data if sandbox else data / SANDBOX,
        former_ids=tuple(dict.fromkeys((_short_hash(as_given), _short_hash(data)))),
    )


def _of_user(kind: Literal["data", "config", "log", "state"]) -> Path:
    """This user's folder. Raises INVALID_SETTING where no home is known, as in containers."""
    find: Callable[..., str] = getattr(platformdirs, f"user_{kind}_dir")
    with suppress(RuntimeError):
        folder = Path(find(APP, appauthor=False))
        if folder.is_absolute():
            return folder
    raise EngineError(
        ErrorCode.INVALID_SETTING, "the folder of this user is not known; set EXAI_DESKTOP_HOME"
    )


def _where_profiles_meet(data: Path) -> Path:
    """Without a home there is no other profile of this user to meet."""
    try:
        return _of_user("state") / "contents"
    except EngineError:
        return data / "contents"


def _make_private(folder: Path) -> None:
    """Make it for its owner alone. Not `parents`: those would be made for everybody."""
    try:
        for missing in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        failure = not_written(error, f"the profile folder {folder}")
        if failure.code is not ErrorCode.DATABASE_ERROR:
            raise failure from error
        # No such place: what is wrong is who named it.
        raise EngineError(ErrorCode.INVALID_SETTING, failure.detail) from error


def _refuse_what_others_can_change(data: Path, settings: Path) -> None:
    """Raises PROFILE_NOT_PRIVATE with the command that mends it. Windows has no such modes."""
    if sys.platform == "win32":
        return
    own_files = [data / name for name in _OWN_FILES] + [settings / "settings.json"]
    for folder in dict.fromkeys((data, settings)):
        _refuse_foreign(folder)
        if not any(folder.iterdir()):
            _close(folder)
        elif not any(file.exists() for file in (*own_files, data / "locks")):
            if stat.S_IMODE(folder.stat().st_mode) & _OTHERS_MAY_ANYTHING:
                raise _not_private(folder, "It has other files: choose a folder of its own, or run")
            continue
        _refuse_open_to_others(folder, "700")
        # Others could only read: nobody can have changed anything.
        _close(folder)
    for file in own_files:
        if file.exists():
            _refuse_foreign(file)
            _refuse_open_to_others(file, "600")


def _close(folder: Path) -> None:
    """For its owner alone. Memory sticks have file systems without modes."""
    if stat.S_IMODE(folder.stat().st_mode) & _OTHERS_MAY_ANYTHING:
        with suppress(OSError):
            folder.chmod(0o700)


def _refuse_foreign(path: Path) -> None:
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise EngineError(
            ErrorCode.PROFILE_NOT_PRIVATE,
            f"{path} belongs to the user with the number {found.st_uid}. Start as that user, or"
            f" run: sudo chown -R {os.geteuid()} {shlex.quote(str(path))}",
        )


def _refuse_open_to_others(path: Path, right_mode: str) -> None:
    if stat.S_IMODE(path.stat().st_mode) & _OTHERS_MAY_WRITE:
        raise _not_private(path, "Run", right_mode)


def _not_private(path: Path, what_to_do: str, right_mode: str = "700") -> EngineError:
    mode = stat.S_IMODE(path.stat().st_mode)
    command = f"chmod {right_mode} {shlex.quote(str(path))}"
    return EngineError(
        ErrorCode.PROFILE_NOT_PRIVATE, f"{path} has the mode {mode:04o}. {what_to_do}: {command}"
    )


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _socket(data: Path) -> Path:
    """In the profile if the path is short enough, else in a folder only this user can enter."""
    usual = data / SOCKET
    if sys.platform == "win32" or len(os.fsencode(usual)) < SOCKET_PATH_BYTES:
        return usual
    name = _short_hash(data)
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    socket = Path(runtime) / f"exai-{name}.sock"
    if runtime and len(os.fsencode(socket)) < SOCKET_PATH_BYTES and _is_mine(Path(runtime)):
        return socket
    # Not the temporary folder of the environment: two processes must come to the same answer.
    folder = Path("/tmp") / f"exai-{os.getuid()}-{name}"  # noqa: S108 - checked below
    _make_private(folder)
    if not _is_mine(folder):
        raise EngineError(
            ErrorCode.INVALID_SETTING,
            f"HOME: {folder} belongs to another user; use a shorter path",
        )
    return folder / SOCKET


def _is_mine(folder: Path) -> bool:
    """Whether it is a real folder that nobody else may enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return sys.platform == "win32" or (private and found.st_uid == os.getuid())
