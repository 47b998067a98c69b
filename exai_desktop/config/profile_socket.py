"""The socket of a profile whose place is plain to see. For whoever wants an answer before
anything else is loaded; `paths` knows all cases, and checks more."""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

APP: Final = "exai-desktop"
HOME_VARIABLE: Final = "EXAI_DESKTOP_HOME"
SOCKET: Final = "engine.sock"
SANDBOX: Final = "sandbox"
# The kernels allow 104 to 108 bytes.
SOCKET_PATH_BYTES: Final = 100


def plain_socket(*, sandbox: bool) -> str | None:
    """None: only `paths` can tell, or the folder is not this user's alone."""
    folder = _data_folder()
    if folder is None:
        return None
    if sandbox:
        folder = os.path.join(folder, SANDBOX)  # noqa: PTH118 - pathlib takes longer than the question
    socket = os.path.join(folder, SOCKET)  # noqa: PTH118 - as above
    if len(os.fsencode(socket)) >= SOCKET_PATH_BYTES or not _is_private(folder):
        return None
    return socket


def _data_folder() -> str | None:
    if sys.platform != "linux":
        return None
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return None if home.startswith("~") else os.path.realpath(home)
    # As platformdirs does; a test compares the two.
    base = os.environ.get("XDG_DATA_HOME", "").strip() or os.path.expanduser("~/.local/share")  # noqa: PTH111 - as above
    return os.path.join(base, APP) if os.path.isabs(base) else None  # noqa: PTH117, PTH118 - as above


def _is_private(folder: str) -> bool:
    """Nobody else can have put a socket there."""
    try:
        found = os.stat(folder)  # noqa: PTH116 - as above
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077
