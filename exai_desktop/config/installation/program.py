"""How the program came on this computer, how it is started, and what has taken its place.

The packages for Linux start the program from a folder of its own version, beside which `current`
leads to the newest one: packaging/linux/switch-version.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from exai_desktop import __version__

# Written by the packages, in the folder of the program: how it is installed, and its own name.
_KIND_FILE: Final = "installed-by"
_VERSIONS: Final = "versions"
_CURRENT: Final = "current"
# Behind the version comes a dash and what tells two builds of it apart.
_KINDS: Final = frozenset({"deb", "rpm", "archive"})


def own_folder() -> Path | None:
    """The folder of a frozen program; None for one that an interpreter runs."""
    return Path(sys.executable).parent if getattr(sys, "frozen", False) else None


def installed_by(folder: Path | None) -> str:
    """ "deb", "rpm" or "archive"; "appimage"; "python" for a wheel or the source; "" if unknown."""
    if folder is None:
        return "python"
    if os.environ.get("APPIMAGE") and os.environ.get("APPDIR"):
        return "appimage"
    try:
        kind = (folder / _KIND_FILE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return kind if kind in _KINDS else ""


def lasting_program(folder: Path) -> str:
    """The file by which the program is started after an update, too."""
    name = Path(sys.executable).name
    if folder.parent.name == _VERSIONS:
        lasting = folder.parent.parent / _CURRENT / name
        if lasting.exists():
            return str(lasting)
    return str(folder / name)


def replaced_by(folder: Path | None) -> str:
    """The version that is started from now on, if it is not this build; else "". Blocks shortly.

    The same version in another build counts: its parts may be others.
    """
    if folder is None or folder.parent.name != _VERSIONS:
        return ""
    try:
        current = Path((folder.parent.parent / _CURRENT).readlink()).name
    except OSError:
        return ""  # removed, or just being exchanged
    if current == folder.name:
        return ""
    return current.rpartition("-")[0] or __version__
