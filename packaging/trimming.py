"""What of the freezer's findings is left out: what nobody uses, and what the system must bring."""

import re
import subprocess
import sys
from pathlib import PurePath
from typing import Any

EXCLUDED = [
    # Development and graphics of Python itself. `readline` would bring the GPL's library.
    *("tkinter", "unittest", "pydoc", "pydoc_data", "lib2to3", "distutils", "ensurepip", "idlelib"),
    *(
        "test",
        "turtle",
        "readline",
        "curses",
        "setuptools",
        "pkg_resources",
        "_distutils_hack",
        "pip",
    ),
    # What draws programs and Markdown in colours: nobody here does.
    *("pygments", "markdown_it", "mdurl"),
    # Optional parts of libraries.
    *(
        "pydantic.mypy",
        "pydantic.v1.mypy",
        "pydantic._hypothesis_plugin",
        "pydantic.v1._hypothesis_plugin",
    ),
    *("numpy", "pandas", "PIL", "IPython", "trio", "pytest", "uvloop", "httptools"),
    *("PyQt5", "PyQt6", "PySide2", "websockets", "wsproto"),
    # Qt for Qt Quick, the network and more; the window uses widgets alone.
    *(
        "PySide6.QtQml",
        "PySide6.QtQuick",
        "PySide6.QtNetwork",
        "PySide6.QtTest",
        "PySide6.QtPrintSupport",
    ),
]

_UNUSED = re.compile(
    r"""PySide6/(Qt/)?plugins/(
        egldeviceintegrations/ | generic/ | networkinformation/ | tls/ | sqldrivers/ | printsupport/
      | vectorimageformats/ | qmltooling/ | designer/ | qmllint/
      | platforminputcontexts/.*virtualkeyboard
      | platforms/(lib)?q(eglfs|linuxfb|vnc|vkkhrdisplay|minimal|minimalegl|direct2d)\.
      | platformthemes/libqgtk3
      | imageformats/(lib)?q(tiff|tga|wbmp|icns|pdf|ico)\.
      | wayland-graphics-integration-server/
      | wayland-graphics-integration-client/lib(drm-egl|vulkan|shm-emulation)-server
      | wayland-shell-integration/lib(ivi|qt|fullscreen|wl)-shell
    )
    | PySide6/(Qt/)?translations/
    | PySide6/(Qt/)?qml/
    | PySide6/opengl32sw\.dll
    """,
    re.VERBOSE,
)
# Of what the freezer runs at each start. One of the others loads Qt to tell where its plug-ins are
# (a file says it here: packaging/freeze.py), one `multiprocessing`, one `inspect` for sources that
# are not there: together two thirds of what a command costs.
_HOOKS = frozenset({"pyi_rth_pkgutil"})

# Of the build machine, of no use elsewhere.
_OF_BUILD = re.compile(
    r"dist-info/(direct_url\.json|INSTALLER|REQUESTED|RECORD|uv_cache\.json|uv_build\.json)$"
)

# An old copy of one of these breaks the graphics, fonts or desktop of a newer system. Packages name
# them as what they depend on.
_OF_SYSTEM = re.compile(
    r"lib(stdc\+\+|gcc_s|X11|X11-xcb|fontconfig|freetype|expat|z|uuid|com_err|gpg-error|dbus-1|harfbuzz"
    r"|glib-2\.0|gthread-2\.0|gobject-2\.0|gmodule-2\.0|gio-2\.0|systemd)\.so"
)
# Opened by name, or by what is not an ELF file.
_BY_NAME = re.compile(r"lib(ssl|crypto)\.so|libQt6(Core|Gui|Widgets|DBus|Svg)\.so")


def trim(analysis: Any) -> None:
    """Takes it out of the lists of the freezer's analysis."""
    for kind in ("binaries", "datas"):
        kept = [row for row in getattr(analysis, kind) if not _is_unused(row[0])]
        setattr(analysis, kind, kept)
    analysis.scripts = _in_order(analysis.scripts)
    if sys.platform != "linux":
        return
    gone = {_name(row) for row in analysis.binaries if _OF_SYSTEM.match(_name(row))}
    kept = [row for row in analysis.binaries if _name(row) not in gone]
    wanted = _reachable(kept)
    gone |= {_name(row) for row in kept if _name(row) not in wanted}
    analysis.binaries = [row for row in kept if _name(row) in wanted]
    # Beside a library lie links to it.
    analysis.datas = [
        row for row in analysis.datas if row[2] != "SYMLINK" or _name(row) not in gone
    ]
    print("left out:", *sorted(gone))


def _in_order(scripts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """`launch_version` goes before the hooks, and only some of those are run."""
    kept = [row for row in scripts if not row[0].startswith("pyi_rth_") or row[0] in _HOOKS]
    return sorted(kept, key=lambda row: row[0] != "launch_version")


def _is_unused(place: str) -> bool:
    path = place.replace("\\", "/")
    return bool(_UNUSED.search(path) or _OF_BUILD.search(path))


def _name(row: tuple[str, str, str]) -> str:
    return PurePath(row[0]).name


def _reachable(binaries: list[tuple[str, str, str]]) -> set[str]:
    """The names of extension modules, plug-ins and all libraries that they need, in turn."""
    by_name = {_name(row): row for row in binaries}
    todo = [
        row
        for row in binaries
        if row[2] == "EXTENSION"
        or "/plugins/" in row[0]
        or _name(row).startswith("libpython")
        or _BY_NAME.match(_name(row))
    ]
    found = {_name(row) for row in todo}
    while todo:
        for needed in _needed(todo.pop()[1]):
            if needed in by_name and needed not in found:
                found.add(needed)
                todo.append(by_name[needed])
    return found


def _needed(file: str) -> list[str]:
    said = subprocess.run(["objdump", "-p", file], capture_output=True, text=True, check=True)
    return re.findall(r"NEEDED\s+(\S+)", said.stdout)
